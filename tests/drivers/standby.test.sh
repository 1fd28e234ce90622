# A streaming standby: it shows the state and changes nothing; promoted in the middle of
# stepwise runs, its record agrees with its catalog, and the next call continues.
trap stop_clusters EXIT
new_cluster primary 'max_prepared_transactions = 5'
server pg_basebackup -h "$RUN/primary" -U postgres -D "$RUN/base" -R -X stream -c fast --no-sync
mkdir "$RUN/standby" && mv "$RUN/base" "$RUN/standby/data"
if [ "$(id -u)" = 0 ]; then chown "$SERVER_USER" "$RUN/standby"; fi
start_new_cluster standby
at() { export PGHOST=$RUN/$1; }
# Waits until the standby has all that the primary has written so far.
replayed() {
    local lsn
    at primary
    lsn=$(sql 'SELECT pg_current_wal_flush_lsn()')
    at standby
    wait_for "SELECT pg_last_wal_replay_lsn() >= '$lsn'"
}

at primary
new_database standby
sql "
SELECT migrations.add('001', 'one', 'CREATE TABLE m_001 (id int)', 'DROP TABLE m_001', verify => 'SELECT count(*) = 0 FROM m_001');
SELECT migrations.add('000', 'writes', 'SELECT 1', verify => 'CREATE TABLE verified (id int); SELECT true');
SELECT migrations.add('002', 'two', \$\$SELECT migrations.keep('m_001'); CREATE TABLE m_002 (id int)\$\$, 'DROP TABLE m_002');
SELECT FROM migrations.apply();
SELECT migrations.add('003', 'three', 'CREATE TABLE m_003 (id int); SELECT pg_advisory_lock(3)');
SELECT migrations.add_repeatable('views', 'CREATE OR REPLACE VIEW v AS SELECT 1 AS one');
SELECT migrations.set_project('billing', search_path => 'public', placeholders => '\${x}');
SELECT migrations.set_variable('x', 'secret', project => 'billing');
SELECT migrations.add('001', 'fails', 'SELECT 1/0', project => 'billing');" >/dev/null 2>&1
error_of sql "CALL migrations.apply_each(project => 'billing')" >/dev/null

# What only looks gives the same on both.
looks="SELECT * FROM migrations.status();
SELECT * FROM migrations.status('billing');
SELECT migrations.version(), migrations.next_version();
SELECT * FROM migrations.plan();
SELECT * FROM migrations.plan('003', only_version => NULL);
SELECT * FROM migrations.history ORDER BY id;
SELECT * FROM migrations.backups;
SELECT migrations.export_bundle(), migrations.export_bundle('billing');
SELECT * FROM migrations.set_project('billing');
SELECT * FROM migrations.verify('001');"
replayed
same() { # when
    local here there
    here=$(at primary; sql "$looks" 2>&1)
    there=$(at standby; sql "$looks" 2>&1) || fail "$1: $there"
    # Locks, by which a run is seen, are those of each server.
    here=$(sed -E 's/\|running\|(.*)\|process [0-9]+ since [^|]*$/|pending|\1|/' <<<"$here")
    is "$1" "$here" "$there"
    has "$1: state" '^default\|003\|three\|pending' "$there"
    has "$1: failure" '^billing\|001\|fails\|failed' "$there"
    has "$1: backups" '^migrations_backup.m_001__default_002\|m_001\||^migrations_backup.m_001__default_002' "$there"
}
same 'at rest'
has 'a verify script that would write' '^000\|f\|cannot execute CREATE TABLE in a read-only transaction \(25006\)$' "$(at standby; sql "SELECT version, ok, message FROM migrations.verify('000')")"
(at standby; PGOPTIONS='-c default_transaction_isolation=repeatable\ read' sql "$looks" >/dev/null) || fail 'repeatable read'

# also while a run is under way
at primary
sql 'SELECT pg_advisory_lock(3), pg_sleep(600)' >/dev/null 2>&1 &
wait_for "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 3 AND granted)"
PGAPPNAME=runner sql 'CALL migrations.apply_each()' >"$RUN/standby.out" 2>&1 &
run=$!
wait_for "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 3 AND NOT granted)"
replayed
same 'during a run'
at primary
sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)' AND pid <> pg_backend_pid()" >/dev/null
wait $run || fail "$(cat "$RUN/standby.out")"
replayed
is 'the run has arrived' '003|t' "$(sql "SELECT migrations.version(), to_regclass('m_003') IS NOT NULL")"

