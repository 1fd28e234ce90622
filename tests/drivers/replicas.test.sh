# Several processes load folders and apply migrations at the same time, as the replicas of an
# application do when they start.
new_database driver_replicas
folder=$RUN/replicas
mkdir -p "$folder"
for n in $(seq -w 20); do
    printf 'CREATE TABLE t%s (id int);\nSELECT pg_sleep(0.01);\n' "$n" >"$folder/0${n}_t.up.sql"
    printf 'DROP TABLE t%s;\n' "$n" >"$folder/0${n}_t.down.sql"
done
loader() { PATH=$BIN:$PATH sh "$ROOT/pg_migrations.sh" "$@"; }
replica() { # number project
    loader load "$folder" -p "$2" >"$RUN/replica.$1" 2>&1 &&
        "$BIN/psql" -X -q -v ON_ERROR_STOP=1 -c "CALL migrations.apply_each(project => '$2')" >>"$RUN/replica.$1" 2>&1
}
all_of() { # processes
    local process status=0
    for process in "$@"; do wait "$process" || status=1; done
    [ "$status" = 0 ] || fail "$(tail -n +1 "$RUN"/replica.*)"
}

# four replicas, again and again
for round in $(seq 5); do
    sql 'DROP SCHEMA public CASCADE; CREATE SCHEMA public' 2>/dev/null
    processes=()
    for n in 1 2 3 4; do replica "$n" "round$round" & processes+=($!); done
    all_of "${processes[@]}"
    is "round $round" '20|20' "$(sql "SELECT count(*), count(*) FILTER (WHERE state = 'applied') FROM migrations.status('round$round')")"
    is "each ran once in round $round" 20 "$(sql "SELECT count(*) FROM migrations.history WHERE project = 'round$round' AND action = 'apply'")"
    is "each was added once in round $round" 20 "$(sql "SELECT count(*) FROM migrations.history WHERE project = 'round$round' AND action = 'add'")"
done

# with new migrations, in a project that has some
printf 'SELECT pg_sleep(0.3);\n' >"$folder/021_u.sql"
processes=()
for n in 1 2 3 4; do PGOPTIONS="-c default_transaction_isolation=repeatable\\ read" replica "$n" round5 & processes+=($!); done
all_of "${processes[@]}"
is 'one more' 21 "$(sql "SELECT count(*) FROM migrations.history WHERE project = 'round5' AND action = 'apply' AND outcome = 'success'")"

# two folders, two projects
mkdir -p "$RUN/other"
printf 'CREATE SCHEMA other;\n' >"$RUN/other/1_o.sql"
for round in $(seq 5); do
    loader load "$folder" -p "one$round" >"$RUN/replica.1" 2>&1 & processes=($!)
    loader load "$RUN/other" -p "two$round" >"$RUN/replica.2" 2>&1 & processes+=($!)
    all_of "${processes[@]}"
    is "two projects in round $round" '21|1' "$(sql "SELECT (SELECT count(*) FROM migrations.status('one$round')), (SELECT count(*) FROM migrations.status('two$round'))")"
    lacks 'neither waits' waiting "$(cat "$RUN/replica.1" "$RUN/replica.2")"
done

# another session has the project, until it is released
hold() { # project
    "$BIN/psql" -X -q -c "BEGIN; SELECT migrations.add('zzz$SECONDS$RANDOM', 'x', 'SELECT 1', project => '$1'); SELECT pg_sleep(600)" >/dev/null 2>&1 &
    HOLDER=$!
    wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'BEGIN; SELECT migrations.add(''zzz%' AND wait_event = 'PgSleep')"
}
release() {
    is 'the holder is cancelled' t "$(sql "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; SELECT migrations.add(''zzz%' AND wait_event = 'PgSleep'")"
    wait "$HOLDER" || true
}
hold one1
is 'nothing to do takes no lock' '0 added, 41 unchanged' "$(PGOPTIONS='-c migrations.run_wait=0' loader load "$folder" -p one1)"
printf 'SELECT 22;\n' >"$folder/022_v.sql"
status=0
out=$(PGOPTIONS='-c migrations.run_wait=1s' loader load "$folder" -p one1 2>&1) || status=$?
is 'after run_wait' 3 "$status"
has 'who' 'ERROR:  migrations of project "one1" are in use by another session' "$out"
has 'who' '^DETAIL:  Process [0-9]+ of user postgres has held their lock since ' "$out"
has 'how long' '^pg_migrations.sh: gave up after 1 s, the setting migrations.run_wait$' "$out"
lacks 'no mark of ours' 'pg_migrations.sh failed' "$out"
loader load "$folder" -p one1 >"$RUN/replica.waits" 2>&1 &
waiting=$!
eventually grep -q '^pg_migrations.sh: waiting for another session' "$RUN/replica.waits"
release
wait "$waiting" || fail "it does not end: $(cat "$RUN/replica.waits")"
out=$(cat "$RUN/replica.waits")
has 'it has waited' '^022_v.sql added$' "$out"
lacks 'nothing of what it waited for' ERROR "$out"

# a procedure says the same
hold one1
out=$("$BIN/psql" -X -c "SET migrations.run_wait = '300ms'; " -c "CALL migrations.apply_each(project => 'one1')" 2>&1 || true)
has 'a procedure' '^DETAIL:  Process [0-9]+ of user postgres has held their lock since ' "$out"
has 'its setting' '^HINT:  .*migrations\.run_wait \(300ms\)' "$out"
release
