# A transaction of a text's own with an isolation level: when another one was faster, it is run
# again, as a whole. The same where the level is the session's default.
new_database serializable
sql "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0);
    CREATE TABLE log (level text, n int)"
sql "SELECT migrations.add('1', 'block', \$up\$INSERT INTO log VALUES ('before', 0);
    BEGIN ISOLATION LEVEL REPEATABLE READ;
    INSERT INTO log SELECT current_setting('transaction_isolation'), n FROM t;
    DO 'BEGIN UPDATE t SET n = n + 1; END';
    COMMIT;
    INSERT INTO log SELECT current_setting('transaction_isolation'), n FROM t\$up\$),
    migrations.add('1', 'whole', \$up\$INSERT INTO log SELECT current_setting('transaction_isolation'), n FROM t;
    UPDATE t SET n = n + 1\$up\$, project => 'whole')" >/dev/null

# Runs a call while another session changes the row, and commits when the call waits for it.
while_changed() { # SQL [options]
    sql "BEGIN; UPDATE t SET n = n + 100; SELECT pg_advisory_lock(1);
        DO \$\$BEGIN FOR n IN 1 .. 400 LOOP EXIT WHEN EXISTS (SELECT FROM pg_stat_activity
            WHERE application_name = 'run' AND wait_event_type = 'Lock');
            PERFORM pg_sleep(0.02), pg_stat_clear_snapshot(); END LOOP; END\$\$; COMMIT" >/dev/null &
    wait_for "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
    local code=0
    PGOPTIONS=${2:-} PGAPPNAME=run sql "$1" 2>&1 || code=$?
    wait $!
    return $code
}

got=$(error_of while_changed 'CALL migrations.apply_each()' '-c migrations.lock_retries=0')
has 'no try left' 'could not serialize access' "$got"
is 'undone' 'before|0' "$(sql 'SELECT * FROM log')"
got=$(while_changed "CALL migrations.apply_each()") || fail "$got"
has 'says so' 'block.*could not serialize access.*trying again in .* \(1 of 5\)' "$got"
is 'run again' 'before|0
repeatable read|200
read committed|201' "$(sql 'SELECT * FROM log')"
is 'recorded' 'applied' "$(sql 'SELECT state FROM migrations.status()')"

got=$(while_changed "CALL migrations.apply_each(project => 'whole')" '-c default_transaction_isolation=serializable') || fail "$got"
has 'says so' 'whole.*could not serialize access.*trying again' "$got"
is 'run again' 'serializable|301' "$(sql "SELECT * FROM log WHERE level = 'serializable'")"