# Whatever changes something is refused, before it looks at anything: nothing of what these
# calls name is there. The calls are made from the catalog, so that none is forgotten.
refused=0
mkdir "$RUN/one" && echo "SELECT 1" >"$RUN/one/999_x.sql"
while IFS='~' read -r name call; do
    case $name in
    status | version | plan | history | next_version | export_bundle | verify) continue ;;
    # Works in a migration alone, which no standby runs.
    keep) continue ;;
    set_project) call="SELECT migrations.set_project('nope', search_path => 'x')" ;;
    esac
    out=$(error_of "$BIN/psql" -X -q -A -t -v VERBOSITY=verbose -c "$call")
    has "$call" '^ERROR:  25006: cannot execute .* (in a read-only transaction|during recovery)' "$out"
    # (The server's own error.)
    [ "$name" = forget ] || has "$call: hint" '^HINT:  This server is a standby: run the call on its primary\.$' "$out"
    refused=$((refused + 1))
done < <(sql "
    SELECT proname || '~' || CASE prokind WHEN 'p' THEN 'CALL ' ELSE 'SELECT ' END || format('migrations.%I(%s)', proname,
        (SELECT string_agg(format('%I => %s', name, CASE
             WHEN name IN ('on_fail', 'moment') THEN '''error'''
             WHEN name = 'version' THEN '''999'''
             WHEN name = 'path' THEN '''999_x.up.sql'''
             WHEN name = 'paths' THEN '''{999_x.up.sql}'''
             WHEN name = 'directory' THEN '''$RUN/one'''
             WHEN name = 'tool' THEN '''golang-migrate'''
             WHEN name = 'bundle' THEN quote_literal(migrations.export_bundle())
             WHEN name IN ('relation', 'backup') THEN '''migrations_backup.m_001__default_002'''
             WHEN name IN ('project', 'confirm') AND type = 'text'::regtype THEN '''nope'''
             WHEN type = 'text'::regtype THEN '''* * * * *'''
             WHEN type = 'text[]'::regtype THEN '''{nope}'''
             WHEN type = 'int'::regtype THEN '1' END), ', ' ORDER BY n)
         FROM unnest(proargnames[:pronargs], proargtypes::oid[]) WITH ORDINALITY a(name, type, n)
         WHERE n <= pronargs - pronargdefaults OR name IN ('project', 'confirm')))
    FROM pg_proc WHERE pronamespace = 'migrations'::regnamespace AND prorettype <> 'trigger'::regtype
      -- Those that refuse whatever they are given are called by mistake alone.
      AND prosrc NOT IN ('migrations_version_for_number', 'migrations_ambiguous_version')
    ORDER BY 1")
at_least 'calls that were refused' 21 "$refused"

# Failover in the middle of three stepwise runs, one project each: in a transaction, in an
# index that is built concurrently, and between statements that commit one by one.
at primary
sql "
CREATE TABLE big AS SELECT g AS id, g % 7 AS v FROM generate_series(1, 1000) g;
CREATE TABLE ran (what text);
SELECT migrations.add('001', 'before', 'CREATE TABLE a_001 (id int); INSERT INTO ran VALUES (''a1'')', project => 'a');
SELECT migrations.add('002', 'within', 'CREATE TABLE a_002 (id int); INSERT INTO ran VALUES (''a2''); SELECT pg_advisory_xact_lock(4)', project => 'a');
SELECT migrations.add('003', 'after', 'CREATE TABLE a_003 (id int); INSERT INTO ran VALUES (''a3'')', project => 'a');
SELECT migrations.add('001', 'before', 'INSERT INTO ran VALUES (''b1'')', project => 'b');
SELECT migrations.add('002', 'index', 'INSERT INTO ran VALUES (''b2''); CREATE INDEX CONCURRENTLY big_v ON big (v); INSERT INTO ran VALUES (''b2 end'')', project => 'b');
SELECT migrations.add('001', 'statements', 'INSERT INTO ran VALUES (''c1''); VACUUM big; INSERT INTO ran VALUES (''c2''); SELECT pg_advisory_lock(4); INSERT INTO ran VALUES (''c3'')', project => 'c');
" >/dev/null
sql 'SELECT pg_advisory_lock(4), pg_sleep(600)' >/dev/null 2>&1 &
wait_for "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 4 AND granted)"
waits() { wait_for "SELECT count(*) = $1 FROM pg_stat_activity WHERE application_name = 'runner' AND wait_event_type = 'Lock'"; }
for project in a c b; do
    PGAPPNAME=runner sql "CALL migrations.apply_each(project => '$project')" >"$RUN/standby.$project" 2>&1 &
    case $project in a) waits 1 ;; c) waits 2 ;; b) waits 3 ;; esac
