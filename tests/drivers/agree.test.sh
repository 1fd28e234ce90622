# Calls at random, of all that changes the registry or what is applied. After each of them what
# apply() would do, the plan and the status agree.
STEPS=${STEPS:-400}
SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}
echo "SEED=$SEED STEPS=$STEPS"
RANDOM=$SEED
new_database driver_agree
sql "$(cat "$ROOT/tests/drivers/agree.sql")" >/dev/null
sql "CREATE TABLE base (v int); INSERT INTO base VALUES (1), (1); CREATE TABLE other (v int)
" >/dev/null

# A text that runs, fails, or stops halfway. (Not printed: in a subshell the random numbers would
# not follow from the seed.)
text() {
    local object=o_$RANDOM
    case $((RANDOM % 9)) in
    0) TEXT="SELECT 1 / 0" ;;
    1) TEXT="CREATE INDEX CONCURRENTLY ON base (v); SELECT $RANDOM; SELECT 1 / (SELECT count(*) FROM other)" ;;
    2) TEXT="VACUUM other; SELECT 1 / (SELECT count(*) FROM other)" ;;
    3) TEXT="CREATE INDEX CONCURRENTLY ON base ((v + $RANDOM))" ;;
    4) TEXT="DROP TABLE IF EXISTS $object; VACUUM other" ;;
    *) TEXT="CREATE TABLE IF NOT EXISTS $object ()" ;;
    esac
}
options=("" "" "" "" ", precondition => 'SELECT false', on_fail => 'skip'" ", precondition => 'SELECT false', on_fail => 'mark'" ", requires => ARRAY['3']" ", requires => ARRAY['extension:nowhere']" ", transactional => false")
moments=(changed changed before after)
statement() {
    local version=$((RANDOM % 6 + 1)) up down
    text && up=$TEXT
    text && down=$TEXT
    case $((RANDOM % 32)) in
    [0-4]) CALL="SELECT migrations.add('$version', 'm', \$_\$$up\$_\$, \$_\$$down\$_\$${options[RANDOM % 9]});" ;;
    5) CALL="SELECT migrations.add('$version', 'm', \$_\$$up\$_\$, \$_\$$down\$_\$, replace => true);" ;;
    6) CALL="SELECT migrations.add_repeatable('r$((RANDOM % 2))', \$_\$$up\$_\$, moment => '${moments[RANDOM % 4]}');" ;;
    7) CALL="SELECT migrations.remove('$version');" ;;
    8) CALL="SELECT migrations.remove_repeatable('r$((RANDOM % 2))');" ;;
    9) CALL="SELECT count(*) FROM migrations.apply();" ;;
    10) CALL="SELECT count(*) FROM migrations.apply('$version');" ;;
    11) CALL="SELECT count(*) FROM migrations.apply(only_version => '$version');" ;;
    12) CALL="SELECT count(*) FROM migrations.apply_all();" ;;
    1[3-6]) CALL="CALL migrations.apply_each();" ;;
    17) CALL="CALL migrations.apply_each(only_version => '$version');" ;;
    18) CALL="SELECT count(*) FROM migrations.rollback(1);" ;;
    19 | 20) CALL="CALL migrations.rollback_each($((RANDOM % 3 + 1)));" ;;
    21) CALL="SELECT count(*) FROM migrations.redo();" ;;
    22) CALL="SELECT count(*) FROM migrations.reset('default', 'default');" ;;
    23) CALL="SELECT count(*) FROM migrations.mark_applied('$version');" ;;
    24) CALL="SELECT count(*) FROM migrations.mark_pending('$version');" ;;
    25) CALL="SELECT count(*) FROM migrations.mark_pending('r0');" ;;
    26) CALL="SELECT count(*) FROM migrations.force('$version');" ;;
    27) CALL="SELECT count(*) FROM migrations.baseline('$version');" ;;
    28) CALL="SELECT count(*) FROM migrations.accept_changes('$version');" ;;
    29) CALL="SELECT count(*) FROM migrations.accept_all_changes(confirm => (SELECT count(*)::int FROM migrations.status() WHERE state = 'modified'));" ;;
    30) CALL="INSERT INTO other VALUES (1);" ;;
    *) CALL="TRUNCATE other;" ;;
    esac
}
{
    echo "SELECT FROM migrations.set_project(out_of_order => 'allow');"
    # (One is half run in any case.)
    echo "SELECT migrations.add('3', 'm', 'VACUUM other; SELECT 1 / (SELECT count(*) FROM other)', 'VACUUM other; SELECT 1 / 0');"
    echo 'CALL migrations.apply_each();'
    echo 'SELECT count(*) FROM migrations.apply();'
    for n in $(seq "$STEPS"); do
        [ $((n % 50)) != 25 ] || echo "SELECT FROM migrations.set_project(out_of_order => 'error');"
        [ $((n % 50)) != 0 ] || echo "SELECT FROM migrations.set_project(out_of_order => 'allow');"
        statement
        echo "$CALL"
        echo "SELECT 'DISAGREE after ' || \$call\$$CALL\$call\$ || ' ' || d FROM disagreement() d WHERE d IS NOT NULL;"
    done
    # Whatever it has come to, there is a way out of it.
    echo "SELECT 'LEFT ' || count(*) FROM migrations.journal;"
} >"$RUN/agree.sql"
out=$(PGOPTIONS='-c client_min_messages=error' "$BIN/psql" -X -q -A -t -a -f "$RUN/agree.sql" 2>&1 || true)
echo "$out" >"${AGREE_OUT:-$RUN/agree.out}"
lacks 'an internal error' 'XX000|server closed|internal' "$out"
is "all agree (SEED=$SEED)" '' "$(grep '^DISAGREE' <<<"$out" || true)"
has 'some were half run' 'is half run' "$out"
has 'it came to its end' '^LEFT' "$out"
