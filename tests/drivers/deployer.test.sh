# Who deploys isn't who owns the tables: the recipe of the README.
new_database driver_deployer
trap 'sql "DROP OWNED BY d_deployer, d_owner; DROP ROLE d_deployer, d_owner" >/dev/null' EXIT
sql "CREATE ROLE d_deployer LOGIN; GRANT USAGE ON SCHEMA migrations TO d_deployer;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA migrations TO d_deployer; GRANT SELECT ON migrations.history TO d_deployer;
CREATE ROLE d_owner; GRANT CREATE, USAGE ON SCHEMA public TO d_owner;
CREATE TABLE owned (id int); ALTER TABLE owned OWNER TO d_owner"
as_deployer() { PGUSER=d_deployer sql "$1" 2>&1; }
as_deployer "SELECT FROM migrations.add('1', 'one', 'ALTER TABLE owned ADD a int', 'ALTER TABLE owned DROP a');
SELECT FROM migrations.add('2', 'two', 'CREATE TABLE two (id int); CREATE INDEX CONCURRENTLY ON owned (a)', 'DROP TABLE two; DROP INDEX owned_a_idx');
SELECT FROM migrations.add('3', 'three', 'CREATE TABLE three ()', 'DROP TABLE three')" >/dev/null
has 'without it' 'must be owner of table owned' "$(as_deployer "SELECT FROM migrations.apply('1')" || true)"
sql 'GRANT d_owner TO d_deployer'
as_deployer "SELECT FROM migrations.set_project(settings => '{\"role\": \"d_owner\"}')" >/dev/null
is 'atomic' 1 "$(as_deployer "SELECT version FROM migrations.apply('1')" | grep -v NOTICE)"
as_deployer 'CALL migrations.apply_each()' >/dev/null
is 'owners' 'd_owner d_owner' "$(sql "SELECT string_agg(tableowner, ' ') FROM pg_tables WHERE tablename IN ('two', 'three')")"
as_deployer 'CALL migrations.rollback_each(2)' >/dev/null
as_deployer 'SELECT FROM migrations.rollback(1)' >/dev/null
as_deployer "SELECT FROM migrations.add('4', 'four', 'SELECT 1/0')" >/dev/null
has 'a failure' 'division by zero' "$(as_deployer "CALL migrations.apply_each(only_version => '4')" || true)"
is 'the record' 'add d_deployer d_deployer|apply d_deployer d_owner|rollback d_deployer d_owner|set_project d_deployer d_deployer' \
    "$(sql "SELECT string_agg(DISTINCT concat_ws(' ', action, session_role, effective_role), '|' ORDER BY concat_ws(' ', action, session_role, effective_role)) FROM migrations.history")"
is 'as itself again' d_deployer "$(as_deployer 'SELECT current_user')"
