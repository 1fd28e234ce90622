# Jobs of pg_cron, in both of its ways to run them: through connections of its own, and in
# background workers. Jobs with the schedule @reboot run when the server starts, so this test
# starts jobs by a restart.
source "$ROOT/tests/tools/fetch.sh"
version=$("$BIN/postgres" --version | sed 's/.*) \([0-9]*\).*/\1/')
folder=$(fetch_packages "cron-$version" "postgresql-$version-cron") || { skip "pg_cron: $folder"; return; }
# Into the private installation, beside the other extensions.
cp "$(find "$folder" -name pg_cron.so)" "$RUN/root$("$PG_CONFIG" --pkglibdir)/"
find "$folder" -path '*/extension/pg_cron*' -exec cp {} "$RUN/root$("$PG_CONFIG" --sharedir)/extension/" \;

trap stop_clusters EXIT
new_cluster cron "shared_preload_libraries = 'pg_cron'" "cron.database_name = 'app'" "cron.host = '$RUN/cron'" \
    'max_worker_processes = 20' 'autovacuum = off' 'cron.max_running_jobs = 10'
export PGHOST=$RUN/cron PGDATABASE=postgres
sql 'CREATE DATABASE app' >/dev/null
sql 'CREATE DATABASE other' >/dev/null
restart() { server pg_ctl restart -D "$RUN/cron/data" -m fast -w -s -l "$RUN/cron/log"; }
restart
new_database_here() { export PGDATABASE=$1; sql 'CREATE EXTENSION pg_migrations' >/dev/null; }
shown() { "$BIN/psql" -X -q -A -t -v VERBOSITY=verbose -c "$1" 2>&1 || true; }

# Where pg_cron isn't, or isn't yet
new_database_here other
out=$(shown "SELECT migrations.schedule('@reboot')")
has 'elsewhere' '^ERROR:  55000: pg_cron is not installed in this database, but in "app"' "$out"
there=$(sed -n 's/^HINT:  Connect to that one: //p' <<<"$out")
new_database_here app
has 'not created' '^HINT:  CREATE EXTENSION pg_cron;' "$(shown "SELECT migrations.schedule('@reboot')")"
sql 'CREATE EXTENSION pg_cron' >/dev/null
sql "$there" >/dev/null

# As a role that can't be a job's
sql 'CREATE ROLE nobody_s NOLOGIN; GRANT USAGE ON SCHEMA migrations TO nobody_s; GRANT EXECUTE ON FUNCTION migrations.schedule TO nobody_s' >/dev/null
out=$(shown "SET ROLE nobody_s; SELECT migrations.schedule('@reboot')")
has 'no login' '^ERROR:  55000: a job of role "nobody_s" would never run: the role may not log in' "$out"
has 'no login: hint' '^HINT:  ALTER ROLE nobody_s LOGIN;' "$out"
sql 'ALTER ROLE nobody_s LOGIN'
out=$(shown "SET ROLE nobody_s; SELECT migrations.schedule('@reboot')")
has 'no call' '^ERROR:  42501: a job of role "nobody_s" would never run: the role may not call migrations.apply_each\(\)' "$out"
sql "$(sed -n 's/^HINT:  //p' <<<"$out")" >/dev/null
has 'the next obstacle' '^ERROR:  42501: permission denied for schema cron' "$(shown "SET ROLE nobody_s; SELECT migrations.schedule('@reboot')")"

# As a role with few rights, which the README's grants and one on pg_cron are given
sql "CREATE ROLE deployer LOGIN;
    GRANT USAGE ON SCHEMA migrations TO deployer;
    GRANT EXECUTE ON ALL ROUTINES IN SCHEMA migrations TO deployer;
    GRANT SELECT ON migrations.history, migrations.backups TO deployer;
    GRANT ALL ON SCHEMA public TO deployer" >/dev/null
as() { PGUSER=deployer shown "$1"; }
out=$(as "SELECT migrations.schedule('@reboot')")
has 'no right' '^ERROR:  42501: permission denied for schema cron' "$out"
has 'no right: hint' '^HINT:  GRANT USAGE ON SCHEMA cron TO ...;' "$out"
sql 'GRANT USAGE ON SCHEMA cron TO deployer' >/dev/null
has 'not a schedule' '^ERROR: .*invalid schedule: every day' "$(as "SELECT migrations.schedule('every day')")"
id=$(as "SELECT migrations.schedule('1 2 3 4 5')")
is 'scheduled again' "$id" "$(as "SELECT migrations.schedule('@reboot')")"
is 'the job' "migrations:default|@reboot|CALL migrations.apply_each(project => 'default')|app|deployer" \
    "$(as "SELECT jobname, schedule, command, database, username FROM cron.job WHERE jobid = $id")"
