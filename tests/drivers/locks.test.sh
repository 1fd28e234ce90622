# Locks of tables: a stepwise run gives way, tries again, and says who was in its way.
new_database driver_locks
call() { "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -c "CALL migrations.$1" 2>&1; }
# A transaction that looks at a table for so many seconds.
reader() { sql "BEGIN; SELECT count(*) FROM t; SELECT pg_sleep($1); COMMIT" >/dev/null & }
is_reading() { wait_for "SELECT count(*) > 0 FROM pg_locks WHERE relation = 't'::regclass AND mode = 'AccessShareLock'"; }
sql "CREATE TABLE t (id int, v text); INSERT INTO t SELECT g, 'x' || g FROM generate_series(1, 1000) g" >/dev/null
sql "SELECT migrations.add('001', 'column', 'ALTER TABLE t ADD a int', 'ALTER TABLE t DROP a')" >/dev/null
sql "ALTER DATABASE driver_locks SET migrations.lock_timeout = '200ms'"

# a long reader, and others that wait for the waiting ALTER TABLE
reader 1.5
is_reading
call 'apply_each()' >"$RUN/locks.out" &
run=$!
longest=0
while kill -0 $run 2>/dev/null; do
    started=$EPOCHREALTIME
    sql 'SELECT count(*) FROM t' >/dev/null
    took=$(((${EPOCHREALTIME/./} - ${started/./}) / 1000))
    [ "$took" -le "$longest" ] || longest=$took
done
wait $run || fail "$(cat "$RUN/locks.out")"
has 'tried again' 'NOTICE:  001 \(column\): canceling statement due to lock timeout; trying again in [0-9.]+ s \(1 of 5\)' "$(cat "$RUN/locks.out")"
has 'applied' 'NOTICE:  applied 001' "$(cat "$RUN/locks.out")"
at_most 'how long another reader waited (ms)' 1000 "$longest"
is 'once' 1 "$(sql "SELECT count(*) FROM migrations.history WHERE action = 'apply'")"
wait

# one that doesn't end
sql "SELECT migrations.add('002', 'column', 'SELECT 1; ALTER TABLE public.\"t\" ADD b int', 'ALTER TABLE t DROP b')" >/dev/null
reader 4
is_reading
out=$(PGOPTIONS='-c migrations.lock_retries=1' error_of call 'apply_each()')
has 'what' 'ERROR:  canceling statement due to lock timeout' "$out"
has 'who' 'DETAIL:  Process [0-9]+ of user postgres holds a lock on public.t, in a transaction since .*: BEGIN; SELECT count' "$out"
has 'where' 'CONTEXT:  migration 002 \(column\) of project default, statement 2 of 2, line 1' "$out"
is 'on record' '002|failure|55P03|2' "$(sql "SELECT version, outcome, sqlstate, statement_no FROM migrations.history WHERE outcome = 'failure'")"
is 'shown' 'failed|canceling statement due to lock timeout (55P03), statement 2, line 1' "$(sql "SELECT state, message FROM migrations.status() WHERE version = '002'")"
# a function doesn't try again, but doesn't wait for ever either; a caller's own limit wins
has 'atomic' 'canceling statement due to lock timeout' "$(sql 'SELECT version FROM migrations.apply()' 2>&1 || true)"
has 'own limit' 'canceling statement due to lock timeout' "$(PGOPTIONS='-c lock_timeout=50 -c migrations.lock_timeout=0 -c migrations.lock_retries=0' call 'apply_each()' || true)"
wait
is 'then' 't' "$(call 'apply_each()' | grep -c 'applied 002' | sed s/1/t/)"
is 'the failure is history' '' "$(sql "SELECT message FROM migrations.status() WHERE version = '002'")"

# CREATE INDEX CONCURRENTLY waits for a transaction much longer than the limit
sql "SELECT migrations.add('003', 'index', 'CREATE INDEX CONCURRENTLY t_v ON t (v)', 'DROP INDEX CONCURRENTLY t_v')" >/dev/null
(sql "BEGIN; UPDATE t SET v = v WHERE id = 1; SELECT pg_sleep(4); COMMIT" >/dev/null) &
wait_for "SELECT count(*) > 0 FROM pg_locks WHERE relation = 't'::regclass AND mode = 'RowExclusiveLock'"
started=$EPOCHREALTIME
has 'index' 'applied 003' "$(call 'apply_each()')"
at_least 'how long it waited (ms)' 801 $(((${EPOCHREALTIME/./} - ${started/./}) / 1000))
is 'valid' t "$(sql "SELECT indisvalid FROM pg_index WHERE indexrelid = 't_v'::regclass")"
wait

# An index that somebody else builds on the table is left alone.
sql "SELECT migrations.add('004', 'unique', 'CREATE UNIQUE INDEX CONCURRENTLY ON t ((id % 2))', 'SELECT 1')" >/dev/null
has 'duplicates' 'could not create unique index "t_expr_idx"' "$(call 'apply_each()' || true)"
(sql "BEGIN; UPDATE t SET v = v WHERE id = 1; SELECT pg_sleep(2); COMMIT" >/dev/null) &
wait_for "SELECT count(*) > 0 FROM pg_locks WHERE relation = 't'::regclass AND mode = 'RowExclusiveLock'"
(sql 'CREATE INDEX CONCURRENTLY t_id_idx ON t (id)' >/dev/null) &
wait_for "SELECT count(*) > 0 FROM pg_stat_progress_create_index WHERE index_relid = (SELECT oid FROM pg_class WHERE relname = 't_id_idx')"
has 'in work' 'ERROR:  index public.t_expr_idx is not valid, and process [0-9]+ is at work on its table' "$(call 'apply_each()' || true)"
wait
is 'it is there' t "$(sql "SELECT indisvalid FROM pg_index WHERE indexrelid = 't_id_idx'::regclass")"
sql "SELECT migrations.mark_pending('004')" >/dev/null
sql "DROP INDEX t_expr_idx; SELECT migrations.remove('004')" >/dev/null

# DETACH PARTITION CONCURRENTLY that was cut off between its two transactions is finished.
sql "CREATE TABLE whole (id int) PARTITION BY LIST (id); CREATE TABLE part PARTITION OF whole FOR VALUES IN (1)"
sql "SELECT migrations.add('004', 'detach', 'SET statement_timeout = 500; ALTER TABLE whole DETACH PARTITION part CONCURRENTLY', 'SELECT 1')" >/dev/null
(sql "BEGIN; SELECT count(*) FROM whole; SELECT pg_sleep(1.5); COMMIT" >/dev/null) &
wait_for "SELECT count(*) > 0 FROM pg_locks WHERE relation = 'whole'::regclass AND mode = 'AccessShareLock'"
has 'cut off' 'canceling statement due to statement timeout' "$(call 'apply_each()' || true)"
is 'half detached' t "$(sql "SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = 'part'::regclass")"
wait
has 'finished' 'applied 004' "$(call 'apply_each()')"
is 'detached' 0 "$(sql "SELECT count(*) FROM pg_inherits WHERE inhrelid = 'part'::regclass")"

# Two runs at once: the second one waits for the first, which builds an index, and finds
# nothing left to do; a function doesn't wait.
sql "SELECT migrations.add('005', 'index', 'CREATE INDEX CONCURRENTLY t_two ON t (v, id)', 'SELECT 1'); SELECT migrations.add('006', 'more', 'CREATE TABLE six ()', 'SELECT 1')" >/dev/null
(sql "BEGIN; UPDATE t SET v = v WHERE id = 1; SELECT pg_sleep(1.5); COMMIT" >/dev/null) &
wait_for "SELECT count(*) > 0 FROM pg_locks WHERE relation = 't'::regclass AND mode = 'RowExclusiveLock'"
call 'apply_each()' >"$RUN/locks.1" &
wait_for "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE 'migrations: 1/2 005%'"
call 'apply_each()' >"$RUN/locks.2" &
sleep 0.3
has 'function' 'ERROR:  migrations of project "default" are in use by another session' "$(sql 'SELECT FROM migrations.apply()' 2>&1 || true)"
has 'impatient' 'in use by another session' "$(PGOPTIONS='-c migrations.run_wait=100ms' call 'apply_each()' || true)"
out=$(PGOPTIONS='-c migrations.run_wait=60s -c statement_timeout=500ms' call 'apply_each()' || true)
has 'timed out' 'canceling statement due to statement timeout' "$out"
has 'what it waited for' 'DETAIL:  Migrations of project "default" were in use by another session. Process [0-9]+ of user' "$out"
is 'not interrupted' 'blocked|interrupted|failed' "$(sql "SELECT 'blocked|interrupted|failed' WHERE NOT EXISTS (SELECT FROM migrations.status() WHERE state IN ('blocked', 'interrupted', 'failed'))")"
wait
has 'the first' 'applied 006' "$(cat "$RUN/locks.1")"
has 'the second' 'nothing to do: project default is at version 006' "$(cat "$RUN/locks.2")"
is 'each once' '005 006' "$(sql "SELECT string_agg(version, ' ' ORDER BY seq) FROM migrations.history WHERE action = 'apply' AND version > '004' AND outcome = 'success'")"
is 'no lock is left' 0 "$(sql "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")"

# Cancelled and terminated: what is finished stays, and the next call continues.
sql "SELECT migrations.add('007', 'seven', 'CREATE TABLE seven ()', 'SELECT 1'); SELECT migrations.add('008', 'eight', 'CREATE TABLE eight (); SELECT pg_sleep(30)', 'SELECT 1')" >/dev/null
# The first one can keep no record, so it comes before what leaves one.
for how in terminate cancel; do
    if [ $how = cancel ]; then state=failed; else state=pending; fi
    call 'apply_each()' >"$RUN/locks.1" &
    wait_for "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE 'migrations: %/% 008%, statement 2/2'"
    is "$how" t "$(sql "SELECT pg_${how}_backend(pid) FROM pg_stat_activity WHERE query LIKE 'migrations: %008%' AND pid <> pg_backend_pid()")"
    wait
    wait_for "SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory'"
    is "after $how" "seven||$state" "$(sql "SELECT to_regclass('seven'), to_regclass('eight'), state FROM migrations.status() WHERE version = '008'")"
done
is 'on record' '57014' "$(sql "SELECT sqlstate FROM migrations.history WHERE version = '008' AND outcome = 'failure'")"
sql "SELECT migrations.add('008', 'eight', 'CREATE TABLE eight ()', 'SELECT 1', replace => true)" >/dev/null
has 'goes on' 'applied 008' "$(call 'apply_each()')"

# Cancelled in the pause between two tries, it is on record as well.
sql "SELECT migrations.add('009', 'nine', 'ALTER TABLE t ADD nine int', 'SELECT 1')" >/dev/null
reader 3
is_reading
PGOPTIONS='-c migrations.lock_timeout=50ms -c migrations.lock_retries=100' call 'apply_each()' >"$RUN/locks.1" &
wait_for "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE 'CALL migrations.apply_each%' AND wait_event = 'Extension'"
sql "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CALL migrations.apply_each%' AND pid <> pg_backend_pid()" >/dev/null
wait
has 'cancelled' 'ERROR:  canceling statement due to user request' "$(cat "$RUN/locks.1")"
is 'on record' 57014 "$(sql "SELECT sqlstate FROM migrations.history WHERE version = '009' AND outcome = 'failure'")"

# A block waits for a table's lock no longer than the limit says.
sql "SELECT migrations.mark_applied('009'); SELECT migrations.add('010', 'block', 'DO \$\$BEGIN ALTER TABLE t ADD ten int; END\$\$', transactional => false)" >/dev/null
reader 2
is_reading
started=$EPOCHREALTIME
has 'block' 'canceling statement due to lock timeout' "$(call 'apply_each()' || true)"
at_most 'how long it waited for the reader (ms)' 1499 $(((${EPOCHREALTIME/./} - ${started/./}) / 1000))
wait
has 'again' 'applied 010' "$(call 'apply_each()')"
