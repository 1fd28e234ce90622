# PgBouncer, in session and in transaction pooling: what works through it, what can't and
# says so, and that a run leaves the server's session as it was.
source "$ROOT/tests/tools/fetch.sh"
if ! command -v python3 >/dev/null; then skip 'no python3'; return; fi
folder=$(fetch_packages pgbouncer pgbouncer libevent-2.1-7 libc-ares2) || { skip "PgBouncer: $folder"; return; }
libraries=$(dirname "$(find "$folder" -name 'libcares.so.2')")
bouncer() { unprivileged env "LD_LIBRARY_PATH=$libraries" "$folder/usr/sbin/pgbouncer" "$@"; }
version=$(bouncer --version 2>&1) || { skip "PgBouncer: $version"; return; }
echo "$version"

new_database driver_pooler
mkdir "$RUN/pooler"
if [ "$(id -u)" = 0 ]; then chown "$SERVER_USER" "$RUN/pooler"; fi
echo '"postgres" ""' >"$RUN/pooler/users"
# One server session for each pool, so that all clients share it.
cat >"$RUN/pooler/ini" <<INI
[databases]
session = host=$RUN port=$PGPORT dbname=driver_pooler pool_mode=session
transaction = host=$RUN port=$PGPORT dbname=driver_pooler pool_mode=transaction
statement = host=$RUN port=$PGPORT dbname=driver_pooler pool_mode=statement
[pgbouncer]
unix_socket_dir = $RUN/pooler
listen_addr =
listen_port = 6432
auth_type = trust
auth_file = $RUN/pooler/users
default_pool_size = 1
logfile = $RUN/pooler/log
pidfile = $RUN/pooler/pid
INI
chmod -R go+rX "$RUN/pooler"
bouncer -d "$RUN/pooler/ini" || { cat "$RUN/pooler/log"; fail 'PgBouncer did not start'; }
eventually [ -S "$RUN/pooler/.s.PGSQL.6432" ]
trap 'kill "$(cat "$RUN/pooler/pid")"' EXIT
through() { # pool command…
    PGHOST=$RUN/pooler PGPORT=6432 PGDATABASE=$1 "${@:2}"
}
wire() { python3 "$ROOT/tests/drivers/wire.py" "$@" 2>&1; }
psql_alone() { "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -c "$1" 2>&1; }

# Each pool, with the simple and the extended protocol, by psql and by another client
cycle() { # pool project command…
    local project=$2 out
    say() { through "$1" "${@:3}"; }
    one() { say "$pool" x "${client[@]}" "$1" || fail "$pool, ${client[*]}: $1"; }
    local pool=$1 client=("${@:3}")
    has 'add' '^added$' "$(one "SELECT migrations.add('001', 'one', 'SET search_path = pg_temp; SET statement_timeout = 99000; RESET search_path; CREATE TABLE $project (id int)', 'DROP TABLE $project', project => '$project')")"
    has 'add' '^added$' "$(one "SELECT migrations.add('002', 'two', 'CREATE INDEX CONCURRENTLY ON $project (id); SET work_mem = 99000', 'DROP INDEX ${project}_id_idx', project => '$project')")"
    has 'apply' '^001$' "$(one "SELECT version FROM migrations.apply('001', project => '$project')")"
    has 'apply_each' '^1\|[0-9a-f-]{36}$' "$(one "CALL migrations.apply_each(project => '$project')")"
    is 'status' '001 applied, 002 applied' "$(one "SELECT string_agg(version || ' ' || state, ', ') FROM migrations.status('$project')" | tail -n 1)"
    has 'rollback' '^002$' "$(one "SELECT version FROM migrations.rollback(1, '$project')")"
    has 'rollback_each' '^1\|' "$(one "CALL migrations.rollback_each(1, '$project')")"
    is 'gone' '' "$(sql "SELECT to_regclass('$project')")"
}
for pool in session transaction; do
    cycle "$pool" "${pool:0:1}_psql" psql_alone
    cycle "$pool" "${pool:0:1}_simple" wire simple
    cycle "$pool" "${pool:0:1}_extended" wire extended
    # as drivers send it
    sql "SELECT migrations.add('001', 'one', 'CREATE TABLE p_$pool (id int)', project => 'bench_$pool')" >/dev/null
    echo "CALL migrations.apply_each(project => 'bench_$pool');" >"$RUN/pooler/script"
    modes=(extended)
    # PgBouncer before 1.21 loses prepared statements between transactions, whosever they are.
    [ $pool = transaction ] || modes+=(prepared)
    for mode in "${modes[@]}"; do
        out=$(through $pool "$BIN/pgbench" -n -t 2 -M "$mode" -f "$RUN/pooler/script" 2>&1) || fail "$pool, $mode: $out"
        has "$pool, $mode" 'number of transactions actually processed: 2/2' "$out"
    done
    is "$pool: applied once" 1 "$(sql "SELECT count(*) FROM migrations.history WHERE project = 'bench_$pool' AND action = 'apply'")"
done
has 'named statements' '^0\|' "$(through session wire named "CALL migrations.apply_each(project => 'bench_session')")"

# Pooling by statement, where each call is one
sql "SELECT migrations.add('001', 'one', 'CREATE TABLE stmt (id int)', 'DROP TABLE stmt', project => 'stmt')" >/dev/null
has 'by statement' '^1\|' "$(through statement wire simple "CALL migrations.apply_each(project => 'stmt')")"
is 'by statement' $'001\n001' "$(through statement wire extended "SELECT version FROM migrations.redo(1, 'stmt')")"
# Settings at the start of a connection are refused by PgBouncer.
has 'PGOPTIONS' 'unsupported startup parameter: options' "$(PGOPTIONS='-c migrations.project=stmt' through session psql_alone 'SELECT 1' || true)"

# A CALL that can't commit says so, and what to do instead; nothing has run
sql "SELECT migrations.add('001', 'call', 'CREATE TABLE called (id int)', project => 'call')" >/dev/null
refused() { # what output
    has "$1" '^25001: CALL migrations.apply_each\(\) cannot run inside a transaction block' "$2"
    has "$1: hint" '^HINT: Send the CALL as a statement of its own; or do all in one transaction: SELECT \* FROM migrations\.apply\(project => .*\);$' "$2"
    is "$1: nothing" '|0' "$(sql "SELECT to_regclass('mine'), (SELECT count(*) FROM migrations.history WHERE project = 'call' AND action <> 'add')")"
}
call="CALL migrations.apply_each(project => 'call')"
for pool in session transaction; do
    refused "$pool: several in one query" "$(through $pool wire simple "CREATE TABLE mine (id int); $call" || true)"
    refused "$pool: before others" "$(through $pool wire simple "$call; CREATE TABLE mine (id int)" || true)"
    refused "$pool: in a transaction" "$(through $pool wire extended BEGIN 'CREATE TABLE mine (id int)' "$call" || true)"
done
# Statements in a pipeline are one transaction, too. Newer servers know that; older ones let
# a procedure commit there what stands before it.
out=$(through transaction wire pipeline 'CREATE TABLE mine (id int)' "$call" || true)
major=$("$BIN/postgres" --version | sed 's/.*) \([0-9]*\).*/\1/')
if [ "$major" -ge 18 ] || { [ "$major" = 17 ] && [[ $out == 25001* ]]; }; then
    refused 'a pipeline' "$out"
else
    has 'a pipeline' '^1\|' "$out"
    is 'a pipeline: all is there' 'mine|called' "$(sql "SELECT to_regclass('mine'), to_regclass('called')")"
fi

# What a run leaves in the server's session that all clients of the pool share: nothing
picture="SELECT pg_backend_pid(), current_user, session_user,
    (SELECT md5(string_agg(format('%s=%s from %s', name, setting, source), ' ' ORDER BY name)) FROM pg_settings WHERE name NOT IN ('application_name', 'transaction_isolation', 'transaction_read_only', 'transaction_deferrable')),
    (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype NOT IN ('relation', 'virtualxid')),
    (SELECT string_agg(name, ' ') FROM pg_prepared_statements),
    (SELECT string_agg(name, ' ') FROM pg_cursors WHERE statement NOT LIKE '%pg_cursors%'),
    (SELECT string_agg(c, ' ') FROM pg_listening_channels() c),
    pg_my_temp_schema()::regnamespace, nullif(current_setting('app.tenant', true), '')"
sql "CREATE ROLE pooler_role; GRANT ALL ON SCHEMA public TO pooler_role" >/dev/null
leaves="SET search_path = pg_temp; SET statement_timeout = '1h'; SET lock_timeout = '1h'; SET session_replication_role = replica; SET app.tenant = '7'; SET ROLE pooler_role"
sql "
SELECT migrations.add('001', 'atomic', \$\$SELECT 1; $leaves\$\$, project => 'leaves');
SELECT migrations.add('002', 'stepwise', \$\$SELECT pg_advisory_lock(77), pg_advisory_unlock_all(); $leaves; RESET ROLE\$\$, project => 'leaves', transactional => false);
SELECT migrations.add('003', 'fails', \$\$$leaves; SELECT 1/0\$\$, project => 'leaves', transactional => false);
SELECT migrations.add('001', 'fails', \$\$$leaves; SELECT 1/0\$\$, project => 'leaves2');" >/dev/null
before=$(through transaction wire simple "$picture")
has 'a picture' '^[0-9]+\|postgres\|postgres\|[0-9a-f]{32}\|' "$before"
unchanged() { is "$1" "$before" "$(through transaction wire simple "$picture")"; }
unchanged 'by itself'
has 'atomic' '^001$' "$(through transaction wire extended "SELECT version FROM migrations.apply('001', 'leaves')")"
unchanged 'after a run'
has 'stepwise' '^1\|' "$(through transaction wire simple "CALL migrations.apply_each('002', 'leaves')")"
unchanged 'after a stepwise run'
has 'stepwise, failed' '^22012: division by zero' "$(through transaction wire simple "CALL migrations.apply_each(project => 'leaves')" || true)"
unchanged 'after a failed stepwise run'
has 'atomic, failed' '^22012: division by zero' "$(through transaction wire simple "SELECT * FROM migrations.apply(project => 'leaves2')" || true)"
unchanged 'after a failed run'
# The check sees a difference.
through transaction wire simple "SET app.tenant = '8'; SET lock_timeout = 5" >/dev/null
is_not 'a leftover is seen' "$before" "$(through transaction wire simple "$picture")"
sql 'DROP OWNED BY pooler_role; DROP ROLE pooler_role'
