# Sourced by tests of what must survive (a dump, an upgrade): makes a database with a migration in
# every state and everything else that the extension stores, and prints its contents.
# shellcheck shell=bash

each() { PGOPTIONS='-c client_min_messages=warning' sql "CALL migrations.apply_each(project => '$1')" 2>&1 || true; }

# A database with several projects: applied, marked, failed, begun, interrupted and pending
# migrations, a repeatable one, settings, variables, a backup, grants.
make_full_database() { # database
    new_database "$1"
    sql "DO \$\$ BEGIN CREATE ROLE full_deployer; EXCEPTION WHEN duplicate_object THEN NULL; END \$\$" 2>/dev/null
    sql "
    GRANT USAGE ON SCHEMA migrations TO full_deployer;
    GRANT EXECUTE ON FUNCTION migrations.status(text), migrations.version(text) TO full_deployer;
    GRANT EXECUTE ON PROCEDURE migrations.apply_each TO full_deployer;
    GRANT SELECT ON migrations.history TO full_deployer;
    SET client_min_messages = warning;
    CREATE SCHEMA billing;
    SELECT migrations.set_project('billing', search_path => 'billing, public', out_of_order => 'allow',
        settings => '{\"lock_timeout\": \"3s\"}', placeholders => '\${x}');
    SELECT migrations.set_variable('word', 'sécret', project => 'billing');
    SELECT migrations.add('001', 'invoices', 'CREATE TABLE invoices (id int, note text DEFAULT ''\${word}'')', 'DROP TABLE invoices', project => 'billing');
    SELECT FROM migrations.apply(project => 'billing');
    SELECT migrations.add('002', 'later', 'ALTER TABLE invoices ADD seen boolean', 'ALTER TABLE invoices DROP seen', project => 'billing',
        requires => ARRAY['001', 'default:002'], precondition => 'SELECT true', verify => 'SELECT true');
    SELECT migrations.add('001', 'users', E'CREATE TABLE users (id int PRIMARY KEY, name text);\nINSERT INTO users VALUES (1, ''Ä\\\\b''), (2, NULL)', 'DROP TABLE users');
    SELECT migrations.add('002', 'short names', 'SELECT migrations.keep(''users''); UPDATE users SET name = left(name, 1)', 'SELECT 1');
    SELECT migrations.add_repeatable('names', 'CREATE OR REPLACE VIEW names AS SELECT name FROM users');
    SELECT FROM migrations.apply();
    SELECT migrations.add('003', 'gone', 'SELECT 3', 'SELECT 4');
    SELECT FROM migrations.apply();
    SELECT FROM migrations.rollback(1);
    SELECT FROM migrations.mark_applied('003', reason => 'by hand');
    SELECT migrations.add('004', 'begun', 'CREATE INDEX CONCURRENTLY users_name ON users (name); INSERT INTO users VALUES (3, ''c''); SELECT count(*) / (SELECT count(*) FROM users WHERE id = 9) FROM users');
    SELECT migrations.add('1', 'fails', 'SELECT 1 / (SELECT count(*) FROM users WHERE id = 9)', project => 'failing');
    SELECT migrations.add('1', 'drops', 'CREATE TABLE d (v int); CREATE INDEX d_v ON d (v); DROP INDEX CONCURRENTLY d_v; SELECT 1 / (SELECT count(*) FROM users WHERE id = 9)', project => 'dropping');
    SELECT migrations.add('1', 'makes', 'CREATE TABLE m (v int); CREATE INDEX CONCURRENTLY m_v ON m (v); SELECT 1 / (SELECT count(*) FROM users WHERE id = 9)', project => 'making');
    SELECT migrations.add('1', 'block', 'SELECT 1; DO \$b\$BEGIN NULL; END\$b\$; SELECT 1 / (SELECT count(*) FROM users WHERE id = 9)', project => 'block', transactional => false);
    " >/dev/null
    local project
    for project in default failing dropping making block; do
        has "$project fails" 'division by zero' "$(each "$project")"
    done
    sql "SELECT migrations.add('005', 'pending', 'CREATE TABLE pending (id int)', 'DROP TABLE pending')" >/dev/null
    # Cut off between a statement's end, or before its work, and the note of it.
    sql "SET session_replication_role = replica;
    UPDATE migrations.journal SET is_done = false WHERE statement_no = 3 AND command LIKE 'DROP INDEX%';
    UPDATE migrations.journal SET is_done = false WHERE statement_no = 2 AND command LIKE 'CREATE INDEX%' AND index_name = 'm_v';
    UPDATE migrations.journal SET is_done = false WHERE statement_no = 2 AND may_commit;
    DELETE FROM migrations.unfinished WHERE project_id IN (SELECT project_id FROM migrations.journal WHERE NOT is_done);
    CREATE INDEX d_v ON d (v)"
    is 'begun' 3 "$(sql 'SELECT count(*) FROM migrations.journal WHERE NOT is_done')"
}

