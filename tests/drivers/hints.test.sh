# A HINT that is a statement is the call that was meant: it does what was asked, and no more.
new_database driver_hints
# 1 to 6: each has a table; 3 can't run inside a transaction, neither up nor down.
setup() {
    sql "DROP EXTENSION IF EXISTS pg_migrations; DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE EXTENSION pg_migrations;
        CREATE TABLE base (i int);
        SELECT migrations.add(n::text, 'm', format('CREATE TABLE m%s (); %s', n, CASE n WHEN 3 THEN 'CREATE INDEX CONCURRENTLY i3 ON base (i)' END),
            format('DROP TABLE m%s; %s', n, CASE n WHEN 3 THEN 'DROP INDEX CONCURRENTLY i3' END), project => 'it''s')
        FROM generate_series(1, 6) n" >/dev/null 2>&1
}
applied() { sql "SELECT coalesce(string_agg(version, ' ' ORDER BY version), '') FROM migrations.status('it''s') WHERE state = 'applied'"; }
# Runs a statement that fails, and pastes the statement that its HINT names.
paste() { # statement [which one]
    local out hint
    out=$(PGOPTIONS='-c client_min_messages=warning' error_of sql "$1")
    hint=$(sed -n 's/^HINT:  //p' <<<"$out" | grep -oE '(CALL|SELECT \* FROM) migrations\.[^;]*;' | sed -n "${2:-1}p")
    [ -n "$hint" ] || fail "$1: no statement in: $out"
    PGOPTIONS='-c client_min_messages=warning' sql "$hint" >/dev/null 2>"$RUN/hint.err" || fail "$1: $hint: $(cat "$RUN/hint.err")"
}
with() { # what is applied before, statement, what is applied after
    setup
    [ -z "$1" ] || sql "CALL migrations.apply_each('$1', 'it''s')" >/dev/null 2>&1
    paste "$2" "${4:-1}"
    is "$2" "$3" "$(applied)"
}
p="project => 'it''s'"
with '' "SELECT FROM migrations.apply('4', $p)" '1 2 3 4'
with '' "SELECT FROM migrations.apply($p)" '1 2 3 4 5 6'
with '' "SELECT FROM migrations.apply(only_version => '3', $p)" '3'
with '5' "SELECT FROM migrations.rollback(4, 'it''s')" '1'
with '4' "SELECT FROM migrations.rollback_to('2', 'it''s')" '1 2'
with '5' "SELECT FROM migrations.redo(3, 'it''s')" '1 2 3 4 5'
with '4' "SELECT FROM migrations.reset('it''s', 'it''s')" ''
# inside a transaction block
with '' "BEGIN; CALL migrations.apply_each('2', 'it''s')" '1 2'
with '2' "BEGIN; CALL migrations.rollback_each(1, 'it''s')" '1'
with '2' "BEGIN; CALL migrations.rollback_to_each('1', 'it''s')" '1'
with '2' "BEGIN; CALL migrations.redo_each(2, 'it''s')" '1 2'
with '2' "BEGIN; CALL migrations.reset_each('it''s', 'it''s')" ''
# confirm
with '2' "SELECT FROM migrations.reset('it''s')" ''
with '2' "CALL migrations.reset_each('it''s', confirm => 'x')" ''
# a version for a number
with '5' "SELECT FROM migrations.rollback('4', 'it''s')" '1 2 3 4'
with '6' "SELECT FROM migrations.rollback('3', 'it''s')" '1 2 3' 2
with '5' "CALL migrations.rollback_each('2', 'it''s')" '1 2'
with '5' "CALL migrations.rollback_each('2', 'it''s')" '1 2 3' 2
with '2' "SELECT FROM migrations.redo('1', 'it''s')" '1 2' 2
with '2' "CALL migrations.redo_each('2', 'it''s')" '1 2' 2
# a number for a version, or a name that doesn't say how it is meant
with '' "SELECT FROM migrations.apply(2, 'it''s')" '1 2'
with '' "SELECT FROM migrations.apply(version => '2', $p)" '2' 2

# marked as not transactional; errors that a commit avoids
setup
sql "SELECT migrations.add('1', 'marked', 'CREATE TABLE m1 ()', 'DROP TABLE m1', transactional => false, replace => true, $p)" >/dev/null
paste "SELECT FROM migrations.apply('2', 'it''s')"
is 'marked' '1 2' "$(applied)"
setup
sql "SELECT migrations.add('1', 'enum', 'CREATE TYPE e AS ENUM (''a'')', replace => true, $p), migrations.add('2', 'value', 'ALTER TYPE e ADD VALUE ''b''', replace => true, $p), migrations.add('3', 'use', 'CREATE TABLE m3 (e e DEFAULT ''b''); INSERT INTO m3 VALUES (DEFAULT)', replace => true, $p)" >/dev/null
sql "SELECT FROM migrations.apply('1', 'it''s')" >/dev/null 2>&1
paste "SELECT FROM migrations.apply('4', 'it''s')"
is 'enum' '1 2 3 4' "$(applied)"
# apply_all(): each project has a call of its own
setup
paste "SELECT FROM migrations.apply_all(ARRAY['it''s'])"
is 'apply_all' '1 2 3 4 5 6' "$(applied)"
# A half-run one: nothing else runs.
setup
sql "SELECT migrations.add('3', 'half', 'CREATE TABLE m3 (); CREATE INDEX CONCURRENTLY i3 ON base (i); SELECT 1/(SELECT count(*) FROM base)', 'SELECT 1', replace => true, $p)" >/dev/null
error_of sql "CALL migrations.apply_each('4', 'it''s')" >/dev/null
sql "INSERT INTO base VALUES (1)"
paste "SELECT FROM migrations.apply($p)"
is 'half run' '1 2 3' "$(applied)"

# What isn't ambiguous stays so: no argument, NULL, names, parameters of unknown type.
setup
sql "CALL migrations.apply_each('2', 'it''s')" >/dev/null 2>&1
q() { PGOPTIONS='-c client_min_messages=warning -c migrations.project=it\'"'"'s' sql "$1" 2>&1 || true; }
has 'NULL' 'argument "n" must not be null' "$(q 'SELECT FROM migrations.rollback(NULL)')"
has 'NULL, too' 'argument "n" must not be null' "$(q 'CALL migrations.rollback_each(NULL)')"
has 'a parameter' 'HINT:.* for a number of migrations: SELECT \* FROM migrations.rollback\(n => 1, ' "$(q "PREPARE r AS SELECT FROM migrations.rollback(\$1); EXECUTE r('1')")"
is 'a parameter with the name' 2 "$(q "PREPARE r AS SELECT version FROM migrations.rollback(n => \$1); EXECUTE r('1')")"
is 'a NULL target' 2 "$(q "SELECT version FROM migrations.apply(NULL, NULL, '2')")"
is 'no argument' 2 "$(q 'SELECT version FROM migrations.rollback()')"
is 'none again' '1' "$(q 'SELECT version FROM migrations.rollback()')"
is 'a parameter of apply()' '1' "$(q "PREPARE a AS SELECT version FROM migrations.apply(\$1); EXECUTE a('1')")"
is 'varchar' '2' "$(q "SELECT version FROM migrations.apply('2'::varchar)")"
is 'redo' '2 2' "$(q "SELECT string_agg(version, ' ') FROM migrations.redo()")"
has 'status of a version' "HINT:  It looks like a version. Of a version: SELECT \* FROM migrations.status\(\) WHERE version = '003';" "$(q "SELECT * FROM migrations.status('003')")"
