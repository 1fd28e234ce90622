# What a dump contains, in each mode of pg_dump and pg_restore, and that a restored database
# continues. Compared by queries: pg_dump does not print the extension's own tables.
source "$ROOT/tests/drivers/full_database.sh"
make_full_database restore_from
picture restore_from >"$RUN/restore.picture"
for word in 'project.*sécret' 'migration.*short names' 'applied.*baseline\|applied.*mark' 'event.*by hand' 'journal.*DROP INDEX' \
    'unfinished.*division' 'event_id_seq|26' 'block|1|block|interrupted' 'migrations.apply_each.*full_deployer'; do
    grep -q "$word" "$RUN/restore.picture" || fail "the picture lacks $word"
done
# The picture notices what is lost.
sql_in postgres 'CREATE DATABASE restore_planted TEMPLATE restore_from'
for loss in "UPDATE migrations.applied SET down = NULL WHERE id = 1" "DELETE FROM migrations.journal WHERE id = 1" \
    "SELECT setval('migrations.event_id_seq', 3)" "REVOKE SELECT ON migrations.history FROM full_deployer" \
    "UPDATE migrations.project SET variables = '{}' WHERE id = 1"; do
    before=$(picture restore_planted)
    sql_in restore_planted "SET session_replication_role = replica; $loss" >/dev/null
    [ "$(picture restore_planted)" != "$before" ] || fail "the picture doesn't see: $loss"
done
sql_in postgres 'DROP DATABASE restore_planted'

dump() { "$BIN/pg_dump" "$@"; }
fresh() { sql_in postgres "DROP DATABASE IF EXISTS $1 WITH (FORCE)" 2>/dev/null; sql_in postgres "CREATE DATABASE $1 ${2:-}"; }
play() { "$BIN/psql" -X -q -v ON_ERROR_STOP=1 -d "$1" >/dev/null 2>"$RUN/restore.err" || fail "$(cat "$RUN/restore.err")"; }
same() { # what database
    diff "$RUN/restore.picture" <(picture "$2") >"$RUN/restore.diff" || fail "$1: $(cat "$RUN/restore.diff")"
}
# In short, what of it is in a database: the extension, its rows, the application's, grants.
rows() {
    local ours='no extension'
    if [ "$(sql_in "$1" "SELECT count(*) FROM pg_extension WHERE extname = 'pg_migrations'")" = 1 ]; then
        ours=$(sql_in "$1" "SELECT format('%s %s %s %s %s', (SELECT count(*) FROM migrations.project), (SELECT count(*) FROM migrations.migration),
            (SELECT count(*) FROM migrations.applied), (SELECT count(*) FROM migrations.event), (SELECT count(*) FROM migrations.journal))")
    fi
    local theirs='no tables'
    if [ -n "$(sql_in "$1" "SELECT to_regclass('public.users')")" ]; then
        theirs="$(sql_in "$1" 'SELECT count(*) FROM public.users') users"
    fi
    echo "$ours, $theirs, $(sql_in "$1" "$RIGHTS" 2>/dev/null | grep -c full_deployer || true) grants"
}
all='6 12 5 26 9, 3 users, 5 grants'
is 'the source' "$all" "$(rows restore_from)"

# pg_restore -j knows no order among the tables of an extension.
is 'foreign keys' 0 "$(sql "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND connamespace = 'migrations'::regnamespace")"

# A whole dump, in each format, and each way of playing it.
dump restore_from >"$RUN/restore.sql"
dump -Fc restore_from -f "$RUN/restore.custom"
rm -rf "$RUN/restore.folder"
dump -Fd -j 3 restore_from -f "$RUN/restore.folder"
dump -Ft restore_from -f "$RUN/restore.tar"
fresh restore_to
play restore_to <"$RUN/restore.sql"
same 'plain' restore_to
goes_on restore_to
for how in "custom" "custom -1" "custom -j 4" "folder" "folder -j 4" "tar"; do
    fresh restore_to
    read -r format options <<<"$how"
    # shellcheck disable=SC2086
    "$BIN/pg_restore" $options --exit-on-error -d restore_to "$RUN/restore.$format"
    same "$how" restore_to
