# Sourced before each driver: asserts, and psql against a database of the driver's own.
# shellcheck shell=bash

# Makes the driver's database, with the extension.
new_database() {
    export PGDATABASE=$1
    sql_in postgres "CREATE DATABASE $1" >/dev/null
    sql 'CREATE EXTENSION pg_migrations' >/dev/null
}

# What fails says so in its output: within $(...), where nobody sees its exit code, it would
# pass for one that gives nothing.
sql() { run_sql "$PGDATABASE" "$1"; }
sql_in() { run_sql "$1" "$2"; }
run_sql() { # database SQL
    printf '%s' "$2" >"$RUN/last.sql"
    "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -d "$1" -c "$2" || failed
}
failed() {
    local code=$?
    echo '(failed)'
    return $code
}

# Runs a command that has to fail, and prints what it said.
error_of() { # command…
    local out
    if out=$("$@" 2>&1); then fail "expected an error of: $*" 'an error' "${out:-success, and no output}"; fi
    printf '%s\n' "$out"
}

# What the server has logged since mark_log.
mark_log() { LOG_MARK=$(wc -c <"$RUN/server.log"); }
log_since() { tail -c "+$((LOG_MARK + 1))" "$RUN/server.log"; }

# Reports of failures go to the output of the test, also from within $(...) and >/dev/null.
exec {REPORT}>&2

