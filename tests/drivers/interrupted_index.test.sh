# CREATE INDEX CONCURRENTLY without a name is interrupted at several moments, while other sessions
# create and rebuild indexes of the table. In the end there is exactly one index as the text says.
new_database driver_interrupted_index
sql 'CREATE TABLE base (id int PRIMARY KEY, v int); INSERT INTO base SELECT g, g FROM generate_series(1, 100) g' >/dev/null

# Keeps the run from its lock, or from ending its wait for older transactions.
hold() { # SQL
    PGAPPNAME=holder "$BIN/psql" -X -q -c "$1" -c "SELECT pg_sleep(60)" >/dev/null 2>&1 &
    wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'holder' AND query LIKE '%pg_sleep%')"
}
end() { sql "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = '$1'" >/dev/null; }
start() {
    PGAPPNAME=runner sql 'CALL migrations.apply_each()' >"$RUN/interrupted_index.out" 2>&1 &
    RUNNER=$!
    wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'runner' AND wait_event_type = 'Lock')"
}
cut() {
    end runner
    wait $RUNNER 2>/dev/null || true
    end holder
    wait_for "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name IN ('runner', 'holder'))"
}
found() { sql "SELECT string_agg(c.relname || ' ' || indisvalid, ', ' ORDER BY 1) FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'base'::regclass AND pg_get_indexdef(indexrelid) LIKE '%((id + $1))%'"; }
add() { sql "SELECT migrations.add('$1', 'index', 'CREATE INDEX CONCURRENTLY ON base ((id + $1))', 'SELECT 1')" >/dev/null; }
go_on() { sql 'CALL migrations.apply_each()' >/dev/null 2>&1 || fail "$1: $(sql 'CALL migrations.apply_each()' 2>&1)"; }

# Before it begins: another index gets the name that it was to have.
add 1
hold 'BEGIN; LOCK TABLE base IN SHARE UPDATE EXCLUSIVE MODE'
start
cut
is 'the state' interrupted "$(sql 'SELECT state FROM migrations.status()')"
sql 'CREATE INDEX ON base ((v + 1))'
go_on 'another index of the name'
is 'after a cut before it began' 'base_expr_idx1 true' "$(found 1)"

# Before it begins, and its lock is one that nothing passes.
add 2
hold 'BEGIN; LOCK TABLE base'
start
cut
sql 'CREATE INDEX ON base ((v + 2))'
go_on 'a locked table'
is 'after a cut at a locked table' 'base_expr_idx3 true' "$(found 2)"

# While it waits for older transactions: it is there, and not valid. It is rebuilt by others, or
# dropped, and another one gets its name.
for others in 'SELECT 1' 'REINDEX INDEX base_expr_idxN' 'REINDEX INDEX CONCURRENTLY base_expr_idxN' 'REINDEX TABLE base' \
    'DROP INDEX base_expr_idxN' 'DROP INDEX base_expr_idxN; CREATE INDEX ON base ((v + 3))' 'ALTER INDEX base_expr_idxN RENAME TO renamed'; do
    n=$(sql 'SELECT count(*) + 1 FROM migrations.applied')
    add "$n"
    hold 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM base'
    start
    cut
    left=$(found "$n")
    has "$others: not valid" '^base_expr_idx[0-9]+ false$' "$left"
    sql "${others//base_expr_idxN/${left% *}}" >/dev/null
    go_on "$others"
    case $others in
    ALTER*) has "$others" '^(renamed false, )?base_expr_idx[0-9]+ true(, renamed false)?$' "$(found "$n")" ;;
    *) has "$others" '^base_expr_idx[0-9]+ true$' "$(found "$n")" ;;
    esac
done

# Another relation gets the name while it waits: it takes the next one.
n=$(sql 'SELECT count(*) + 1 FROM migrations.applied')
add "$n"
hold 'BEGIN; LOCK TABLE base IN SHARE UPDATE EXCLUSIVE MODE'
start
taken=$(sql "SELECT index_name FROM migrations.journal")
sql "CREATE TABLE $taken ()"
end holder
wait_for "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'runner')"
lacks 'the run' ERROR "$(cat "$RUN/interrupted_index.out")"
has 'the next name' '^base_expr_idx[0-9]+ true$' "$(found "$n")"
lacks 'which is another one' "^$taken true" "$(found "$n")"

# A named one: what another session makes of the name isn't it.
sql "SELECT migrations.add('900', 'named', 'CREATE INDEX CONCURRENTLY i ON base (v)')" >/dev/null
hold 'BEGIN; LOCK TABLE base IN SHARE UPDATE EXCLUSIVE MODE'
start
cut
sql 'CREATE INDEX i ON base (v DESC)'
has 'as psql says it' 'relation "i" already exists' "$(sql 'CALL migrations.apply_each()' 2>&1 || true)"
is 'it is not applied' failed "$(sql "SELECT state FROM migrations.status() WHERE version = '900'")"
