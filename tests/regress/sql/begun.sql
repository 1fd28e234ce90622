-- Migrations that a stepwise run has begun: conditions, settings, blocks and rights.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -
CREATE TABLE t (id int, v text);
INSERT INTO t VALUES (1, 'a'), (1, 'A');
-- a precondition was met before the first statement, and isn't asked again
SELECT migrations.add('001', 'half', 'ALTER TABLE t ADD foo int; CREATE UNIQUE INDEX CONCURRENTLY t_u ON t (id)',
    precondition => $$SELECT NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'foo')$$, on_fail => 'mark');
CALL migrations.apply_each();
CALL migrations.apply_each();
SELECT state, message FROM migrations.status();
UPDATE t SET id = 2 WHERE v = 'A';
CALL migrations.apply_each() \gset
SELECT state FROM migrations.status();
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 't'::regclass;
-- the name of an index of expressions is the server's choice
SELECT migrations.add('002', 'lower', 'CREATE UNIQUE INDEX CONCURRENTLY ON t (lower(v), (id > 9))');
SELECT migrations.add('003', 'cast', 'CREATE UNIQUE INDEX CONCURRENTLY ON t (foo, lower(v))');
UPDATE t SET foo = 1;
CALL migrations.apply_each();
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 't'::regclass ORDER BY 1;
DELETE FROM t WHERE v = 'A';
CALL migrations.apply_each() \gset
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 't'::regclass ORDER BY 1;
-- a block that fails at its end, when what is deferred is checked, has done nothing
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED);
SELECT migrations.add('004', 'do', 'SELECT 1; DO $$BEGIN INSERT INTO c VALUES (7); END$$', transactional => false);
CALL migrations.apply_each();
INSERT INTO p VALUES (7);
CALL migrations.apply_each() \gset
SELECT state FROM migrations.status() WHERE version = '004';
SELECT * FROM c;
-- what is repeated for the session's sake has no other effects
CREATE SEQUENCE s;
SELECT migrations.add('005', 'settings', $$SELECT set_config('app.x', nextval('s')::text, false); SELECT set_config('search_path', 'pg_catalog', false); SET app.y = 3; SELECT 1 / (SELECT count(*) FROM public.p WHERE id = 8)$$, transactional => false);
CALL migrations.apply_each();
CALL migrations.apply_each();
SELECT last_value, is_called FROM s;
INSERT INTO p VALUES (8);
CALL migrations.apply_each() \gset
SELECT last_value, is_called FROM s;

-- what has begun isn't forgotten, and only what nobody else can tell is for people to decide
SELECT migrations.add('006', 'begun', 'CREATE TABLE begun (); CREATE UNIQUE INDEX CONCURRENTLY t_bad ON t ((1)); SELECT 1', 'SELECT 1');
INSERT INTO t VALUES (7, 'z');
CALL migrations.apply_each();
SELECT migrations.remove('006');
SELECT * FROM migrations.mark_statement_done('006');
SELECT * FROM migrations.retry('006');
SELECT * FROM migrations.retry('001');
SELECT * FROM migrations.mark_pending('006');
SELECT migrations.remove('006');
DROP TABLE begun; DROP INDEX t_bad;

-- settings are put back with the rights with which they were set
CREATE ROLE regress_plain;
GRANT USAGE ON SCHEMA migrations TO regress_plain;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA migrations TO regress_plain;
SELECT migrations.add('1', 'load', 'DO $$BEGIN NULL; END$$', project => 'plain', transactional => false);
SELECT migrations.add('2', 'placeholder', 'SELECT 1; RESET plpgsql.extra_errors', project => 'plain', transactional => false);
\c -
SET client_min_messages = warning;
SET SESSION AUTHORIZATION regress_plain;
SET plpgsql.variable_conflict = 'use_column';
SET plpgsql.extra_errors = 'all';
CALL migrations.apply_each(project => 'plain') \gset
SELECT name, setting FROM pg_settings WHERE name IN ('plpgsql.variable_conflict', 'plpgsql.extra_errors') ORDER BY 1;
RESET SESSION AUTHORIZATION;
-- those that only superusers see are kept, too
SET dynamic_library_path = '$libdir:/nowhere';
SET temp_buffers = 200;
SELECT migrations.add('3', 'reset', 'RESET ROLE; SET dynamic_library_path = ''$libdir:/other''; SET work_mem = ''3MB''', project => 'plain', transactional => false);
SET ROLE regress_plain;
CALL migrations.apply_each(project => 'plain') \gset
SELECT current_user;
RESET ROLE;
SHOW dynamic_library_path;
-- one that can't be put back doesn't keep the others from it
SELECT migrations.add('4', 'buffers', 'SET temp_buffers = 300; CREATE TEMP TABLE here AS SELECT 1; SELECT count(*) FROM here; SET work_mem = ''3MB''', project => 'plain', transactional => false);
CALL migrations.apply_each(project => 'plain') \gset
SHOW work_mem;
SHOW temp_buffers;
SELECT source FROM pg_settings WHERE name = 'work_mem';
DROP OWNED BY regress_plain;
DROP ROLE regress_plain;