# Ends the test with what was expected, what came, the last SQL, and the lines that led here.
fail() { # what [expected actual]
    {
        echo "$(frames | head -n 1): assertion failed: $1"
        if [ $# = 3 ]; then
            printf '%s\n' "expected: «$2»" "actual:   «$3»"
            if [[ $2 == *$'\n'* && $3 == *$'\n'* ]]; then diff <(echo "$2") <(echo "$3") || true; fi
        fi
        led_here
    } >&"$REPORT" 2>&1
    exit 1
}

# The lines of tests, not of this file, that the stack holds; the innermost first.
frames() {
    local n
    for ((n = 1; n < ${#BASH_SOURCE[@]}; n++)); do
        [[ ${BASH_SOURCE[n]:-} != *.sh || ${BASH_SOURCE[n]} == */lib.sh ]] || echo "${BASH_SOURCE[n]#"$ROOT/"}:${BASH_LINENO[n - 1]}"
    done
}
led_here() {
    frames | sed '1d; s/^/called from /'
    [ ! -s "$RUN/last.sql" ] || printf 'last SQL: %s\n' "$(head -c 2000 "$RUN/last.sql")"
}

# A command outside of any assertion that fails ends the test (set -e). Without this, nobody
# would know which one. (Within $(...) the output is part of a text that is compared.)
set -E
SUBSHELLS=0
trap 'code=$?; [ "$BASH_SUBSHELL" != "$SUBSHELLS" ] || unexpected "$code" "$BASH_COMMAND"' ERR
unexpected() { # exit code, command
    {
        echo "$(frames | head -n 1): this ended with $1: $2"
        led_here
    } >&"$REPORT" 2>&1
}

# Counts a part of the test as skipped, for something that the server lacks.
skip() { # why
    echo "$*" >>"$RUN/skipped"
}

is() { # what expected actual
    [ "$2" = "$3" ] || fail "$1" "$2" "$3"
}

is_not() { # what other actual
    [ "$2" != "$3" ] || fail "$1" "another text than the following" "$3"
}

has() { # what pattern text
    grep -qE -- "$2" <<<"$3" || fail "$1" "a line like $2" "$3"
}

lacks() { # what pattern text
    [ -n "$3" ] || fail "$1" "a text without $2" 'no text, which lacks everything'
    ! grep -qE -- "$2" <<<"$3" || fail "$1" "no line like $2" "$3"
}

at_least() { # what number actual
    [ "$3" -ge "$2" ] || fail "$1" "at least $2" "$3"
}
at_most() { # what number actual
    [ "$3" -le "$2" ] || fail "$1" "at most $2" "$3"
}

# Registers all files of a folder, as the loader does.
load_folder() { # folder [project]
    PATH=$BIN:$PATH sh "$ROOT/pg_migrations.sh" load "$1" ${2:+-p "$2"} >/dev/null
}

# The database as it is but for the extension, in SQL. pg_dump prints a random key around
# its output since some minor release.
dump_schema() { "$BIN/pg_dump" --schema-only "$@" | grep -v '^.\(un\)\?restrict '; }

# Runs the SQL that a document shows, in one session from its top to its end. Of a block that
# says "sql error" each statement may fail, the others must not. All that it gives is
# compared with tests/documents, but for what is different each time.
check_document() { # file [name [what else to leave out, for sed]]
    local name out=$CARGO_TARGET_DIR/results/documents
    name=${2:-$(basename "$1" .md)}
    awk '/^```sql error$/ {print "\\set ON_ERROR_STOP off"; on = 2; next}
        /^```sql$/ {on = 1; next}
        /^```sql / {print "\\echo what is this block?"; exit}
        /^```$/ {if (on == 2) print "\\set ON_ERROR_STOP on"; on = 0}
        on' "$1" >"$RUN/document.sql"
    mkdir -p "$out"
    "$BIN/psql" -X -e -v ON_ERROR_STOP=1 -f "$RUN/document.sql" >"$RUN/document.out" 2>&1 || fail "$1: $(cat "$RUN/document.out")"
    sed -E -e 's/^psql:[^ ]*: //' -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]+[-+][0-9]{2}/TIME/g' \
        -e 's/[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}/UUID/g' -e 's/[0-9]+\.[0-9]+ ms/N ms/g' \
        -e 's/[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?/DURATION/g' -e 's/[0-9]+ kB/N kB/g' \
        -e 's/-{3,}/---/g' -e 's/ +/ /g' -e 's/ $//' -e "${3:-}" "$RUN/document.out" >"$out/$name.out"
    diff -u "$ROOT/tests/documents/$name.out" "$out/$name.out" || fail "$1 gives something else (copy target/results/documents to tests/documents if it is right)"
}

# Tries a command, for ten seconds at least, until it succeeds.
eventually() { # command...
    in_time "$@" || fail "waited in vain for: $*"
}
in_time() { # command...
    local n
    for n in $(seq 200); do
        ! "$@" || return 0
        sleep 0.05
    done
    return 1
}
# Waits until a query gives t.
wait_for() { in_time holds "$1" || fail 'waited in vain' t "$(sql "$1")"; }
holds() { [ "$(sql "$1")" = t ]; }
# Waits until the server answers.
wait_for_server() { eventually answers; }
answers() { sql_in postgres 'SELECT 1' >/dev/null 2>&1; }

# Runs a function, in databases of its own, while the test goes on.
meanwhile() { # function
    { SUBSHELLS=1 && "$1"; } >"$RUN/meanwhile.log" 2>&1 &
    MEANWHILE=$!
    trap 'wait; cat "$RUN/meanwhile.log"' EXIT
}
join_meanwhile() { wait "$MEANWHILE" || fail 'what ran meanwhile has failed (its output is below)'; }

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

# How often the server has logged something.
logged() { grep -c "$1" "$RUN/server.log" || true; }
has_logged() { [ "$(logged "$1")" -gt "$2" ]; }
# Kills a session, and waits until the server has noticed: up to then it still takes
# connections, which the restart then cuts off. False: the session had ended.
kill_session() { # pid
    local killed ready n
    killed=$(logged 'terminated by signal 9') ready=$(logged 'ready to accept connections')
    kill -9 "$1" 2>/dev/null || return 1
    for n in $(seq 40); do
        if has_logged 'terminated by signal 9' "$killed"; then
            eventually has_logged 'ready to accept connections' "$ready"
            return
        fi
        sleep 0.05
    done
    return 1
}