done
goes_on restore_to
fresh restore_to
dump --inserts --rows-per-insert 3 restore_from | play restore_to
same 'inserts' restore_to

# A dump taken while a run is under way: what had been committed by then.
sql "SELECT migrations.add('1', 'first', 'CREATE TABLE during (id int)', project => 'during');
     SELECT migrations.add('2', 'waits', 'SELECT 1; SELECT pg_advisory_lock(4711); SELECT pg_advisory_unlock(4711)', project => 'during', transactional => false)" >/dev/null
sql_in restore_from "SELECT pg_advisory_lock(4711); SELECT pg_sleep(60)" >/dev/null 2>&1 &
wait_for "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = 4711)"
each during >"$RUN/restore.during" &
runner=$!
wait_for "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 4711)"
dump -Fc restore_from -f "$RUN/restore.live"
sql "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)'" >/dev/null
wait $runner || true
has 'the run ended' '^2\|' "$(cat "$RUN/restore.during")"
fresh restore_to
"$BIN/pg_restore" --exit-on-error -d restore_to "$RUN/restore.live"
is 'as it stood' '1 applied, 2 interrupted' "$(sql_in restore_to "SELECT string_agg(version || ' ' || state, ', ' ORDER BY version) FROM migrations.status('during')" | sed 's/pending/interrupted/')"
is 'one statement had run' 1 "$(sql_in restore_to "SELECT count(*) FROM migrations.journal j JOIN migrations.project p ON p.id = project_id WHERE p.name = 'during' AND is_done")"
has 'and the rest runs' '^1\|' "$(PGDATABASE=restore_to each during)"

# The picture of the source has changed by that.
sql_in postgres 'DROP DATABASE restore_from WITH (FORCE)'
sql_in postgres 'CREATE DATABASE restore_from'
play restore_from <"$RUN/restore.sql"
same 'the source again' restore_from

# The modes of docs/dump-and-restore.md: what each brings back.
mode() { # result options…
    fresh restore_to
    dump "${@:2}" restore_from | play restore_to
    is "${*:2}" "$1" "$(rows restore_to)"
}
mode '0 0 0 0 0, 0 users, 5 grants' --schema-only
has 'a schema without its record' 'nothing to do' "$(sql_in restore_to 'SELECT FROM migrations.apply()' 2>&1)"
dump --data-only restore_from | play restore_to
same 'schema, then data' restore_to
fresh restore_to
dump --schema-only restore_from | play restore_to
"$BIN/pg_restore" --exit-on-error --data-only --disable-triggers -d restore_to "$RUN/restore.custom"
same 'data without triggers' restore_to
fresh restore_to
for section in pre-data data post-data; do "$BIN/pg_restore" --exit-on-error --section=$section -d restore_to "$RUN/restore.custom"; done
same 'section by section' restore_to
fresh restore_to
sql_in restore_to 'DROP SCHEMA public'
dump -n public restore_from | play restore_to
is '-n public' 'no extension, 3 users, 0 grants' "$(rows restore_to)"
mode 'no extension, 3 users, 0 grants' -t public.users
# (The schema's own name picks nothing, or takes the rows away, and pg_dump doesn't say so.)
mode 'no extension, no tables, 0 grants' -n migrations
mode '0 0 0 0 0, 3 users, 5 grants' -N migrations
mode '0 0 0 0 0, 3 users, 5 grants' -T 'migrations.*'
mode '0 0 0 0 0, 3 users, 5 grants' --exclude-table-data='migrations.*'
if "$BIN/pg_dump" --help | grep -q -- --no-data; then
    mode '0 0 0 0 0, 0 users, 5 grants' --no-data
    mode 'no extension, 3 users, 0 grants' --exclude-extension=pg_migrations
