# Sourced before each driver: asserts, and psql against a database of the driver's own.
# shellcheck shell=bash

# Makes the driver's database, with the extension.
new_database() {
    export PGDATABASE=$1
    sql_in postgres "CREATE DATABASE $1" >/dev/null
    sql 'CREATE EXTENSION pg_migrations' >/dev/null
}

sql() { "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -c "$1"; }
sql_in() { "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -d "$1" -c "$2"; }

# What the server has logged since mark_log.
mark_log() { LOG_MARK=$(wc -c <"$RUN/server.log"); }
log_since() { tail -c "+$((LOG_MARK + 1))" "$RUN/server.log"; }

fail() { echo "assertion failed: $*"; exit 1; }

# Counts a part of the test as skipped, for something that the server lacks.
skip() { # why
    echo "$*" >>"$RUN/skipped"
}

is() { # what expected got
    [ "$2" = "$3" ] || fail "$1: expected «$2», got «$3»"
}

has() { # what pattern text
    grep -qE -- "$2" <<<"$3" || fail "$1: no «$2» in: $3"
}

lacks() { # what pattern text
    ! grep -qE -- "$2" <<<"$3" || fail "$1: «$2» in: $3"
}

# Registers all files of a folder, as the loader does.
load_folder() { # folder [project]
    PATH=$BIN:$PATH sh "$ROOT/pg_migrations.sh" load "$1" ${2:+-p "$2"} >/dev/null
}

# The database as it is but for the extension, in SQL. pg_dump prints a random key around
# its output since some minor release.
dump_schema() { "$BIN/pg_dump" --schema-only "$@" | grep -v '^.\(un\)\?restrict '; }

# The SQL that a document shows.
sql_blocks() { # file
    awk '/^```sql$/ {on = 1; next} /^```$/ {on = 0} on' "$1"
}

# Runs the SQL of a document, block by block, in the order that it has there. A block that
# says "sql error" has to fail, the others must not. Prints all that they give.
run_document() { # file
    local block=0 kind
    mkdir -p "$RUN/document"
    rm -f "$RUN/document/"*
    awk -v folder="$RUN/document" '
        /^```sql( error)?$/ {n++; file = sprintf("%s/%03d%s", folder, n, /error/ ? ".error" : ".sql"); next}
        /^```$/ {file = ""}
        file {print >file}' "$1"
    for block in "$RUN/document/"*; do
        kind=${block##*.}
        if "$BIN/psql" -X -e -v ON_ERROR_STOP=1 -f "$block" 2>&1; then
            [ "$kind" = sql ] || fail "a block of $1 should fail: $(cat "$block")"
        else
            [ "$kind" = error ] || fail "a block of $1 fails: $(cat "$block")"
        fi
    done
}

# Waits, for ten seconds at most, until a query gives t.
wait_for() {
    local n
    for n in $(seq 200); do
        [ "$(sql "$1")" = t ] && return
        sleep 0.05
    done
    fail "waited in vain for: $1"
}

# Runs a function, in databases of its own, while the test goes on.
meanwhile() { # function
    "$1" >"$RUN/meanwhile.log" 2>&1 &
    MEANWHILE=$!
    trap 'wait; cat "$RUN/meanwhile.log"' EXIT
}
join_meanwhile() { wait "$MEANWHILE" || fail 'in what ran meanwhile, see below'; }

# Runs a program as whom the servers run: they, and others, refuse to be root's.
unprivileged() {
    if [ "$(id -u)" = 0 ]; then
        (cd "$RUN" && runuser -u "$SERVER_USER" -- "$@")
    else
        (cd "$RUN" && "$@")
    fi
}

# A further cluster, in $RUN/NAME, for what needs another configuration or is to be killed;
# psql reaches it with PGHOST=$RUN/NAME. A driver that makes one stops it: stop_clusters.
CLUSTERS=()
new_cluster() { # name [line of postgresql.conf]…
    local line
    mkdir "$RUN/$1"
    if [ "$(id -u)" = 0 ]; then chown "$SERVER_USER" "$RUN/$1"; fi
    server initdb -D "$RUN/$1/data" -U postgres -A trust -E UTF8 --no-locale --no-sync >/dev/null
    for line in "listen_addresses = ''" 'fsync = off' "log_line_prefix = '%m [%p] %d '" "${@:2}"; do
        echo "$line" >>"$RUN/$1/data/postgresql.conf"
    done
    start_new_cluster "$1"
}
start_new_cluster() { # name
    echo "unix_socket_directories = '$RUN/$1'" >>"$RUN/$1/data/postgresql.conf"
    CLUSTERS+=("$1")
    server pg_ctl start -D "$RUN/$1/data" -w -s -l "$RUN/$1/log" || { cat "$RUN/$1/log"; fail "$1 did not start"; }
}
stop_clusters() {
    local name
    for name in "${CLUSTERS[@]}"; do
        server pg_ctl stop -D "$RUN/$name/data" -m immediate -s >/dev/null 2>&1 || true
    done
}

# Runs the SQL of a guide: its blocks of the language sql, as one script in one session.
run_guide() { # file
    local out
    sql_blocks "$1" >"$RUN/guide.sql"
    grep -q ';' "$RUN/guide.sql" || fail "$1 shows no SQL"
    out=$("$BIN/psql" -X -e -v ON_ERROR_STOP=1 -f "$RUN/guide.sql" 2>&1) || fail "$out"
    echo "$out"
}