done
has 'all are at it' 'a:002 .* b:002 .* c:001' "$(sql "SELECT string_agg(p || ':' || v, ' ' ORDER BY p) FROM (
    SELECT 'a' AS p, substr(query, 17) AS v FROM pg_stat_activity WHERE query LIKE 'migrations: %within%'
    UNION ALL SELECT 'b', substr(query, 17) FROM pg_stat_activity WHERE query LIKE 'migrations: %index%'
    UNION ALL SELECT 'c', substr(query, 17) FROM pg_stat_activity WHERE query LIKE 'migrations: %statements%') s")"
replayed
state="SELECT (SELECT string_agg(what, ' ' ORDER BY what) FROM ran),
    (SELECT string_agg(p.name || ':' || a.version, ' ' ORDER BY p.name, a.version) FROM migrations.applied a JOIN migrations.project p ON p.id = project_id WHERE p.name IN ('a', 'b', 'c')),
    (SELECT string_agg(format('%s:%s', statement_no, is_done), ' ' ORDER BY statement_no) FROM migrations.journal j JOIN migrations.project p ON p.id = project_id WHERE p.name = 'c'),
    (SELECT string_agg(format('%s:%s', statement_no, is_done), ' ' ORDER BY statement_no) FROM migrations.journal j JOIN migrations.project p ON p.id = project_id WHERE p.name = 'b'),
    to_regclass('a_001') IS NOT NULL, to_regclass('a_002') IS NULL,
    (SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('big_v'))"
server pg_ctl promote -D "$RUN/standby/data" -w -s
server pg_ctl stop -D "$RUN/primary/data" -m immediate -s
wait
at standby
is 'the record is that of the catalog' 'a1 b1 b2 c1 c2|a:001 b:001|1:t 2:t 3:t|1:t 2:f|t|t|f' "$(sql "$state")"
is 'and is shown' 'a 001 applied, a 002 pending, a 003 pending, b 001 applied, b 002 interrupted, c 001 interrupted' \
    "$(sql "SELECT string_agg(concat_ws(' ', project, version, state), ', ' ORDER BY project, version) FROM (SELECT * FROM migrations.status('a') UNION ALL SELECT * FROM migrations.status('b') UNION ALL SELECT * FROM migrations.status('c')) s")"
for project in a b c; do
    sql "CALL migrations.apply_each(project => '$project')" >/dev/null 2>&1 || fail "$project does not go on: $(sql "CALL migrations.apply_each(project => '$project')" 2>&1)"
done
is 'each statement ran once' 'a1 a2 a3 b1 b2 b2 end c1 c2 c3' "$(sql "SELECT string_agg(what, ' ' ORDER BY what) FROM ran")"
is 'finished' '6|0|t|3' "$(sql "SELECT (SELECT count(*) FROM migrations.applied a JOIN migrations.project p ON p.id = project_id WHERE p.name IN ('a', 'b', 'c')),
    (SELECT count(*) FROM migrations.journal), (SELECT indisvalid FROM pg_index WHERE indexrelid = 'big_v'::regclass),
    (SELECT count(*) FROM pg_class WHERE relname IN ('a_001', 'a_002', 'a_003'))")"
is 'the history is whole' '' "$(sql "SELECT project, seq FROM (SELECT project, seq, row_number() OVER (PARTITION BY project ORDER BY seq) AS n FROM migrations.history) h WHERE seq <> n")"
sql "SELECT migrations.add('004', 'on the new primary', 'CREATE TABLE m_004 (id int)'); SELECT FROM migrations.apply()" >/dev/null 2>&1
is 'goes on' 004 "$(sql 'SELECT migrations.version()')"