fi
mode '6 12 5 0 9, 3 users, 5 grants' --exclude-table-data=migrations.event
is 'without its history it goes on' $'005\n2|2\n1|2' "$(sql_in restore_to "SET client_min_messages = warning; DO 'BEGIN PERFORM migrations.mark_pending(''004''); END'; SELECT version FROM migrations.apply(only_version => '005'); SELECT seq, count(*) OVER () FROM migrations.history")"
restored() { # result options…
    fresh restore_to
    "$BIN/pg_restore" -d restore_to "${@:2}" "$RUN/restore.custom" >/dev/null 2>"$RUN/restore.err" || true
    is "pg_restore ${*:2}" "$1" "$(rows restore_to)"
}
restored '0 0 0 0 0, 3 users, 0 grants' -N migrations
restored 'no extension, 3 users, 0 grants' -n public
restored 'no extension, 3 users, 0 grants' -t users
restored 'no extension, no tables, 0 grants' -n migrations
has 'why' 'schema "migrations" does not exist' "$(cat "$RUN/restore.err")"
restored 'no extension, no tables, 0 grants' -a
mode "$all" -e pg_migrations
fresh restore_to
sql_in restore_to 'DROP SCHEMA public'
dump -n public -e pg_migrations restore_from | play restore_to
is 'a schema and the extension' "$all" "$(rows restore_to)"
mode '6 12 5 26 9, no tables, 5 grants' -n migrations -e pg_migrations
mode '6 12 5 26 9, 3 users, 0 grants' --no-privileges

# Whose it is then.
sql_in postgres "DROP ROLE IF EXISTS full_owner" 2>/dev/null
sql_in postgres "CREATE ROLE full_owner LOGIN SUPERUSER"
fresh restore_to
PGUSER=full_owner play restore_to < <(dump --no-owner restore_from)
same 'without owners' restore_to
is 'all belongs to who restores' 'full_owner full_owner' \
    "$(sql_in restore_to "SELECT pg_get_userbyid(extowner) || ' ' || pg_get_userbyid(relowner) FROM pg_extension, pg_class WHERE extname = 'pg_migrations' AND pg_class.oid = 'users'::regclass")"
is 'the record, too' full_owner "$(sql_in restore_to "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'migrations.history'::regclass")"
fresh restore_to
PGUSER=full_owner play restore_to <"$RUN/restore.sql"
is 'with owners the extension still belongs to who restores' 'full_owner postgres' \
    "$(sql_in restore_to "SELECT pg_get_userbyid(extowner) || ' ' || pg_get_userbyid(relowner) FROM pg_extension, pg_class WHERE extname = 'pg_migrations' AND pg_class.oid = 'users'::regclass")"
sql_in postgres 'DROP DATABASE restore_to WITH (FORCE)'
sql_in postgres 'ALTER ROLE full_owner NOSUPERUSER'
fresh restore_to 'OWNER full_owner'
play restore_to <"$RUN/restore.sql"
same "another's database" restore_to
goes_on restore_to

# Over what is there.
dump --clean --if-exists restore_from | play restore_to
same 'clean, over a database that went on' restore_to
fresh restore_to
sql_in restore_to 'CREATE EXTENSION pg_migrations'
play restore_to <"$RUN/restore.sql"
same 'the extension is installed, and empty' restore_to
fresh restore_to
sql_in restore_to "CREATE EXTENSION pg_migrations; SELECT migrations.add('100', 'own', 'SELECT 1')" >/dev/null
"$BIN/psql" -X -q -d restore_to <"$RUN/restore.sql" >/dev/null 2>"$RUN/restore.err" || true
has 'rows that clash' 'duplicate key value violates unique constraint "project_pkey"' "$(cat "$RUN/restore.err")"
# (Table by table: what didn't clash has come. Hence the advice to restore in one transaction.)
is 'two records mixed' '1 1 5 1 9, 3 users, 5 grants' "$(rows restore_to)"
fresh restore_to
sql_in restore_to "CREATE EXTENSION pg_migrations; SELECT migrations.add('100', 'own', 'SELECT 1')" >/dev/null
error_of "$BIN/pg_restore" -1 -d restore_to "$RUN/restore.custom" >/dev/null
is 'in one transaction nothing happens' '1 1 0 1 0, no tables, 0 grants' "$(rows restore_to)"
fresh restore_to
sql_in restore_to 'CREATE SCHEMA migrations'
has 'a schema of that name' 'schema "migrations" already exists' "$("$BIN/pg_restore" -1 -d restore_to "$RUN/restore.custom" 2>&1 || true)"

