# Sourced by the other tools: finds what building and testing needs, and installs what
# is missing. Sets ROOT, PG (major version), PG_CONFIG, and the environment of cargo-pgrx.
# A PG_CONFIG that is set already says which server to use.
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

ensure_packages() {
    local found
    if [ -n "${PG_CONFIG:-}" ]; then
        [ -x "$PG_CONFIG" ] || die "$PG_CONFIG is not a pg_config"
        PG=$("$PG_CONFIG" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
        versions | grep -q "^$PG " || die "PostgreSQL $PG is not supported (14 to 18 are)"
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
    cp "$ROOT/pgrx.toml" "$PGRX_HOME/config.toml"
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
