-- DO blocks and calls of procedures that end transactions are planned as not transactional.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_migrations;
CREATE TABLE t (id int);
CREATE PROCEDURE batches() LANGUAGE plpgsql AS $$BEGIN INSERT INTO t VALUES (1); COMMIT; INSERT INTO t VALUES (2); END$$;
CREATE PROCEDURE batches(int) LANGUAGE plpgsql AS $$BEGIN INSERT INTO t VALUES ($1); END$$;
CREATE PROCEDURE outer_one() LANGUAGE plpgsql AS $$BEGIN CALL batches(); END$$;
CREATE PROCEDURE quiet() LANGUAGE plpgsql AS $$BEGIN
    -- COMMIT;
    PERFORM 'COMMIT;';
END$$;
CREATE SCHEMA app;
CREATE PROCEDURE app.batches() LANGUAGE plpgsql AS $$BEGIN NULL; END$$;

SELECT FROM migrations.add('1', 'do', 'DO $$BEGIN INSERT INTO t VALUES (3); COMMIT; END$$');
SELECT FROM migrations.add('2', 'call', E'SELECT 1;\nCALL batches()');
SELECT FROM migrations.add('3', 'overload', 'CALL public.batches(7)');
SELECT FROM migrations.add('4', 'nested', 'DO $$BEGIN IF true THEN CALL outer_one(); END IF; END$$');
SELECT FROM migrations.add('5', 'quiet', 'CALL quiet(); CALL app.batches(); DO $$BEGIN EXECUTE ''SELECT 1 -- COMMIT;''; END$$');
SELECT FROM migrations.add('6', 'overridden', 'DO $$BEGIN IF false THEN ROLLBACK; END IF; END$$', transactional => true);
SELECT FROM migrations.add('7', 'unknown', 'CALL later_made()');
SELECT FROM migrations.add('8', 'wrapped', 'BEGIN; DO $$BEGIN IF false THEN COMMIT; END IF; END$$; COMMIT;');
SELECT version, transactional, reason FROM migrations.plan();
-- status() agrees
SELECT version, transactional FROM migrations.status();
SELECT p.version FROM migrations.plan() p JOIN migrations.status() s USING (version) WHERE p.transactional IS DISTINCT FROM s.transactional;

\set VERBOSITY default
SELECT FROM migrations.apply('1');
SELECT FROM migrations.apply('2', only_version => NULL);
\set VERBOSITY terse
SELECT count(*) FROM t;
CALL migrations.apply_each('6') \gset
SELECT id, count(*) FROM t GROUP BY id ORDER BY id;
SELECT version, state, transactional, message FROM migrations.status();

-- A procedure that an earlier migration of the same run makes.
SELECT FROM migrations.add('1', 'make', 'CREATE PROCEDURE made() LANGUAGE plpgsql AS $$BEGIN INSERT INTO t VALUES (10); COMMIT; END$$', project => 'late');
SELECT FROM migrations.add('2', 'use', 'CALL made()', project => 'late');
CALL migrations.apply_each(project => 'late') \gset
SELECT version, state FROM migrations.status('late');

-- The search_path of the project decides which procedure is meant.
SELECT FROM migrations.set_project('path', search_path => 'app');
SELECT FROM migrations.add('1', 'call', 'CALL batches()', project => 'path');
SELECT transactional FROM migrations.plan(project => 'path');
SELECT FROM migrations.set_project('path', search_path => 'public, app');
SELECT transactional FROM migrations.plan(project => 'path');

-- A repeatable migration that has changed, and whose requirement is gone, is blocked in both.
SELECT FROM migrations.add('1', 'one', 'SELECT 1', 'SELECT 1', project => 'other');
SELECT FROM migrations.add_repeatable('r', 'SELECT 1', project => 'rep', requires => '{other:1}');
SELECT count(*) FROM migrations.apply_all('{other,rep}');
SELECT FROM migrations.mark_pending('1', 'other');
SELECT FROM migrations.add_repeatable('r', 'SELECT 2', project => 'rep', requires => '{other:1}');
SELECT name, state, message FROM migrations.status('rep');
SELECT name, step, reason FROM migrations.plan(project => 'rep');
