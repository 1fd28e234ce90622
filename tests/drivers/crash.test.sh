# Kills at random moments of a stepwise run over 40 migrations of all kinds, of the session
# (kill -9) and of the server (immediate shutdown). After each recovery the record agrees
# with the catalog; the next call goes on, and in the end all is there, once.
KILLS=${KILLS:-100}
SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}
echo "SEED=$SEED KILLS=$KILLS"
RANDOM=$SEED
new_database crash_base
sql "
CREATE TABLE base (id int, v int);
INSERT INTO base SELECT g, g % 100 FROM generate_series(1, 20000) g;
CREATE TABLE ran (n int);
SELECT migrations.add(n::text, 'kind ' || n % 8, CASE n % 8
    WHEN 1 THEN format('CREATE INDEX CONCURRENTLY i_%1\$s ON base (v); INSERT INTO ran VALUES (%1\$s)', n)
    WHEN 2 THEN format('INSERT INTO ran VALUES (%s); VACUUM base', n)
    WHEN 3 THEN format('CREATE INDEX CONCURRENTLY ON base (id, v); INSERT INTO ran VALUES (%s)', n)
    WHEN 5 THEN format('REINDEX TABLE CONCURRENTLY base; INSERT INTO ran VALUES (%s)', n)
    WHEN 6 THEN format('INSERT INTO ran VALUES (%1\$s); CREATE UNIQUE INDEX CONCURRENTLY u_%1\$s ON base (id)', n)
    WHEN 7 THEN format('DROP INDEX CONCURRENTLY i_%s; INSERT INTO ran VALUES (%s)', n - 6, n)
    ELSE format('CREATE TABLE m_%1\$s (id int); INSERT INTO m_%1\$s SELECT * FROM generate_series(1, 2000); INSERT INTO ran VALUES (%1\$s)', n)
    END) FROM generate_series(1, 40) n;
CREATE VIEW divergence AS
WITH m AS (
    SELECT n, n % 8 AS kind, EXISTS (SELECT FROM migrations.applied a WHERE a.version = n::text) AS applied,
           EXISTS (SELECT FROM migrations.journal j JOIN migrations.migration r USING (project_id, version_key)
                   WHERE r.version = n::text AND j.command = 'INSERT' AND j.is_done) AS noted,
           (SELECT count(*) FROM ran WHERE ran.n = g.n) AS times
    FROM generate_series(1, 40) g(n)),
i AS (SELECT relname, indisvalid, pg_get_indexdef(indexrelid) AS definition
      FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'base'::regclass)
SELECT n, 'ran ' || times || ' times' AS what FROM m WHERE times <> (applied OR noted)::int
UNION ALL SELECT n, 'no table' FROM m WHERE kind IN (0, 4) AND applied AND to_regclass('m_' || n) IS NULL
UNION ALL SELECT n, 'a table' FROM m WHERE kind IN (0, 4) AND NOT applied AND to_regclass('m_' || n) IS NOT NULL
UNION ALL SELECT n, 'no index' FROM m WHERE kind = 1 AND applied
    AND NOT EXISTS (SELECT FROM i WHERE relname = 'i_' || n AND indisvalid)
    AND NOT EXISTS (SELECT FROM m d WHERE d.n = m.n + 6 AND (d.applied OR d.noted))
    AND NOT EXISTS (SELECT FROM migrations.journal j JOIN migrations.migration r USING (project_id, version_key) WHERE r.version = (m.n + 6)::text)
UNION ALL SELECT n, 'an index that was dropped' FROM m WHERE kind = 7 AND applied AND EXISTS (SELECT FROM i WHERE relname = 'i_' || n - 6)
UNION ALL SELECT n, 'no unique index' FROM m WHERE kind = 6 AND applied AND NOT EXISTS (SELECT FROM i WHERE relname = 'u_' || n AND indisvalid)
UNION ALL SELECT 0, 'unnamed indexes: ' || found FROM (
    SELECT (SELECT count(*) FROM i WHERE indisvalid AND relname ~ '_idx\d*$' AND definition LIKE '%(id, v)') AS found,
           (SELECT count(*) FROM m WHERE kind = 3 AND applied) AS wanted) f WHERE found NOT BETWEEN wanted AND wanted + 1;
" >/dev/null
call() { "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -c 'CALL migrations.apply_each()' >"$RUN/crash.out" 2>&1; }
kills=0 cycles=0 sessions=0
while [ "$kills" -lt "$KILLS" ]; do
    cycles=$((cycles + 1))
    # (Copied through the log, a sequence may give a value again after a crash: the server's
    # own flaw, of which this test isn't.)
    sql_in postgres "CREATE DATABASE crash_run TEMPLATE crash_base STRATEGY file_copy"
    export PGDATABASE=crash_run
    while :; do
        call &
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
            if [ -n "$pid" ] && kill -9 "$pid" 2>/dev/null; then
                kills=$((kills + 1)) sessions=$((sessions + 1))
            fi
        fi
        wait $caller || true
        wait_for_server
        diverged=$(sql 'SELECT * FROM divergence')
        [ -z "$diverged" ] || fail "after kill $kills: $diverged; journal: $(sql 'SELECT * FROM migrations.journal')"
        [ "$kills" -lt "$KILLS" ] || { call || fail "$(cat "$RUN/crash.out")"; break; }
    done
    is 'all are applied' 40 "$(sql 'SELECT count(*) FROM migrations.applied')"
    is 'each ran once' '40|40' "$(sql 'SELECT count(*), count(DISTINCT n) FROM ran')"
    is 'nothing diverges' '' "$(sql 'SELECT * FROM divergence')"
    is 'no index is invalid' '' "$(sql "SELECT string_agg(indexrelid::regclass::text, ' ') FROM pg_index WHERE NOT indisvalid")"
    is 'unnamed indexes' 5 "$(sql "SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%ON public.base USING btree (id, v)'")"
    is 'indexes' 10 "$(sql "SELECT count(*) FROM pg_indexes WHERE tablename = 'base'")"
    is 'no journal is left' 0 "$(sql 'SELECT count(*) FROM migrations.journal')"
    export PGDATABASE=crash_base
    sql_in postgres 'DROP DATABASE crash_run'
done
echo "$kills kills ($sessions of sessions) in $cycles cycles"
