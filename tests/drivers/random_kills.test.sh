# Kills at random moments of stepwise runs over 40 migrations of all kinds, up and down, of the
# session (kill -9) and of the server (immediate shutdown). After each recovery the record agrees
# with the catalog, and apply(), plan and status with each other; calls that
# would change what a half-run migration depends on are refused. Between the tries, other sessions
# rebuild and create indexes.
# The next call continues, and in the end everything was done exactly once.
KILLS=${KILLS:-100}
SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}
echo "SEED=$SEED KILLS=$KILLS"
RANDOM=$SEED
new_database crash_base
sql "$(cat "$ROOT/tests/drivers/disagreement.sql")" >/dev/null
sql "
CREATE TABLE base (id int, v int);
INSERT INTO base SELECT g, g % 100 FROM generate_series(1, 20000) g;
CREATE TABLE ran (n int);
CREATE PROCEDURE drop_unnamed(n int) LANGUAGE plpgsql AS \$\$
BEGIN
    EXECUTE (SELECT 'DROP INDEX ' || indexrelid::regclass FROM pg_index WHERE indrelid = 'base'::regclass AND pg_get_indexdef(indexrelid) LIKE format('%%((id + %s)), v)', n));
END \$\$;
SELECT migrations.add(n::text, 'kind ' || n % 8, CASE n % 8
    WHEN 1 THEN format('CREATE INDEX CONCURRENTLY i_%1\$s ON base (v); INSERT INTO ran VALUES (%1\$s)', n)
    WHEN 2 THEN format('INSERT INTO ran VALUES (%s); VACUUM base', n)
    WHEN 3 THEN format('CREATE INDEX CONCURRENTLY ON base ((id + %1\$s), v); INSERT INTO ran VALUES (%1\$s)', n)
    WHEN 5 THEN format('REINDEX TABLE CONCURRENTLY base; INSERT INTO ran VALUES (%s)', n)
    WHEN 6 THEN format('INSERT INTO ran VALUES (%1\$s); CREATE UNIQUE INDEX CONCURRENTLY u_%1\$s ON base (id)', n)
    WHEN 7 THEN format('DROP INDEX CONCURRENTLY i_%s; INSERT INTO ran VALUES (%s)', n - 6, n)
    ELSE format('CREATE TABLE m_%1\$s (id int); INSERT INTO m_%1\$s SELECT * FROM generate_series(1, 2000); INSERT INTO ran VALUES (%1\$s)', n)
    END, CASE n % 8
    WHEN 1 THEN format('DELETE FROM ran WHERE n = %1\$s; DROP INDEX CONCURRENTLY i_%1\$s', n)
    WHEN 3 THEN format('VACUUM base; DELETE FROM ran WHERE n = %1\$s; CALL drop_unnamed(%1\$s)', n)
    WHEN 6 THEN format('DELETE FROM ran WHERE n = %1\$s; DROP INDEX CONCURRENTLY u_%1\$s', n)
    WHEN 7 THEN format('CREATE INDEX CONCURRENTLY i_%s ON base (v); DELETE FROM ran WHERE n = %s', n - 6, n)
    WHEN 0 THEN format('DELETE FROM ran WHERE n = %1\$s; DROP TABLE m_%1\$s', n)
    WHEN 4 THEN format('DELETE FROM ran WHERE n = %1\$s; DROP TABLE m_%1\$s', n)
    ELSE format('DELETE FROM ran WHERE n = %s', n)
    END) FROM generate_series(1, 40) n;
CREATE VIEW divergence AS
WITH m AS (
    SELECT n, n % 8 AS kind, EXISTS (SELECT FROM migrations.applied a WHERE a.version = n::text) AS applied,
           EXISTS (SELECT FROM migrations.journal j JOIN migrations.migration r USING (project_id, version_key)
                   WHERE r.version = n::text) AS half,
           EXISTS (SELECT FROM migrations.journal j JOIN migrations.migration r USING (project_id, version_key)
                   WHERE r.version = n::text AND j.command IN ('INSERT', 'DELETE') AND j.is_done) AS noted,
           (SELECT count(*) FROM ran WHERE ran.n = g.n) AS times
    FROM generate_series(1, 40) g(n)),
