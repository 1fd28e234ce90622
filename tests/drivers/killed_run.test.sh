# A run that is cut off (backend terminated, killed, server crashed, cancelled) leaves
# nothing, and the next one works.
new_database driver_kill
for n in 1 2 3 4; do
    sql "SELECT migrations.add('00$n', 'step $n', 'CREATE TABLE t$n (id int); SELECT pg_sleep(CASE $n WHEN 3 THEN 30 ELSE 0 END)')" >/dev/null
done

start_run() {
    PGAPPNAME=runner sql 'SELECT version FROM migrations.apply()' >"$RUN/killed_run.out" 2>&1 &
    wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'runner' AND query LIKE 'migrations: 3/4%')"
}
pid() { sql "SELECT pid FROM pg_stat_activity WHERE application_name = 'runner'"; }
nothing() {
    is "after $1" '0|0||' "$(sql "SELECT (SELECT count(*) FROM migrations.history WHERE action = 'apply'), (SELECT count(*) FROM migrations.applied), migrations.version(), to_regclass('t1')")"
}

start_run
sql "SELECT pg_cancel_backend($(pid))" >/dev/null
wait $! || true
has 'cancelled' 'ERROR:  canceling statement due to user request' "$(cat "$RUN/killed_run.out")"
has 'where' 'migration 003 \(step 3\) of project default, statement 2 of 2' "$(cat "$RUN/killed_run.out")"
nothing 'a cancel'

start_run
sql "SELECT pg_terminate_backend($(pid))" >/dev/null
wait $! || true
nothing 'a termination'

start_run
kill_session "$(pid)"
wait $! || true
wait_for_server
nothing 'kill -9 of the backend'

start_run
server pg_ctl restart -D "$RUN/data" -m immediate -w -s -l "$RUN/server.log" >/dev/null
wait || true
nothing 'an immediate shutdown'

sql "SELECT migrations.add('003', 'step 3', 'CREATE TABLE t3 (id int)', replace => true)" >/dev/null
is 'goes on' '001 002 003 004' "$(sql 'SELECT version FROM migrations.apply()' 2>/dev/null | tr '\n' ' ' | sed 's/ $//')"

# Terminated while a COPY with its data waits for its table: the client gets the error.
sql "SELECT migrations.add('005', 'data', E'COPY t4 FROM stdin;\n5\n\\\\.\n')" >/dev/null
PGAPPNAME=holder "$BIN/psql" -X -q -c 'BEGIN; LOCK TABLE t4; SELECT pg_sleep(60)' >/dev/null 2>&1 &
wait_for "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 't4'::regclass AND mode = 'AccessExclusiveLock' AND granted)"
PGAPPNAME=runner sql 'SELECT version FROM migrations.apply()' >"$RUN/killed_run.out" 2>&1 &
wait_for "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 't4'::regclass AND NOT granted)"
sql "SELECT pg_terminate_backend($(pid))" >/dev/null
wait $! || true
has 'terminated' 'FATAL:  terminating connection due to administrator command' "$(cat "$RUN/killed_run.out")"
sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'" >/dev/null
wait
is 'nothing of it' '0|' "$(sql "SELECT (SELECT count(*) FROM t4), (SELECT a.version FROM migrations.applied a WHERE a.version = '005')")"
is 'the data' 5 "$(sql 'SET client_min_messages = warning; SELECT FROM migrations.apply(); TABLE t4' | tail -n 1)"
