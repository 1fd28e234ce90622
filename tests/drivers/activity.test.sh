# pg_stat_activity shows the running migration, and afterwards the client's statement again. The
# error of a refused session names the running one.
new_database driver_activity
for n in 1 2 3; do
    sql "SELECT migrations.add('00$n', 'step $n', 'SELECT 1; SELECT pg_sleep(CASE $n WHEN 2 THEN 2 ELSE 0 END); SELECT 3')" >/dev/null
done
"$BIN/psql" -X -q -A -t -o "$RUN/activity.out" <<'SQL' 2>/dev/null &
SET application_name = 'runner';
BEGIN;
SELECT version FROM migrations.apply();
SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid();
COMMIT;
SQL
wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'runner' AND query LIKE 'migrations: 2/3%statement 2/3')"
is 'while it runs' 'migrations: 2/3 002 step 2, statement 2/3|active' \
    "$(sql "SELECT query, state FROM pg_stat_activity WHERE application_name = 'runner'")"
out=$(error_of sql 'SELECT * FROM migrations.apply()')
has 'refused' 'ERROR:  migrations of project "default" are in use by another session' "$out"
has 'by whom' "DETAIL:  Process [0-9]+ of user postgres has held their lock since 20[0-9-]+ [0-9:]+ [A-Z]+ and is at '2/3 002 step 2, statement 2/3'\." "$out"
# SQL's own advisory locks neither meet this one nor free it
sql 'SELECT pg_advisory_unlock_all()' >/dev/null
is 'the lock' 'ExclusiveLock|3' "$(sql "SELECT mode, objsubid FROM pg_locks WHERE locktype = 'advisory'")"
wait
has 'afterwards' '^SELECT query FROM pg_stat_activity' "$(cat "$RUN/activity.out")"
is 'applied once' 3 "$(sql "SELECT count(*) FROM migrations.history WHERE action = 'apply'")"