i AS (SELECT relname, indisvalid, pg_get_indexdef(indexrelid) AS definition
      FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'base'::regclass)
-- (What is noted of a rollback is that the row is gone again.)
SELECT n, 'ran ' || times || ' times' AS what FROM m WHERE times <> (applied <> noted)::int
UNION ALL SELECT n, 'no table' FROM m WHERE kind IN (0, 4) AND applied AND to_regclass('m_' || n) IS NULL
UNION ALL SELECT n, 'a table' FROM m WHERE kind IN (0, 4) AND NOT applied AND to_regclass('m_' || n) IS NOT NULL
UNION ALL SELECT n, 'no index' FROM m WHERE kind = 1 AND applied AND NOT half
    AND NOT EXISTS (SELECT FROM i WHERE relname = 'i_' || n AND indisvalid)
    AND NOT EXISTS (SELECT FROM m d WHERE d.n = m.n + 6 AND (d.applied OR d.half))
UNION ALL SELECT n, 'an index that was dropped' FROM m WHERE kind = 7 AND applied AND NOT half AND EXISTS (SELECT FROM i WHERE relname = 'i_' || n - 6)
UNION ALL SELECT n, 'no unique index' FROM m WHERE kind = 6 AND applied AND NOT half AND NOT EXISTS (SELECT FROM i WHERE relname = 'u_' || n AND indisvalid)
UNION ALL SELECT n, 'unnamed indexes: ' || found FROM (
    SELECT n, applied, half, (SELECT count(*) FROM i WHERE relname !~ '_cc(new|old)\d*$' AND definition LIKE format('%%((id + %s)), v)', n) AND (indisvalid OR NOT applied)) AS found FROM m WHERE kind = 3) f
    WHERE NOT half AND found <> applied::int;
" >/dev/null
call() { "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -c "$1" >"$RUN/crash.out" 2>&1; }

# What must hold at any moment between two calls.
check() { # when
    local diverged
    diverged=$(sql 'SELECT * FROM divergence')
    [ -z "$diverged" ] || fail "$1: $diverged; journal: $(sql 'SELECT * FROM migrations.journal')"
    is "$1: apply(), plan and status agree" '' "$(sql 'SET client_min_messages = error; SELECT disagreement()')"
}

# While a migration is half run, its ground stays. (Every call would undo something.)
refusals=0
refused() {
    local call
    [ "$(sql 'SELECT EXISTS (SELECT FROM migrations.journal)')" = t ] || return 0
    for call in 'SELECT FROM migrations.rollback(1)' "SELECT FROM migrations.reset('default', 'default')" \
        "SELECT FROM migrations.force('1')" 'SELECT FROM migrations.redo()' \
        "SELECT FROM migrations.rollback_to('1')" "SELECT FROM migrations.mark_pending('1')" \
        "$([ "$(sql 'SELECT direction FROM migrations.journal LIMIT 1')" = up ] && echo 'CALL migrations.rollback_each(1)' || echo 'CALL migrations.apply_each()')"; do
        # (If it is the first one that is half run, to mark that is a way out.)
        [ "$(sql "SELECT version FROM migrations.journal JOIN migrations.migration USING (project_id, version_key) LIMIT 1")" != 1 ] || continue
        has "$call" 'is half run' "$(sql "$call" 2>&1 || true)"
        refusals=$((refusals + 1))
    done
}

# What others do between two tries: another index that gets the name which an unnamed one would
# have, one of them dropped again, indexes rebuilt.
others() {
    case $((RANDOM % 6)) in
    0) sql "CREATE INDEX ON base ((v + $RANDOM), v)" ;;
    1) sql 'REINDEX TABLE base' 2>/dev/null ;;
    2) sql 'REINDEX TABLE CONCURRENTLY base' 2>/dev/null ;;
    3) sql "DO \$\$ BEGIN EXECUTE coalesce((SELECT 'DROP INDEX ' || indexrelid::regclass FROM pg_index WHERE indrelid = 'base'::regclass AND pg_get_indexdef(indexrelid) LIKE '%((v + %)), v)' LIMIT 1), 'SELECT 1'); END \$\$" ;;
    esac
}

