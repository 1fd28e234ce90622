-- rollback(): reverse applied order, with the down that was paired at apply.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -

SELECT * FROM migrations.rollback();
SELECT * FROM migrations.rollback(project => 'nowhere');

SELECT migrations.add('001', 'a', 'CREATE TABLE a ()', 'DROP TABLE a');
SELECT migrations.add('003', 'c', 'CREATE TABLE c ()', 'DROP TABLE c');
SELECT version FROM migrations.apply();
SELECT migrations.add('002', 'b', 'CREATE TABLE b ()', 'DROP TABLE b; SELECT ''gone'' AS b');
SELECT out_of_order FROM migrations.set_project(out_of_order => 'allow');
SELECT version FROM migrations.apply();
SELECT migrations.version();

SELECT * FROM migrations.rollback(0);
SELECT * FROM migrations.rollback(-1);
SELECT * FROM migrations.rollback(NULL);
SELECT * FROM migrations.rollback(4);
SELECT * FROM migrations.rollback(2147483647);

-- 002 was applied last
SELECT step, project, version, name, direction, statements, messages FROM migrations.rollback();
SELECT migrations.version();
SELECT version, state FROM migrations.status();
SELECT version, direction FROM migrations.rollback(2);
SELECT migrations.version();
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1;
SELECT version, action FROM migrations.history WHERE run_id IS NOT NULL ORDER BY seq;
SELECT version FROM migrations.apply();

-- what is registered later is not what a rollback runs
SELECT migrations.add('003', 'c', 'CREATE TABLE c ()', 'SELECT 1/0', replace => true);
SELECT version FROM migrations.rollback();
SELECT version FROM migrations.apply();
SELECT version FROM migrations.rollback();
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1;

-- no down: an error before anything runs, that names all of them
SELECT migrations.add('003', 'c', 'CREATE TABLE c ()', replace => true);
SELECT version, action FROM migrations.accept_changes('003');
SELECT migrations.add('004', 'd', 'CREATE TABLE d ()', 'DROP TABLE d');
SELECT migrations.add('005', 'e', 'CREATE TABLE e ()');
SELECT version FROM migrations.apply();
SELECT * FROM migrations.rollback(3);
SELECT * FROM migrations.rollback();
SELECT version, has_down FROM migrations.status();
-- an empty down is one
SELECT migrations.add('006', 'f', '', '');
SELECT version FROM migrations.apply();
SELECT version, statements FROM migrations.rollback();

-- a down that fails changes nothing
SELECT migrations.add('007', 'g', 'CREATE TABLE g (id int)', E'DROP TABLE g;\nSELECT * FROM\n  missing;');
SELECT version FROM migrations.apply();
SELECT * FROM migrations.rollback();
SELECT version FROM migrations.status() WHERE state = 'applied';
SELECT count(*) FROM g;
