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
