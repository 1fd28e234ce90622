# Attack: the owner of our tables creates a rule on them that discards what is written, in a
# transaction that is rolled back. It must fail: while the rule exists, each call reports it and
# blames no migration. After the rollback the same session works as before.

new_database security_rolled_back_rule
out=$RUN/rules.out

{
    echo '\set VERBOSITY verbose'
    echo "SELECT migrations.add('001', 'one', 'SELECT 1', 'SELECT -1');"
    echo "SELECT version FROM migrations.apply();"
    for table in project migration applied event unfinished journal; do
        for command in INSERT UPDATE DELETE; do
            # Plans that are kept from before, and plans that are made under the rule.
            for fresh in '' '\c -'; do
                echo "$fresh"
                echo "\\echo # $command on $table"
                echo "BEGIN; CREATE RULE replaced AS ON $command TO migrations.$table DO INSTEAD NOTHING;"
                for call in "migrations.add('002', 'two', 'SELECT 2', 'SELECT -2')" "migrations.apply()" "migrations.rollback()" \
                    "migrations.remove('001')" "migrations.mark_pending('001')" "migrations.set_project(out_of_order => 'allow')" \
                    "migrations.set_variable('x', '1')" "migrations.accept_changes('001')" "migrations.accept_all_changes(confirm => 1)"; do
                    echo "SAVEPOINT s; SELECT FROM $call; ROLLBACK TO s;"
                done
                echo 'ROLLBACK;'
                echo '\echo # without'
                echo "SELECT migrations.add('002', 'two', 'SELECT 2', 'SELECT -2');"
                echo "SELECT version FROM migrations.apply();"
                echo "CALL migrations.apply_each();"
                echo "SELECT version FROM migrations.rollback(2);"
                echo "SELECT migrations.remove('002');"
                echo "SELECT version FROM migrations.mark_applied('001');"
                echo "SELECT migrations.set_variable('x', '1');"
            done
        done
    done
} >"$RUN/rules.sql"
"$BIN/psql" -X -q -A -t -f "$RUN/rules.sql" >"$out" 2>&1 || true
is 'all were tried' 36 "$(grep -c '^# without' "$out")"
bad=$(awk '/^# / {on = /without/; of = on ? of : $0} on && /ERROR/ {print of ": " $0}' "$out" | head -5)
is 'nothing is wrong when the rule is gone' '' "$bad"
for never in 'interfered' 'is gone' 'XX000' 'SQL statement' 'INSERT INTO' '\.rs\b'; do
    lacks 'no migration is blamed, nothing of ours shown' "$never" "$(cat "$out")"
done
has 'it is said' 'ERROR:  55000' "$(cat "$out")"
