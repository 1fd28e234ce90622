# Sourced after setup.sh: the Python packages of python-packages.txt. They are unpacked into
# target/tools/python, in a folder for each list and version of Python, and stay there.
# shellcheck shell=bash

# Sets PYTHON_PACKAGES to the folder. Fails, with the reason as output, where there are none.
fetch_python_packages() {
    local list=$ROOT/tests/tools/python-packages.txt folder log=$CARGO_TARGET_DIR/tools/python.log
    mkdir -p "$CARGO_TARGET_DIR/tools"
    # shellcheck disable=SC2034
    if ! command -v python3 >/dev/null; then
        (PACKAGES="python3 python3-pip" && install_packages) >"$log" 2>&1 || { echo 'no python3, and it cannot be installed'; return 1; }
    fi
    folder=$CARGO_TARGET_DIR/tools/python/$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')-$(sha256sum "$list" | cut -c1-12)
    if [ ! -d "$folder" ]; then
        say "fetching the Python packages of tests"
        # shellcheck disable=SC2034
        if ! python3 -m pip --version >/dev/null 2>&1; then
            (PACKAGES="python3 python3-pip" && install_packages) >"$log" 2>&1 || { echo 'no pip, and it cannot be installed'; return 1; }
        fi
        rm -rf "$folder.new"
        PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
            --require-hashes --target "$folder.new" --requirement "$list" >"$log" 2>&1 ||
            { echo "cannot fetch the Python packages: $(grep -m 1 ERROR "$log")"; return 1; }
        mv "$folder.new" "$folder"
    fi
    PYTHON_PACKAGES=$folder
}
