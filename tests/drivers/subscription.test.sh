# Subscriptions with slots: a publisher on a server of its own, and a subscriber that is
# made, refreshed and dropped by migrations.
publisher=$RUN/publisher
mkdir -p "$publisher"
if [ "$(id -u)" = 0 ]; then chown "$SERVER_USER" "$publisher"; fi
server initdb -D "$publisher/data" -U postgres -A trust -E UTF8 --no-locale --no-sync >/dev/null
cat >>"$publisher/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$publisher'
wal_level = logical
fsync = off
CONF
server pg_ctl start -D "$publisher/data" -w -s -l "$publisher/log"
trap 'server pg_ctl stop -D "$publisher/data" -m immediate -s >/dev/null 2>&1 || true' EXIT
published() { PGHOST=$publisher sql_in postgres "$1"; }
published "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'); CREATE PUBLICATION p FOR TABLE t"

new_database driver_subscription
call() { "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -c "CALL migrations.$1" 2>&1; }
add() { sql "SELECT migrations.add('$1', '$2', \$up\$$3\$up\$, \$down\$${4:-SELECT 1}\$down\$)" >/dev/null; }
add 001 tables 'CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE u (id int PRIMARY KEY)' 'DROP TABLE t, u'
add 002 subscribe "CREATE SUBSCRIPTION s CONNECTION 'host=$publisher dbname=postgres user=postgres' PUBLICATION p" 'DROP SUBSCRIPTION s'
has 'refused' 'CREATE SUBSCRIPTION ... WITH \(create_slot = true\) cannot run inside a transaction' "$(sql 'SELECT FROM migrations.apply()' 2>&1 || true)"
has 'subscribed' 'applied 002' "$(call 'apply_each()')"
is 'the slot' 1 "$(published "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 's'")"
wait_for 'SELECT count(*) = 1 FROM t'

published 'CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u VALUES (7); ALTER PUBLICATION p ADD TABLE u'
add 003 refresh 'ALTER SUBSCRIPTION s REFRESH PUBLICATION'
has 'refused' 'ALTER SUBSCRIPTION ... with refresh cannot run inside a transaction' "$(sql 'SELECT FROM migrations.apply()' 2>&1 || true)"
has 'refreshed' 'applied 003' "$(call 'apply_each()')"
wait_for 'SELECT count(*) = 1 FROM u'
add 004 again 'ALTER SUBSCRIPTION s SET PUBLICATION p'
has 'set' 'applied 004' "$(call 'apply_each()')"
add 005 quiet 'ALTER SUBSCRIPTION s SET PUBLICATION p WITH (refresh = false)'
is 'inside a transaction' 005 "$(sql 'SELECT version FROM migrations.apply()' 2>/dev/null)"

has 'a slot is dropped apart' 'DROP SUBSCRIPTION' "$(sql 'SELECT FROM migrations.rollback(4)' 2>&1 || true)"
has 'down' 'rolled back 002' "$(call 'rollback_each(4)')"
is 'no slot' '' "$(published 'SELECT slot_name FROM pg_replication_slots')"
is 'no subscription' 0 "$(sql 'SELECT count(*) FROM pg_subscription')"