# Makes calls until one succeeds, or there is none to be made any more, with kills.
apply_each() { echo 'CALL migrations.apply_each()'; }
rollback_each() { sql "SELECT format('CALL migrations.rollback_each(%s)', count(*) - 20) FROM migrations.applied HAVING count(*) > 20"; }
kills=0 sessions=0
drive() { # what gives the call
    local caller pid next
    while :; do
        next=$("$1")
        [ -n "$next" ] || break
        [ "$kills" -lt "$KILLS" ] || { call "$next" || fail "$(cat "$RUN/crash.out")"; break; }
        call "$next" &
        caller=$!
        sleep "0.$(printf %03d $((RANDOM % 250)))"
        if ! kill -0 $caller 2>/dev/null; then
            wait $caller && break
            fail "$(cat "$RUN/crash.out")"
        fi
        if [ $((RANDOM % 3)) = 0 ]; then
            server pg_ctl restart -D "$RUN/data" -m immediate -w -s -l "$RUN/server.log"
            kills=$((kills + 1))
        else
            pid=$(sql "SELECT pid FROM pg_stat_activity WHERE datname = 'crash_run' AND pid <> pg_backend_pid() AND backend_type = 'client backend'" 2>/dev/null || true)
            if [ -n "$pid" ] && kill_session "$pid"; then
                kills=$((kills + 1)) sessions=$((sessions + 1))
            fi
        fi
        wait $caller || true
        wait_for_server
        check "after kill $kills"
        refused
        others
        check "after what others did, kill $kills"
    done
}

cycles=0
while [ "$kills" -lt "$KILLS" ]; do
    cycles=$((cycles + 1))
    # (Copied through the log, a sequence may give a value again after a crash: the server's
    # own flaw, of which this test isn't.)
    sql_in postgres "CREATE DATABASE crash_run TEMPLATE crash_base STRATEGY file_copy"
    export PGDATABASE=crash_run
    drive apply_each
    is 'all are applied' 40 "$(sql 'SELECT count(*) FROM migrations.applied')"
    is 'each ran once' '40|40' "$(sql 'SELECT count(*), count(DISTINCT n) FROM ran')"
    check 'all applied'
    is 'no index of ours is invalid' '' "$(sql "SELECT string_agg(indexrelid::regclass::text, ' ') FROM pg_index WHERE NOT indisvalid")"
    is 'indexes' 10 "$(sql "SELECT count(*) FROM pg_indexes WHERE tablename = 'base' AND indexdef NOT LIKE '%((v + %'")"
    is 'no journal is left' 0 "$(sql 'SELECT count(*) FROM migrations.journal')"
    # Back to the 20th, and to the end again.
    drive rollback_each
    is 'half of them are rolled back' 20 "$(sql 'SELECT count(*) FROM migrations.applied')"
    check 'half of them rolled back'
    drive apply_each
    is 'all are applied again' '40|40|0' "$(sql 'SELECT (SELECT count(*) FROM migrations.applied), (SELECT count(*) FROM ran), (SELECT count(*) FROM migrations.journal)')"
    check 'all applied again'
    export PGDATABASE=crash_base
    sql_in postgres 'DROP DATABASE crash_run'
done
echo "$kills kills ($sessions of sessions) in $cycles cycles, $refusals refusals"
