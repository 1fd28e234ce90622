-- mark_applied, mark_pending, force, baseline, accept_changes, remove, adopt.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -
SELECT migrations.add(lpad(n::text, 3, '0'), 'table ' || n, format('CREATE TABLE t%s ()', n), format('DROP TABLE t%s', n))
FROM generate_series(1, 5) n;

-- a half-migrated database
CREATE TABLE t1 ();
SELECT version FROM migrations.apply();
SELECT * FROM migrations.mark_applied('1', reason => 'made by hand');
SELECT version FROM migrations.apply('003');
SELECT version, state, message FROM migrations.status();
-- it counts: its down runs
SELECT version FROM migrations.rollback(3);
SELECT version FROM migrations.apply();
SET client_min_messages = notice;
SELECT * FROM migrations.mark_applied('001');
SET client_min_messages = warning;

-- back to pending
DROP TABLE t5;
SELECT * FROM migrations.mark_pending('005', reason => 'dropped by hand');
SELECT version, state FROM migrations.status();
SET client_min_messages = notice;
SELECT * FROM migrations.mark_pending('005');
SET client_min_messages = warning;
SELECT version FROM migrations.apply();

-- force, as golang-migrate means it
SELECT * FROM migrations.force('2', reason => 'restored an old backup');
SELECT version, state FROM migrations.status();
SELECT * FROM migrations.force('004');
SET client_min_messages = notice;
SELECT * FROM migrations.force('004');
SET client_min_messages = warning;
SELECT migrations.version();
-- in an order that can be rolled back, whatever the versions are
SELECT migrations.add('001', 'a', 'SELECT 1', 'SELECT 1', project => 'turned', requires => '{2}');
SELECT migrations.add('002', 'b', 'SELECT 1', 'SELECT 1', project => 'turned');
SELECT version FROM migrations.force('002', 'turned');
SELECT version FROM migrations.rollback(2, 'turned');
SELECT version FROM migrations.apply(project => 'turned');
SELECT * FROM migrations.mark_pending('2', 'turned');

-- baseline: there before, never rolled back
SELECT migrations.add(lpad(n::text, 3, '0'), 'base ' || n, format('CREATE TABLE b%s ()', n), format('DROP TABLE b%s', n), project => 'base')
FROM generate_series(1, 4) n;
SELECT * FROM migrations.baseline('002', 'base', 'was there');
SELECT version FROM migrations.apply(project => 'base');
SELECT version, state, message FROM migrations.status('base');
SELECT version FROM migrations.rollback(3, 'base');
SELECT version FROM migrations.rollback_to('001', 'base');
SELECT version FROM migrations.reset('base', 'base');
SET client_min_messages = notice;
SELECT * FROM migrations.reset('base', 'base');
SELECT * FROM migrations.baseline('001', 'base');
SET client_min_messages = warning;
SELECT * FROM migrations.force('001', 'base');

-- changes of what is applied
SELECT migrations.add('001', 'renamed', 'CREATE TABLE t1 (/* the same */)', NULL, replace => true);
SELECT version, state FROM migrations.status() WHERE version = '001';
SELECT version FROM migrations.apply();
SELECT * FROM migrations.accept_changes('001', reason => 'a comment only');
SELECT version, name, state, has_down FROM migrations.status() WHERE version = '001';
SELECT version FROM migrations.reset(confirm => 'default');
-- a down that came later
SELECT migrations.add('001', 'renamed', 'CREATE TABLE t1 (/* the same */)', 'DROP TABLE t1', replace => true);
SELECT * FROM migrations.accept_changes('001');
SET client_min_messages = notice;
SELECT * FROM migrations.accept_changes('001');
SET client_min_messages = warning;
SELECT action, version, digest <> former_digest AS changed, message, reason FROM migrations.history
WHERE action IN ('accept', 'replace') ORDER BY id;
SELECT * FROM migrations.accept_changes('005');

-- remove
SELECT migrations.remove('005', reason => 'not needed');
SELECT migrations.remove('004');
SELECT migrations.remove('099');
SELECT migrations.remove('001', 'nowhere');
SELECT migrations.remove('001', 'default');
SELECT migrations.remove(NULL);
SET client_min_messages = notice;
SELECT * FROM migrations.apply();
SET client_min_messages = warning;
SELECT migrations.add('005', 'again', 'SELECT 1');
SELECT version FROM migrations.apply();

