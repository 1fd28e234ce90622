# What status() says while a migration runs, and once a run was cut off.
new_database driver_states
call() { "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -c "$1" 2>&1; }
state() { sql "SELECT state, message FROM migrations.status(${2:-}) WHERE coalesce(version, name) = '$1'"; }
# Sessions that wait for this lock are at a migration that asks for it.
hold() { # seconds
    sql "BEGIN; SELECT pg_advisory_xact_lock(7); SELECT pg_sleep($1); COMMIT" >/dev/null &
    wait_for "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND granted"
}
waits() { wait_for "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted"; }
waiting() { sql "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted"; }
sql "CREATE ROLE states_reader; GRANT USAGE ON SCHEMA migrations TO states_reader; GRANT EXECUTE ON FUNCTION migrations.status(text) TO states_reader" >/dev/null
as_reader() { sql "SET ROLE states_reader; SELECT state, message FROM migrations.status() WHERE version = '$1'"; }

# One that has failed before: while it runs, that is not what is said.
sql "SELECT FROM migrations.add('1', 'one', 'SELECT pg_advisory_xact_lock(7); SELECT 1/(SELECT count(*) FROM pg_class WHERE relname = ''there'')', 'SELECT pg_advisory_xact_lock(7)')" >/dev/null
call 'CALL migrations.apply_each()' >/dev/null && fail 'it was applied'
has 'before' 'failed\|division by zero' "$(state 1)"
sql 'CREATE TABLE there ()'
for how in 'CALL migrations.apply_each()' 'SELECT FROM migrations.apply()'; do
    hold 1.5
    call "$how" >"$RUN/states.out" &
    waits
    is "$how" "running|process $(waiting) since" "$(state 1 | grep -oE '^running.process [0-9]+ since')"
    has 'a reader' "^running.process $(waiting) since 20[0-9-]+ [0-9:]+ " "$(as_reader 1)"
    wait
    is 'after' 'applied|' "$(state 1)"
    hold 1.5
    call "${how/apply/rollback}" >"$RUN/states.out" &
    waits
    has "$how, back" "^running.its rollback, process $(waiting) since 20" "$(state 1)"
    wait
    is 'after' 'pending|' "$(state 1)"
done
is 'nothing is left' 0 "$(sql "SELECT count(*) FROM pg_locks WHERE locktype IN ('advisory', 'userlock')")"

# Killed: nothing stale.
hold 2
call 'CALL migrations.apply_each()' >/dev/null &
waits
sql "SELECT pg_terminate_backend($(waiting))" >/dev/null
wait_for "SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'userlock'"
is 'killed' 'pending' "$(state 1 | cut -d '|' -f 1)"
wait
call 'CALL migrations.apply_each()' >/dev/null

# A block that has committed a part is cut off: it is interrupted until people decide.
block="DO \$\$BEGIN INSERT INTO n VALUES (1); COMMIT; PERFORM pg_advisory_xact_lock(7); END\$\$"
sql "CREATE TABLE n (i int); SELECT FROM migrations.add('2', 'two', 'SELECT 1; ${block//\'/\'\'}; SELECT 2')" >/dev/null
interrupted='statement 2, DO, may have committed a part of its work: mark_statement_done\(\) or retry\(\)'
for how in cancel terminate; do
    hold 2
    call 'CALL migrations.apply_each()' >/dev/null &
    waits
    has 'it runs' '^running.process' "$(state 2)"
    sql "SELECT pg_${how}_backend($(waiting))" >/dev/null
    wait
    has "$how" "^interrupted.$interrupted" "$(state 2)"
    has 'another run' 'ERROR:  statement 2 of migration 2 \(two\) of project default was interrupted' "$(call 'CALL migrations.apply_each()' || true)"
    has 'holds' "^interrupted.$interrupted" "$(state 2)"
    has 'plan' "interrupted: $interrupted" "$(sql "SELECT reason FROM migrations.plan() WHERE version = '2'")"
    is 'the cancel is not forgotten' "$([ $how = cancel ] && echo 1 || echo 0)" "$(state 2 | grep -c 'last error: canceling statement due to user request (57014)')"
    sql "SELECT FROM migrations.retry('2')" >/dev/null
    is 'decided' 'pending|after statement 1; the next stepwise run continues' "$(state 2)"
    has 'plan, decided' '^pending: after statement 1' "$(sql "SELECT reason FROM migrations.plan() WHERE version = '2'")"
done
has 'goes on' 'applied 2' "$(call 'CALL migrations.apply_each()')"
is 'at the end' 'applied|' "$(state 2)"
sql 'DROP OWNED BY states_reader; DROP ROLE states_reader'
