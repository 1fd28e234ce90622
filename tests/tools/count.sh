# Sourced by what runs tests: counts them. ONLY holds the names of those that are wanted,
# between spaces; two spaces are all.
# shellcheck shell=bash
PASSED=0
FAILED=0
SKIPPED=0

total() {
    echo
    [ "$SKIPPED" = 0 ] || echo "${1:-}$SKIPPED skipped"
    echo "${1:-}$PASSED passed, $FAILED failed"
    [ "$FAILED" = 0 ] && [ "$PASSED" -gt 0 ]
}

wanted() { [ "$ONLY" = "  " ] || [[ $ONLY == *" $1 "* ]]; }

# Runs one test, a command, and counts it. Its output is shown if it fails.
run_test() { # kind name command…
    wanted "$2" || return 0
    local started=$EPOCHREALTIME why
    : >"$RUN/skipped"
    if "${@:3}" >"$RUN/output.log" 2>&1; then
        PASSED=$((PASSED + 1))
        printf 'ok      %-10s %-28s %6d ms\n' "$1" "$2" "$(((${EPOCHREALTIME/./} - ${started/./}) / 1000))"
    else
        FAILED=$((FAILED + 1))
        printf 'FAILED  %-10s %s\n' "$1" "$2"
        sed 's/^/    /' "$RUN/output.log"
    fi
    while read -r why; do
        SKIPPED=$((SKIPPED + 1))
        printf 'skipped %-10s %-28s %s\n' "$1" "$2" "$why"
    done <"$RUN/skipped"
}

driver() { # file
    export -f server
    (cd "$RUN" && RUN=$RUN BIN=$BIN ROOT=$ROOT bash -euo pipefail -c "source '$ROOT/tests/drivers/lib.sh'; source '$1'")
}

# A driver that is written in Python: all tests of the file count as one.
python_driver() { # file
    local why
    why=$(fetch_python_packages) || { echo "$why" >>"$RUN/skipped"; return 0; }
    fetch_python_packages
    (cd "$ROOT" && RUN=$RUN BIN=$BIN ROOT=$ROOT PYTHONPATH=$PYTHON_PACKAGES PYTHONDONTWRITEBYTECODE=1 PYTHONNOUSERSITE=1 \
        PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python3 -m pytest -q --no-header --tb=short -rN -o verbosity_assertions=2 -p no:cacheprovider --rootdir "$ROOT/tests" "$1")
}
