# statement_timeout in a migration counts for each statement, and the caller's own continues after it.
new_database driver_timeouts
sql "SELECT migrations.add('001', 'slow at the end', E'SET statement_timeout = ''800ms'';\nSELECT pg_sleep(0.5);\nSELECT pg_sleep(0.5);\nSELECT pg_sleep(5)')" >/dev/null

# two statements that take longer together than the limit pass, the third is cancelled
out=$(error_of sql 'SELECT * FROM migrations.apply()')
has 'cancelled' 'ERROR:  canceling statement due to statement timeout' "$out"
has 'where' 'CONTEXT:  migration 001 \(slow at the end\) of project default, statement 4 of 4, line 4' "$out"
is 'nothing applied' '' "$(sql 'SELECT migrations.version()')"

# a body without a limit of its own is under the caller's
sql "SELECT migrations.add('001', 'slow', 'SELECT pg_sleep(0.2); SELECT pg_sleep(5)', replace => true)" >/dev/null
out=$(PGOPTIONS='-c statement_timeout=400ms' error_of sql 'SELECT * FROM migrations.apply()')
has "the caller's" 'statement 2 of 2' "$out"

# a body may have more time than its caller
sql "SELECT migrations.add('001', 'patient', 'SET statement_timeout = 0; SELECT pg_sleep(0.6)', replace => true)" >/dev/null
PGOPTIONS='-c statement_timeout=500ms' sql 'SELECT version FROM migrations.apply()' >/dev/null 2>&1 || fail 'the body has no limit'

# what the caller had left is armed again: for the next migration, and after the call
sql "SELECT migrations.add('002', 'patient', 'SET statement_timeout = 0; SELECT pg_sleep(0.6)')" >/dev/null
sql "SELECT migrations.add('003', 'slow', 'SELECT pg_sleep(5)')" >/dev/null
started=$EPOCHREALTIME
out=$(PGOPTIONS='-c statement_timeout=500ms' error_of sql 'SELECT * FROM migrations.apply()')
took=$(((${EPOCHREALTIME/./} - ${started/./}) / 1000))
has 'the next migration' 'migration 003 \(slow\) of project default, statement 1 of 1' "$out"
at_most 'how long it took (ms)' 2999 "$took"
out=$(PGOPTIONS='-c statement_timeout=500ms' error_of sql "SELECT pg_sleep(5) FROM migrations.apply('002')")
has 'after the call' 'ERROR:  canceling statement due to statement timeout' "$out"
lacks 'outside of a migration' 'CONTEXT' "$out"
# with a failure in between, caught
sql "SELECT migrations.add('003', 'fails', 'SET statement_timeout = 0; SELECT 1/0', replace => true)" >/dev/null
out=$(PGOPTIONS='-c statement_timeout=500ms' error_of sql 'DO $$ BEGIN BEGIN PERFORM migrations.apply(); EXCEPTION WHEN division_by_zero THEN END; PERFORM pg_sleep(5); END $$')
has 'after a failure' 'ERROR:  canceling statement due to statement timeout' "$out"

# the same value as the caller's counts as a limit of the body's own
sql "SELECT migrations.add('003', 'same', 'SET statement_timeout = ''800ms''; SELECT pg_sleep(0.5); SELECT pg_sleep(0.5)', replace => true)" >/dev/null
PGOPTIONS='-c statement_timeout=800ms' sql "SELECT version FROM migrations.apply()" >/dev/null 2>&1 || fail 'each statement has its own time'
is 'all applied' 003 "$(sql 'SELECT migrations.version()')"

# lock_timeout in a body
sql 'CREATE TABLE locked (id int)'
sql "SELECT migrations.add('004', 'waits', 'SET lock_timeout = ''100ms''; ALTER TABLE locked ADD COLUMN a int')" >/dev/null
sql 'BEGIN; LOCK TABLE locked IN ACCESS SHARE MODE; SELECT pg_sleep(1.5)' >/dev/null &
wait_for "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'locked'::regclass)"
out=$(error_of sql 'SELECT * FROM migrations.apply()')
has 'lock timeout' 'ERROR:  canceling statement due to lock timeout' "$out"
wait
sql 'SELECT version FROM migrations.apply()' >/dev/null 2>&1