-- only a down is there
SELECT migrations.add_file('006_half.down.sql', 'SELECT 1');
SELECT * FROM migrations.mark_applied('006');
SELECT * FROM migrations.force('006');
SELECT * FROM migrations.baseline('006');

-- arguments
SELECT * FROM migrations.mark_applied('099');
SELECT * FROM migrations.mark_applied(NULL);
SELECT * FROM migrations.mark_applied('001', 'nowhere');
SELECT * FROM migrations.mark_pending('099');
SELECT * FROM migrations.mark_pending(NULL);
SELECT * FROM migrations.force('099');
SELECT * FROM migrations.force('');
SELECT * FROM migrations.baseline('099');
SELECT * FROM migrations.baseline(NULL, 'base');
SELECT * FROM migrations.accept_changes('099');
SELECT * FROM migrations.accept_changes(NULL);

-- what is marked pending but required elsewhere
SELECT migrations.add('001', 'user', 'SELECT 1', project => 'user', requires => '{default:002}');
SELECT version FROM migrations.apply(project => 'user');
SELECT * FROM migrations.mark_pending('002');
SELECT * FROM migrations.mark_applied('002');

SELECT project, version, name, action, outcome, effective_role = current_user AS me, run_id IS NOT NULL AS run, reason
FROM migrations.history WHERE action IN ('mark_applied', 'mark_pending', 'baseline', 'accept', 'remove') ORDER BY id;

BEGIN READ ONLY;
SELECT * FROM migrations.force('001');
ROLLBACK;

-- adopt: golang-migrate's own record
SELECT migrations.add_file('000001_init.up.sql', 'CREATE TABLE g1 ()', 'go');
SELECT migrations.add_file('000002_more.up.sql', 'CREATE TABLE g2 ()', 'go');
SELECT migrations.add_file('000003_last.up.sql', 'CREATE TABLE g3 ()', 'go');
SELECT * FROM migrations.adopt('golang-migrate', 'go');
CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
SELECT * FROM migrations.adopt('golang-migrate', 'go');
DROP TABLE schema_migrations;
CREATE SCHEMA go;
CREATE TABLE go.schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
SELECT out_of_order FROM migrations.set_project('go', search_path => 'go');
SET client_min_messages = notice;
SELECT * FROM migrations.adopt('golang-migrate', 'go');
SET client_min_messages = warning;
INSERT INTO go.schema_migrations VALUES (2, true);
SELECT * FROM migrations.adopt('golang-migrate', 'go');
UPDATE go.schema_migrations SET dirty = false;
SELECT * FROM migrations.adopt('golang-migrate', 'go');
SELECT version FROM migrations.apply(project => 'go');
TABLE go.schema_migrations;
UPDATE go.schema_migrations SET version = 77;
SELECT * FROM migrations.adopt('golang-migrate', 'go');
SELECT * FROM migrations.adopt('golang-migrate', 'nowhere');
INSERT INTO go.schema_migrations VALUES (3, false);
SELECT * FROM migrations.adopt('golang-migrate', 'go');
SELECT * FROM migrations.adopt('rails');
SELECT * FROM migrations.adopt(NULL);
SHOW search_path;

-- a view, and operators, that lie in wait for a superuser
TRUNCATE go.schema_migrations;
INSERT INTO go.schema_migrations VALUES (3, false);
CREATE SCHEMA trap;
CREATE FUNCTION trap.evil() RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RAISE 'the trap has sprung'; END$$;
CREATE VIEW trap.schema_migrations AS SELECT trap.evil() AS version, false AS dirty;
SELECT * FROM migrations.adopt('golang-migrate', 'base');
SET search_path = trap, public;
SELECT * FROM migrations.adopt('golang-migrate', 'base');
RESET search_path;
SELECT out_of_order FROM migrations.set_project('go', search_path => 'trap, go');
SELECT * FROM migrations.adopt('golang-migrate', 'go');
DROP VIEW trap.schema_migrations;
CREATE FUNCTION trap.same(oid, regtype) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE 'the trap has sprung'; END$$;
CREATE OPERATOR trap.= (LEFTARG = oid, RIGHTARG = regtype, FUNCTION = trap.same);
SELECT * FROM migrations.adopt('golang-migrate', 'go');
UPDATE go.schema_migrations SET version = -1;
SET client_min_messages = notice;
SELECT * FROM migrations.adopt('golang-migrate', 'go');