has 'whose job' '^ERROR:  42704: you have no job for project "default" in this database' "$(shown 'SELECT migrations.unschedule()')"
is 'unscheduled' 'unscheduled' "$(as 'SELECT migrations.unschedule()')"
is 'gone' 0 "$(sql "SELECT count(*) FROM cron.job WHERE username = 'deployer'")"
has 'no job' 'HINT:  All jobs that you may see: SELECT jobname' "$(as 'SELECT migrations.unschedule()')"

# A migration that calls wait_for_gate() waits until the test opens the gate.
sql "CREATE TABLE gate (is_open boolean);
CREATE PROCEDURE wait_for_gate() LANGUAGE plpgsql AS \$\$
    BEGIN LOOP EXIT WHEN EXISTS (SELECT FROM public.gate WHERE is_open); PERFORM pg_sleep(0.02); END LOOP; END \$\$;
GRANT SELECT ON gate TO deployer" >/dev/null
gate() { sql "UPDATE gate SET is_open = $1" >/dev/null; }
sql 'INSERT INTO gate VALUES (false)' >/dev/null
# How each job ended and as which role it ran, once all have ended.
ended() { # how many
    wait_for "SELECT count(*) = $1 AND bool_and(status IN ('succeeded', 'failed')) FROM cron.job_run_details"
}
became() { # pattern of commands
    sql "SELECT string_agg(status || coalesce(': ' || split_part(regexp_replace(return_message, '^ERROR: +', ''), E'\n', 1), ''), ' / ' ORDER BY status, return_message)
         FROM cron.job_run_details WHERE command LIKE '%$1%'"
}
forget_jobs() { sql "SELECT cron.unschedule(jobid) FROM cron.job; DELETE FROM cron.job_run_details" >/dev/null; }
was_logged() { eventually grep -qF "$1" "$RUN/cron/log"; }
# Our rows with where they are and who wrote them.
rows="SELECT md5(string_agg(r, ' ' ORDER BY r)) FROM (
    SELECT format('%s %s %s', id, xmin, ctid) AS r FROM migrations.project UNION ALL
    SELECT format('%s %s %s', id, xmin, ctid) FROM migrations.event WHERE action <> 'apply' OR outcome = 'success' UNION ALL
    SELECT format('%s %s %s', id, xmin, ctid) FROM migrations.applied) w"

for mode in off on; do
    [ $mode = off ] && p=libpq || p=worker
    sql "ALTER SYSTEM SET cron.use_background_workers = $mode" >/dev/null
    gate false
    sql "
