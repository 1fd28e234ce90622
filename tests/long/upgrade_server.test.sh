# pg_upgrade, from each version of the server to the next: status, history, apply and
# rollback go on in a database with applied, pending, failed and begun migrations.
source "$ROOT/tests/drivers/full_database.sh"
for version in $MISSING; do skip "no PostgreSQL $version: pg_upgrade to and from it"; done

RUNNING=
stop() {
    [ -z "$RUNNING" ] || server pg_ctl stop -D "$RUNNING" -m fast -w -s
    RUNNING=
}
trap 'stop >/dev/null 2>&1 || true' EXIT
start() { # version
    RUNNING=$RUN/upgrade.$1
    server pg_ctl start -D "$RUNNING" -w -s -l "$RUN/upgrade.$1.log" -o "-c listen_addresses='' -c unix_socket_directories='$RUN' -c fsync=off"
}
use() { # version
    local variable=BIN_$1
    BIN=${!variable}
}
create() { # version
    local without=()
    # The default since 18, and both have to agree.
    [ "$1" -lt 18 ] || without=(--no-data-checksums)
    server initdb -D "$RUN/upgrade.$1" -U postgres -A trust -E UTF8 --no-locale --no-sync "${without[@]}" >/dev/null
}
# What a stepwise run leaves in a database that is thrown away afterwards.
goes_on_in_a_copy() {
    sql_in postgres 'CREATE DATABASE long_copy TEMPLATE long_upgrade'
    goes_on long_copy
    sql_in postgres 'DROP DATABASE long_copy'
}

# Debian's 15.20 marks each column of every table with an option of its own (pg_attver). The
# pg_dump of later versions writes it out, and their server refuses it, whatever is in the
# database. So that the rest can be tried, the marks are taken away, in this cluster; that
# such a server can't be upgraded as it is, is counted as skipped.
MARKS="attoptions::text LIKE '%pg_attver=%'"
without_marks() { # version it is, version it is to be
    sql_in postgres 'CREATE TABLE plain (id int)'
    if [ "$(sql_in postgres "SELECT count(*) FROM pg_attribute WHERE attrelid = 'plain'::regclass AND $MARKS")" != 0 ]; then
        skip "PostgreSQL $1 marks columns of any table with pg_attver, which $2 refuses: pg_upgrade of it as it is (tried without the marks)"
        sql_in long_upgrade "SET allow_system_table_mods = on; UPDATE pg_attribute SET attoptions = NULL WHERE $MARKS"
    fi
    sql_in postgres 'DROP TABLE plain'
}

export PGHOST=$RUN
read -r old rest <<<"$VERSIONS"
use "$old"
create "$old"
start "$old"
make_full_database long_upgrade
goes_on_in_a_copy
[ -n "$rest" ] || skip "only PostgreSQL $old: pg_upgrade"
for new in $rest; do
    without_marks "$old" "$new"
    picture long_upgrade >"$RUN/long.picture"
    stop
    former=$BIN
    use "$new"
    if [ ! -x "$BIN/pg_upgrade" ]; then
        skip "PostgreSQL $new lacks pg_upgrade"
        use "$old"
        start "$old"
        continue
    fi
    create "$new"
    server pg_upgrade -b "$former" -B "$BIN" -d "$RUN/upgrade.$old" -D "$RUN/upgrade.$new" -U postgres -s "$RUN" >"$RUN/pg_upgrade.log" 2>&1 ||
        { cat "$RUN/pg_upgrade.log"; tail -n 40 "$RUN/upgrade.$new"/pg_upgrade_output.d/*/log/pg_upgrade_dump_*.log 2>/dev/null; fail "pg_upgrade from $old to $new"; }
    start "$new"
    is "$new runs" "$new" "$(sql_in postgres 'SHOW server_version_num' | cut -c1-2)"
    is "$old to $new" '' "$(diff "$RUN/long.picture" <(picture long_upgrade) || true)"
    goes_on_in_a_copy
    # And a little happens on this version, for the next one to bring over.
    export PGDATABASE=long_upgrade
    sql "SELECT migrations.add('1', 'of $new', 'CREATE TABLE of_$new ()', 'DROP TABLE of_$new', project => 'of_$new')" >/dev/null
    is "apply on $new" 1 "$(sql "SELECT version FROM migrations.apply(project => 'of_$new')")"
    is "rollback on $new" 1 "$(sql "SELECT version FROM migrations.rollback(1, 'of_$new')")"
    is "history on $new" 'add,apply,rollback' "$(sql "SELECT string_agg(action, ',' ORDER BY seq) FROM migrations.history WHERE project = 'of_$new'")"
    is "state on $new" pending "$(sql "SELECT state FROM migrations.status('of_$new')")"
    old=$new
done