# With its name, and by the server itself.
dump -Fc restore_from -f "$RUN/restore.custom"
sql_in postgres 'ALTER DATABASE restore_from RENAME TO restore_aside'
"$BIN/pg_restore" --create --exit-on-error -d postgres "$RUN/restore.custom"
same 'create' restore_from
sql_in postgres 'DROP DATABASE restore_to'
sql_in postgres 'CREATE DATABASE restore_to TEMPLATE restore_aside'
same 'template' restore_to
goes_on restore_to

# Without a superuser.
fresh restore_to 'OWNER full_owner'
PGUSER=full_owner "$BIN/psql" -X -q -d restore_to <"$RUN/restore.sql" >/dev/null 2>"$RUN/restore.err" || true
has 'only superusers install' 'permission denied to create extension "pg_migrations"' "$(cat "$RUN/restore.err")"
is 'without a superuser' 'no extension, 3 users, 0 grants' "$(rows restore_to)"
fresh restore_to 'OWNER full_owner'
sql_in restore_to 'CREATE EXTENSION pg_migrations'
PGUSER=full_owner "$BIN/psql" -X -q -d restore_to <"$RUN/restore.sql" >/dev/null 2>"$RUN/restore.err" || true
is 'installed before' '0 0 0 0 0, 3 users, 0 grants' "$(rows restore_to)"
has 'why' 'permission denied for schema migrations' "$(cat "$RUN/restore.err")"
fresh restore_to 'OWNER full_owner'
sql_in restore_to 'CREATE EXTENSION pg_migrations;
    GRANT USAGE ON SCHEMA migrations TO full_owner;
    GRANT INSERT ON ALL TABLES IN SCHEMA migrations TO full_owner;
    GRANT UPDATE ON ALL SEQUENCES IN SCHEMA migrations TO full_owner'
PGUSER=full_owner "$BIN/psql" -X -q -d restore_to <"$RUN/restore.sql" >/dev/null 2>"$RUN/restore.err" || true
is 'installed before, with rights to insert' '6 12 5 26 9, 3 users, 0 grants' "$(rows restore_to)"
is 'what a plain user cannot' 0 "$(grep ERROR "$RUN/restore.err" | grep -cvE 'must be member of role|must be able to SET ROLE|must be owner of extension|permission denied for function (apply_each|status|version)' || true)"
fresh restore_to 'OWNER full_owner'
sql_in restore_to 'CREATE EXTENSION pg_migrations;
    GRANT USAGE ON SCHEMA migrations TO full_owner;
    GRANT INSERT ON ALL TABLES IN SCHEMA migrations TO full_owner;
    GRANT UPDATE ON ALL SEQUENCES IN SCHEMA migrations TO full_owner'
PGUSER=full_owner "$BIN/pg_restore" -1 -x -O --no-comments --exit-on-error -d restore_to "$RUN/restore.custom"
is 'in one transaction' '6 12 5 26 9, 3 users, 0 grants' "$(rows restore_to)"
is 'the rows are the same' '' "$(diff <(picture restore_from | grep -v full_) <(picture restore_to | grep -v full_) || true)"

