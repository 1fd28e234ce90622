# What is added to errors of the server: who holds a lock, which index is invalid, which extension
# owns the schema, and what to do, depending on the direction.
new_database driver_error_details
call() { "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -c "$1" 2>&1 && fail "it succeeded: $1" || true; }
add() { sql "SELECT FROM migrations.add('$1', 'm', \$up\$$2\$up\$, \$down\$${3:-SELECT 1}\$down\$, project => '$1')" >/dev/null; }
sql 'CREATE TABLE t (id int)'

# A lock that is not granted in time.
add lock 'SELECT 1; ALTER TABLE t ADD a int' 'ALTER TABLE t DROP a'
add nowait 'LOCK TABLE t NOWAIT'
sql 'BEGIN; SELECT count(*) FROM t; SELECT pg_sleep(600)' >/dev/null 2>&1 &
wait_for "SELECT count(*) > 0 FROM pg_locks WHERE relation = 't'::regclass AND mode = 'AccessShareLock'"
export PGOPTIONS='-c migrations.lock_timeout=100ms -c migrations.lock_retries=0'
for call in "SELECT FROM migrations.apply(project => 'P')" "CALL migrations.apply_each(project => 'P')" "SELECT FROM migrations.apply_all('{P}')"; do
    for project in lock nowait; do
        out=$(call "${call//P/$project}")
        has "$call" "DETAIL:  Process [0-9]+ of user postgres holds a lock on public.t, in a transaction since .*: BEGIN; SELECT count" "$out"
        has "$call" 'HINT:  End the transaction that holds the lock' "$out"
    done
done
is 'in a block' 'caught' "$(sql "DO \$\$BEGIN PERFORM FROM migrations.apply(project => 'lock'); EXCEPTION WHEN lock_not_available THEN RAISE NOTICE 'caught'; END\$\$" 2>&1 | sed -n 's/NOTICE:  \(caught\)/\1/p')"
unset PGOPTIONS
is 'the holder ends' t "$(sql "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()")"
wait
sql "SELECT FROM migrations.apply(project => 'lock')" 2>/dev/null

# An index of that name exists, and is invalid.
sql 'CREATE TABLE d (v int); INSERT INTO d VALUES (1), (1)'
error_of sql 'CREATE UNIQUE INDEX CONCURRENTLY d_v ON d (v)' >/dev/null
sql 'DELETE FROM d'
add plain 'CREATE UNIQUE INDEX d_v ON d (v)'
add apart 'CREATE UNIQUE INDEX CONCURRENTLY d_v ON public.d (v)'
add exists 'CREATE UNIQUE INDEX IF NOT EXISTS d_v ON d (v)'
add exists_apart 'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS d_v ON d (v)'
for project in plain apart; do
    out=$(call "CALL migrations.apply_each(project => '$project')")
    has "$project" 'ERROR:  relation "d_v" already exists' "$out"
    has "$project" 'DETAIL:  Index (public\.)?d_v is not valid: an earlier attempt to build it has failed\.' "$out"
    has "$project" 'DROP INDEX CONCURRENTLY (public\.)?d_v; and repeat the call' "$out"
done
has 'atomic' 'DETAIL:  Index d_v is not valid' "$(call "SELECT FROM migrations.apply(project => 'plain')")"
for project in exists exists_apart; do
    has "$project" 'ERROR:  index (public\.)?d_v is not valid' "$(call "CALL migrations.apply_each(project => '$project')")"
done
has 'atomic' 'ERROR:  index (public\.)?d_v is not valid' "$(call "SELECT FROM migrations.apply(project => 'exists')")"
sql 'DROP INDEX d_v; CREATE UNIQUE INDEX d_v ON d (v)'
lacks 'a valid one' 'not valid' "$(call "SELECT FROM migrations.apply(project => 'plain')")"
sql "SELECT FROM migrations.apply(project => 'exists')" 2>/dev/null

# The schema migrations belongs to the extension.
add schema 'CREATE SCHEMA migrations'
add schema_exists 'CREATE SCHEMA IF NOT EXISTS migrations; CREATE TABLE migrations.x (id int)'
add schema_dynamic "DO \$\$BEGIN EXECUTE 'CREATE SCHEMA migrations'; END\$\$"
for project in schema schema_exists schema_dynamic; do
    for call in "SELECT FROM migrations.apply(project => 'P')" "CALL migrations.apply_each(project => 'P')"; do
        out=$(call "${call//P/$project}")
        has "$project" 'DETAIL:  .*The schema "migrations" belongs to extension pg_migrations\.' "$out"
        has "$project" 'HINT:  Give the schema of the migration another name\.' "$out"
        lacks "$project" 'mark_applied' "$out"
    done
done

# The HINT of a failed down does not name apply_each().
sql "CREATE TYPE e AS ENUM ('a'); CREATE TABLE u (v e)"
add down 'SELECT 1' "ALTER TYPE e ADD VALUE IF NOT EXISTS 'z'; INSERT INTO u VALUES ('z')"
add down_ends 'SELECT 1' "DO \$\$BEGIN EXECUTE 'SELECT 1'; PERFORM ends(); END\$\$; CALL ends()"
sql "CREATE PROCEDURE ends() LANGUAGE plpgsql AS \$\$BEGIN COMMIT; END\$\$" 2>/dev/null
add down_marked 'SELECT 1' 'SELECT 1'
sql "SELECT FROM migrations.apply_all('{down,down_ends}')" 2>/dev/null
for project in down down_ends; do
    for call in "SELECT FROM migrations.rollback(1, 'P')" "CALL migrations.rollback_each(1, 'P')"; do
        lacks "$project" 'apply_each' "$(call "${call//P/$project}")"
    done
done

# A new enum value that is used before it is committed.
add enum "ALTER TYPE e ADD VALUE 'n'; INSERT INTO u VALUES ('n')"
for call in "SELECT FROM migrations.apply(project => 'enum')" "CALL migrations.apply_each(project => 'enum')"; do
    out=$(call "$call")
    has 'where to commit' 'HINT:  .*If this migration adds the value, split it after ALTER TYPE, or put BEGIN; and COMMIT; around' "$out"
    lacks 'not by itself' 'apply_each\(' "$out"
done
add enum_marked "BEGIN; ALTER TYPE e ADD VALUE 'm'; COMMIT; INSERT INTO u VALUES ('m')"
sql "CALL migrations.apply_each(project => 'enum_marked')" >/dev/null 2>&1
sql "SELECT FROM migrations.add('1', 'value', 'ALTER TYPE e ADD VALUE ''o''', project => 'two'); SELECT FROM migrations.add('2', 'use', 'INSERT INTO u VALUES (''o'')', project => 'two')" >/dev/null
has 'between them' "HINT:  .*Commit between the migrations: CALL migrations.apply_each\(project => 'two'\);" "$(call "SELECT FROM migrations.apply(project => 'two')")"
sql "CALL migrations.apply_each(project => 'two')" >/dev/null 2>&1

# BEGIN ... ROLLBACK is not reported as a transaction without end.
add rolled 'BEGIN; SELECT 1; ROLLBACK;'
for call in "SELECT FROM migrations.apply(project => 'rolled')" "CALL migrations.apply_each(project => 'rolled')"; do
    out=$(call "$call")
    has 'what is wrong' 'ERROR:  ROLLBACK is not allowed in a migration|ERROR:  BEGIN is not allowed' "$out"
    lacks 'no end' 'no end' "$out"
done

# Logical replication copies rows and no sequences: their next values exist already.
behind() { sql "SELECT setval(c.oid, 1, false) FROM pg_class c WHERE relkind = 'S' AND relnamespace = 'migrations'::regnamespace" >/dev/null; }
add cut "SELECT 1; DO \$\$BEGIN PERFORM 1; COMMIT; PERFORM 1/0; END\$\$"
for call in "SELECT FROM migrations.add('1', 'a', 'SELECT 1', 'SELECT 1', project => 'new')" "SELECT FROM migrations.apply(project => 'new')" \
    "SELECT FROM migrations.rollback(1, 'new')" "CALL migrations.apply_each(project => 'new')" "SELECT FROM migrations.set_project('newer', search_path => 'public')" \
    "SELECT FROM migrations.mark_pending('1', 'new')" "SELECT FROM migrations.baseline('1', 'new')" "SELECT FROM migrations.add_repeatable('r', 'SELECT 1', 'new')" \
    "SELECT FROM migrations.set_variable('x', 'y', 'new')" "SELECT FROM migrations.apply_all()"; do
    behind
    out=$(sql "$call" 2>&1) || lacks "$call" '23505|duplicate key' "$out"
done
behind
has 'its own error' 'division by zero' "$(call "CALL migrations.apply_each(project => 'cut')")"
is 'kept' 'interrupted' "$(sql "SELECT state FROM migrations.status('cut')")"
is 'no number twice' 't' "$(sql 'SELECT count(*) = count(DISTINCT id) FROM migrations.event')"
# Two sessions at once.
behind
for n in 1 2 3 4 5 6; do sql "SELECT FROM migrations.add('1', 'a', 'SELECT 1', project => 'many$n')" >"$RUN/error_details.$n" 2>&1 & done
wait
is 'all of them' 6 "$(sql "SELECT count(*) FROM migrations.project WHERE name LIKE 'many_'")"
