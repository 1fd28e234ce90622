# Sourced by tests that need more than the server: fetches Debian packages without root and
# without installing them. They are unpacked into target/tools/packages, and stay there.
# shellcheck shell=bash

# Prints the folder that the packages are unpacked in. Fails, with the reason as output,
# where there are no such packages.
fetch_packages() { # name package…
    local folder=$CARGO_TARGET_DIR/tools/packages/$1 new file
    local apt=(apt-get -q)
    [ ! -e "$folder/.complete" ] || { echo "$folder"; return; }
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || { echo 'no apt-get here'; return 1; }
    # (Without lists, apt does not even know itself.)
    if apt-cache show apt >/dev/null 2>&1 && ! apt-cache show "${@:2}" >/dev/null 2>&1; then
        echo "this distribution has no ${*:2}"
        return 1
    fi
    new=$(mktemp -d)
    if ! (cd "$new" && "${apt[@]}" download "${@:2}") >"$new/log" 2>&1; then
        # Perhaps the package lists are missing; those that we fetch are our own.
        mkdir -p "$new/apt/lists/partial" "$new/apt/archives/partial"
        apt+=(-o "Dir::State::Lists=$new/apt/lists" -o "Dir::Cache=$new/apt")
        if ! { "${apt[@]}" update && (cd "$new" && "${apt[@]}" download "${@:2}"); } >"$new/log" 2>&1; then
            echo "cannot fetch ${*:2}: $(grep -m 1 '^E:' "$new/log")"
            rm -rf "$new"
            return 1
        fi
    fi
    rm -rf "$folder" "$new/apt"
    mkdir -p "$folder"
    for file in "$new"/*.deb; do dpkg -x "$file" "$folder"; done
    rm -rf "$new"
    # Whoever the server runs as reads it, too.
    chmod -R go+rX "$folder"
    touch "$folder/.complete"
    echo "$folder"
}