CREATE TABLE ran_$p (what text);
SELECT migrations.add('001', 'table', \$\$CALL wait_for_gate(); CREATE TABLE t_$p (id int PRIMARY KEY, v text); INSERT INTO ran_$p VALUES ('001'); DO 'BEGIN RAISE NOTICE ''a notice of $p''; END'\$\$, project => '$p');
SELECT migrations.add('002', 'data', E'COPY t_$p FROM stdin;\n1\tone\n2\ttwö\n\\\\.\nSELECT count(*) FROM t_$p;', project => '$p');
SELECT migrations.add('003', 'index', 'CREATE INDEX CONCURRENTLY ON t_$p (v); VACUUM t_$p; INSERT INTO ran_$p VALUES (''003'')', project => '$p');
SELECT migrations.add('001', 'atomic', E'CREATE TABLE a_$p (id int, v text);\nCOPY a_$p FROM stdin WITH (FORMAT csv);\n3,three\n\\\\.\nCALL wait_for_gate(); INSERT INTO ran_$p VALUES (''atomic'')', project => '${p}_atomic');
SELECT migrations.add('001', 'fails', 'INSERT INTO ran_$p VALUES (''failed''); SELECT 1/0', project => '${p}_fails');
SELECT migrations.add('001', 'nothing', 'SELECT 1', project => '${p}_done');
SELECT FROM migrations.apply(project => '${p}_done');
GRANT ALL ON ran_$p TO deployer;" >/dev/null 2>&1

    # At once: two overlapping jobs of one project, in each way; one that fails; one that
    # has nothing to do.
    forget_jobs
    as "SELECT migrations.schedule('@reboot', '$p'), cron.schedule('a', '@reboot', 'SELECT * FROM migrations.apply(project => ''${p}_atomic'')')" >/dev/null
    sql "SELECT migrations.schedule('@reboot', '$p'), migrations.schedule('@reboot', '${p}_fails'), migrations.schedule('@reboot', '${p}_done'),
        cron.schedule('a', '@reboot', 'SELECT * FROM migrations.apply(project => ''${p}_atomic'')')" >/dev/null
    restart
    # One is at work and one waits for it; one is at work and one got the error. (What has ended
    # can't be seen in cron.job_run_details yet: with workers, pg_cron waits for one of them.)
    was_logged "migrations of project \"${p}_atomic\" are in use"
    wait_for "SELECT count(*) FILTER (WHERE query LIKE 'migrations: %atomic%') = 1 AND count(*) FILTER (WHERE query LIKE 'migrations: %table%') = 1
        AND count(*) FILTER (WHERE wait_event = 'Extension' AND query LIKE 'CALL migrations.apply_each%') = 1 FROM pg_stat_activity"
    gate true
    ended 6
    [ $mode = off ] && row=' 1 row' || row=' CALL'
    is "$p: both do" "succeeded:$row / succeeded:$row" "$(became "each(project => ''$p'')")"
    is "$p: nothing to do" "succeeded:$row" "$(became "_done'')")"
    is "$p: fails" 'failed: division by zero' "$(became "_fails'')")"
    has "$p: where" "CONTEXT: +migration 001 \(fails\) of project ${p}_fails, statement 2 of 2, line 1" "$(sql 'SELECT return_message FROM cron.job_run_details')"
    has "$p: reported" "^failed: migrations of project \"${p}_atomic\" are in use by another session / succeeded: (1 row|SELECT 1)" "$(became "_atomic'')")"
    is "$p: each once" '001 003 atomic' "$(sql "SELECT string_agg(what, ' ' ORDER BY what) FROM ran_$p")"
    is "$p: data" '1 one, 2 twö, 3 three' "$(sql "SELECT string_agg(id || ' ' || v, ', ' ORDER BY id) FROM (TABLE t_$p UNION ALL TABLE a_$p) d")"
    is "$p: in the history" 4 "$(sql "SELECT count(*) FROM migrations.history WHERE project IN ('$p', '${p}_atomic') AND action = 'apply' AND outcome = 'success'")"
    is "$p: the failure" 'failure|22012|division by zero|2|1|1' "$(sql "SELECT outcome, sqlstate, message, statement_no, line_no, times FROM migrations.history WHERE project = '${p}_fails' AND action = 'apply'")"
    # A connection's notices are in the log as they are, a worker's as its launcher's.
    has "$p: notices" "NOTICE: +a notice of $p" "$(cat "$RUN/cron/log")"

    # Again: the failure is counted, and what has nothing to do writes nothing.
    before=$(sql "$rows")
    forget_jobs
    sql "SELECT migrations.schedule('@reboot', '$p'), migrations.schedule('@reboot', '${p}_fails'), migrations.schedule('@reboot', '${p}_done')" >/dev/null
    restart
    ended 3
    is "$p: again" "succeeded:$row|failed: division by zero|succeeded:$row" "$(became "''$p'')")|$(became "_fails'')")|$(became "_done'')")"
    is "$p: no row is new" "$before" "$(sql "$rows")"
    # (The next row of the history, an hour later, would have the number since.)
    is "$p: one row an hour" '1' "$(sql "SELECT count(*) FROM migrations.history WHERE project = '${p}_fails' AND action = 'apply'")"
    has "$p: counted" '^failed\|division by zero \(22012\), statement 2, line 1, 2 times' "$(sql "SELECT state, message FROM migrations.status('${p}_fails')")"

    # Cancelled, and cut off: visible, nothing half done, and the next job continues.
    for way in cancel terminate; do
        gate false
        sql "SELECT migrations.add('001', 'first', 'INSERT INTO ran_$p VALUES (''$way 1'')', project => '${p}_$way');
             SELECT migrations.add('002', 'second', 'INSERT INTO ran_$p VALUES (''$way 2''); CALL wait_for_gate()', project => '${p}_$way')" >/dev/null
        forget_jobs
        sql "SELECT migrations.schedule('@reboot', '${p}_$way')" >/dev/null
        restart
        wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'migrations: 2/2 002 second, statement 2%')"
        sql "SELECT pg_${way}_backend(pid) FROM pg_stat_activity WHERE query LIKE 'migrations: 2/2 002 second%'" >/dev/null
        ended 1
        # What a connection of pg_cron's sees of its end, and what a worker reports.
        case $p,$way in
        *,cancel) reported='failed: canceling statement due to user request' state='failed|canceling statement due to user request (57014), statement 2, line 1' ;;
        libpq,*) reported='failed: server closed the connection unexpectedly' state='pending|' ;;
        worker,*) reported='failed: FATAL: terminating background worker "pg_cron" due to administrator command' state='pending|' ;;
        esac
        is "$p: $way is reported" "$reported" "$(became "_$way'')")"
        is "$p: $way in status" "001|applied| 002|$state" "$(sql "SELECT version, state, message FROM migrations.status('${p}_$way')" | tr '\n' ' ' | sed 's/ $//')"
        is "$p: $way, nothing half done" "$way 1" "$(sql "SELECT string_agg(what, ' ' ORDER BY what) FROM ran_$p WHERE what LIKE '$way%'")"
        gate true
        restart
        ended 2
        is "$p: after $way" "$way 1, $way 2" "$(sql "SELECT string_agg(what, ', ' ORDER BY what) FROM ran_$p WHERE what LIKE '$way%'")"
    done

    # A statement before the CALL
    forget_jobs
    sql "SELECT cron.schedule('two', '@reboot', 'SET lock_timeout = 1; CALL migrations.apply_each()')" >/dev/null
    restart
    ended 1
    has "$p: two statements" 'cannot run inside a transaction' "$(sql 'SELECT return_message FROM cron.job_run_details ORDER BY runid DESC LIMIT 1')"

    # More notices than the queue between a worker and pg_cron holds.
    sql "SELECT migrations.add('001', 'talks', \$\$DO 'BEGIN FOR n IN 1..2000 LOOP RAISE NOTICE ''% %'', n, repeat(''x'', 100); END LOOP; END'\$\$, project => '${p}_talks')" >/dev/null
    forget_jobs
    sql "SELECT migrations.schedule('@reboot', '${p}_talks')" >/dev/null
    restart
    ended 1
    is "$p: notices" 001 "$(sql "SELECT migrations.version('${p}_talks')")"