# Nor is a dump made without a superuser, unless it may read the record.
# shellcheck disable=SC2069
dump_as_owner() { PGUSER=full_owner "$BIN/pg_dump" restore_to "$@" 2>&1 >"$RUN/restore.owner"; }
has 'dumped by the owner' 'permission denied for (table|sequence)|may lack SELECT privilege' "$(dump_as_owner || true)"
is 'without the record' '' "$(dump_as_owner -N migrations)"
sql_in restore_to 'GRANT SELECT ON ALL TABLES IN SCHEMA migrations TO full_owner; GRANT SELECT ON ALL SEQUENCES IN SCHEMA migrations TO full_owner'
is 'with the right to read it' '' "$(dump_as_owner)"
fresh restore_aside_to
play restore_aside_to <"$RUN/restore.owner"
is 'all of it' '6 12 5 26 9, 3 users, 0 grants' "$(rows restore_aside_to)"

# The whole server, with its roles, to another one.
other=$RUN/restore.other
rm -rf "$other"
mkdir -p "$other"
if [ "$(id -u)" = 0 ]; then chown "$SERVER_USER" "$other"; fi
server initdb -D "$other/data" -U postgres -A trust -E UTF8 --no-locale --no-sync >/dev/null
server pg_ctl start -D "$other/data" -w -s -l "$other/log" -o "-c listen_addresses='' -c unix_socket_directories='$other' -c fsync=off"
trap 'server pg_ctl stop -D "$other/data" -m immediate -s >/dev/null 2>&1 || true' EXIT
mapfile -t without < <(sql_in postgres "SELECT '--exclude-database=\"' || datname || '\"' FROM pg_database WHERE datname NOT IN ('restore_from', 'postgres', 'template1', 'template0')")
"$BIN/pg_dumpall" "${without[@]}" >"$RUN/restore.all"
PGHOST=$other "$BIN/psql" -X -q -d postgres <"$RUN/restore.all" >/dev/null 2>"$RUN/restore.err" || true
is 'but for roles that are there' '' "$(grep ERROR "$RUN/restore.err" | grep -v 'role "postgres" already exists' || true)"
is 'pg_dumpall' '' "$(diff "$RUN/restore.picture" <(PGHOST=$other picture restore_from) || true)"
PGHOST=$other goes_on restore_from

# What DROP EXTENSION takes with it, and how to keep what is registered.
export PGDATABASE=restore_from
sql "CREATE TABLE kept AS SELECT p.name AS project, migrations.export_bundle(p.name) AS bundle FROM migrations.project p"
sql 'DROP EXTENSION pg_migrations'
is 'the changes stay, and their backups' '3 2' "$(sql 'SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM migrations_backup.users__default_002)' | tr '|' ' ')"
sql 'CREATE EXTENSION pg_migrations'
sql 'SELECT imported.* FROM kept, migrations.import_bundle(bundle) imported' >/dev/null 2>&1
is 'what was registered is back, as pending' '12 0' "$(sql 'SELECT (SELECT count(*) FROM migrations.migration), (SELECT count(*) FROM migrations.applied)' | tr '|' ' ')"
sql "SELECT FROM migrations.force('003')" >/dev/null
is 'force says what is applied' 003 "$(sql 'SELECT migrations.version()')"

# The guide, in a database that has come from a dump.
sql_in postgres 'CREATE DATABASE shop'
sql_in shop "CREATE EXTENSION pg_migrations; SELECT migrations.add('001', 'users', 'CREATE TABLE users (id int)');
    SELECT FROM migrations.apply(); SELECT migrations.add('002', 'posts', 'CREATE TABLE posts (id int)')" >/dev/null 2>&1
dump -Fc shop -f "$RUN/shop.dump"
sql_in postgres 'CREATE DATABASE shop_copy'
"$BIN/pg_restore" --exit-on-error -1 -d shop_copy "$RUN/shop.dump"
(export PGDATABASE=shop_copy; check_document "$ROOT/docs/dump-and-restore.md")