# All rows of the extension's tables, its sequences and rights, and what the calls show.
picture() { # database
    local query
    query=$("$BIN/psql" -X -q -A -t -d "$1" -c "
        SELECT format('SELECT %L, t::text FROM %s t ORDER BY id;', relname, oid::regclass) FROM pg_class
        WHERE relnamespace = 'migrations'::regnamespace AND relkind = 'r' ORDER BY relname")
    [ "$(wc -l <<<"$query")" -ge 6 ] || fail "no tables in $1"
    "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -d "$1" -c "$query" -c "
        SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'migrations' ORDER BY 1" -c "
        SELECT project, s.version, s.name, state, message, applied_by, checksum_ok, has_down
        FROM migrations.project p, migrations.status(p.name) WITH ORDINALITY s ORDER BY p.id, ordinality" -c "$RIGHTS"
}
# (The owner's own are as the server version has them.)
RIGHTS="
    SELECT pg_describe_object(classid, objid, 0), grantee::regrole, privilege_type, is_grantable
    FROM (SELECT 'pg_class'::regclass AS classid, oid AS objid, relacl AS acl, relowner AS owner FROM pg_class WHERE relnamespace = 'migrations'::regnamespace
          UNION ALL SELECT 'pg_proc'::regclass, oid, proacl, proowner FROM pg_proc WHERE pronamespace = 'migrations'::regnamespace
          UNION ALL SELECT 'pg_namespace'::regclass, oid, nspacl, nspowner FROM pg_namespace WHERE nspname = 'migrations') o,
        aclexplode(acl) WHERE grantee <> owner ORDER BY pg_describe_object(classid, objid, 0) COLLATE \"C\", 2, 3"

# Checks that a database which was restored or upgraded continues where it was.
goes_on() { # database
    local former=$PGDATABASE
    export PGDATABASE=$1
    is 'version' 003 "$(sql 'SELECT migrations.version()')"
    sql 'INSERT INTO users VALUES (9, NULL)'
    has 'begun goes on' '^2\|' "$(each default)"
    is 'each statement has run once' '1|1' "$(sql "SELECT (SELECT count(*) FROM users WHERE id = 3), (SELECT count(*) FROM pg_class WHERE relname = 'users_name')")"
    has 'a failed one' '^1\|' "$(each failing)"
    has 'an index that was to be dropped' '^1\|' "$(each dropping)"
    is 'is dropped' '' "$(sql "SELECT relname FROM pg_class WHERE relname = 'd_v'")"
    has 'an index that was made' '^1\|' "$(each making)"
    is 'is there' t "$(sql "SELECT indisvalid FROM pg_index WHERE indexrelid = 'm_v'::regclass")"
    has 'a block that was cut off' 'was interrupted' "$(each block)"
    sql "SELECT migrations.mark_statement_done('1', 'block')" >/dev/null
    has 'and then' '^1\|' "$(each block)"
    is 'settings and variables' 'sécret' "$(sql "SELECT FROM migrations.apply(project => 'billing'); INSERT INTO billing.invoices VALUES (1); SELECT note FROM billing.invoices WHERE seen IS NULL" 2>/dev/null | tail -1)"
    is rollback 005 "$(sql "SELECT version FROM migrations.rollback(1)" 2>/dev/null)"
    is 'no gaps in the history' 0 "$(sql 'SELECT count(*) FROM (SELECT seq - lag(seq) OVER (PARTITION BY project ORDER BY id) AS d FROM migrations.history) s WHERE d <> 1')"
    is 'nothing under way' '0|0' "$(sql 'SELECT (SELECT count(*) FROM migrations.journal), (SELECT count(*) FROM migrations.unfinished)')"
    is 'backup' 1 "$(sql "SELECT count(*) FROM migrations.backups WHERE copied_from = 'public.users' AND rows = 2")"
    is 'a deployer has what was granted' 004 "$(sql "SET ROLE full_deployer; SELECT migrations.version()")"
    has 'and no more' 'permission denied for function add' "$(sql "SET ROLE full_deployer; SELECT migrations.add('9', 'x', 'SELECT 1')" 2>&1 || true)"
    export PGDATABASE=$former
}