done

# The call that the HINT has given, for a database in which pg_cron isn't: the job is that of
# the role that has asked, whoever makes the call.
forget_jobs
has 'the caller' "'postgres'\\);$" "$there"
sql_in other "SELECT migrations.add('001', 'there', 'CREATE TABLE there ()'); GRANT USAGE ON SCHEMA migrations TO deployer;
    GRANT EXECUTE ON ALL ROUTINES IN SCHEMA migrations TO deployer; GRANT CREATE ON SCHEMA public TO deployer" >/dev/null
sql "$(PGDATABASE=other as "SELECT migrations.schedule('@reboot')" | sed -n 's/^HINT:  Connect to that one: //p')" >/dev/null
is 'whose it is' deployer "$(sql 'SELECT username FROM cron.job')"
restart
ended 1
is 'who has run it' deployer "$(sql_in other "SELECT applied_by FROM migrations.status()")"
is 'in another database' '001|there' "$(sql_in other "SELECT migrations.version(), to_regclass('there')")"
has 'taken away there' 'SELECT cron.unschedule' "$(PGDATABASE=other shown 'SELECT migrations.unschedule()')"
sql "$(PGDATABASE=other as 'SELECT migrations.unschedule()' | sed -n 's/^HINT:  Connect to that one: //p')" >/dev/null
is 'no job is left' 0 "$(sql 'SELECT count(*) FROM cron.job')"

# A call with nothing to do has no transaction number (and so has written nothing).
for call in 'CALL migrations.apply_each' 'SELECT FROM migrations.apply'; do
    out=$(PGOPTIONS='-c client_min_messages=warning' "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 2>&1 <<SQL
SELECT pg_snapshot_xmax(pg_current_snapshot()) AS before \gset
$call(project => 'libpq_done') \g /dev/null
SELECT pg_snapshot_xmax(pg_current_snapshot())::text = :'before';
SELECT migrations.set_variable('x', 'y') \g /dev/null
SELECT pg_snapshot_xmax(pg_current_snapshot())::text = :'before';
SQL
)
    is "$call" $'t\nf' "$out"
done

# The guide, from its top
sql "DROP EXTENSION pg_cron; DROP EXTENSION pg_migrations; CREATE EXTENSION pg_migrations;
    GRANT USAGE ON SCHEMA migrations TO deployer; GRANT EXECUTE ON ALL ROUTINES IN SCHEMA migrations TO deployer" >/dev/null
sql 'CREATE DATABASE shop'
check_document "$ROOT/docs/scheduled-jobs.md"
