# The asserts of the tests fail when they should.
new_database driver_helpers
fails() { # what command...
    local what=$1
    shift
    ! ("$@") >"$RUN/helpers.out" 2>&1 || fail "$what passes"
}
empty_of_failed() { is 'x' '' "$(sql 'SELECT 1/0')"; }
empty_of_failed_in() { is 'x' '' "$(sql_in nowhere 'SELECT 1')"; }
lacks_of_failed() { lacks 'x' 'y' "$(sql 'SELECT 1/0' 2>/dev/null | grep -v failed)"; }
has_of_failed() { has 'x' '^$' "$(sql 'SELECT 1/0' 2>/dev/null)"; }
differs() { is 'x' '1' "$(sql 'SELECT 2')"; }
for case in empty_of_failed empty_of_failed_in lacks_of_failed has_of_failed differs; do
    fails "$case" "$case"
done
is 'nothing' '' "$(sql 'SELECT WHERE false')"
is 'the exit code' 1 "$(sql 'SELECT 1/0' >/dev/null 2>&1; echo $?)"
