# The assertions fail when they should, and say what was expected, what came, where and which SQL.
new_database driver_helpers
says() { # what pattern command…
    local out code=0
    out=$(exec {REPORT}>&1; "${@:3}" 2>&1) || code=$?
    is "$1: the exit code" 1 "$code"
    has "$1: what it says" "$2" "$out"
    has "$1: where" '^tests/drivers/helpers.test.sh:[0-9]+: assertion failed: x' "$out"
}
empty_of_failed() { is 'x' '' "$(sql 'SELECT 1/0')"; }
empty_of_failed_in() { is 'x' '' "$(sql_in nowhere 'SELECT 1')"; }
lacks_of_failed() { lacks 'x' 'y' "$(sql 'SELECT 1/0' 2>/dev/null | grep -v failed)"; }
has_of_failed() { has 'x' '^$' "$(sql 'SELECT 1/0' 2>/dev/null)"; }
differs() { is 'x' '1' "$(sql 'SELECT 2')"; }
says 'empty of failed' '^actual:   «\(failed\)»$' empty_of_failed
says 'empty of failed in another' '^actual:   «\(failed\)»$' empty_of_failed_in
says 'lacks of failed' '^expected: «a text without y»$' lacks_of_failed
says 'has of failed' '^expected: «a line like \^\$»$' has_of_failed
says 'is: expected' '^expected: «1»$' differs
says 'is: actual' '^actual:   «2»$' differs
says 'is: the SQL' '^last SQL: SELECT 2$' differs
says 'is: the way' '^called from tests/drivers/helpers.test.sh:[0-9]+$' differs
says 'lines' '^< b$' is 'x' $'a\nb' $'a\nc'
says 'lacks' '^expected: «no line like b»$' lacks 'x' b abc
says 'is_not' '^actual:   «a»$' is_not 'x' a a
says 'at_least' '^expected: «at least 3»$' at_least 'x' 3 2
says 'at_most' '^actual:   «4»$' at_most 'x' 3 4

succeeds() { out=$(error_of sql 'SELECT 3'); }
has 'error_of' '^actual:   «3»$' "$( (exec {REPORT}>&1; succeeds) 2>&1 || true)"
is 'what error_of prints' 'ERROR:  division by zero' "$(error_of sql 'SELECT 1/0' | head -n 1)"
is 'nothing' '' "$(sql 'SELECT WHERE false')"
is 'the exit code' 1 "$(sql 'SELECT 1/0' >/dev/null 2>&1; echo $?)"

# A command that fails outside of all assertions is named.
{
    echo 'inner() { [ 1 = 2 ]; true; }'
    echo 'inner >/dev/null'
} >"$RUN/helpers.sh"
out=$(bash -euo pipefail -c "source '$ROOT/tests/drivers/lib.sh'; source '$RUN/helpers.sh'" 2>&1) && fail 'a bare condition passes'
has 'a bare condition' "^$RUN/helpers.sh:1: this ended with 1: \[ 1 = 2 \]\$" "$out"
has 'and who called it' "^called from $RUN/helpers.sh:2\$" "$out"
