-- Repeatable migrations require versions and each other; what requires one that runs again runs
-- again after it.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_migrations;
SELECT FROM migrations.add('1', 'table', 'CREATE TABLE t (id int)', 'DROP TABLE t');
-- By name the order would be another one.
SELECT FROM migrations.add_repeatable('c', 'DROP VIEW IF EXISTS c CASCADE; CREATE VIEW c AS SELECT id FROM t', requires => '{1}');
SELECT FROM migrations.add_repeatable('b', 'DROP VIEW IF EXISTS b CASCADE; CREATE VIEW b AS SELECT id FROM c', requires => '{repeatable:c}');
SELECT FROM migrations.add_repeatable('a', 'CREATE OR REPLACE VIEW a AS SELECT id FROM b', requires => '{repeatable:b, 1}');
SELECT FROM migrations.add_repeatable('alone', 'CREATE OR REPLACE VIEW alone AS SELECT 1 AS one');
SELECT step, version, name, reason FROM migrations.plan();
SELECT step, version, name FROM migrations.apply();
SELECT name, state FROM migrations.status();

-- One of them changes: it and those that require it run again, in that order.
SELECT FROM migrations.add_repeatable('c', 'DROP VIEW IF EXISTS c CASCADE; CREATE VIEW c AS SELECT id, 2 AS two FROM t', requires => '{1}');
SELECT step, name, reason FROM migrations.plan();
SELECT step, name FROM migrations.apply();
SELECT * FROM a;
SELECT step, name FROM migrations.apply();
SELECT name, state FROM migrations.status();

-- The same if the run ends between them.
SELECT FROM migrations.add_repeatable('c', 'DROP VIEW IF EXISTS c CASCADE; CREATE VIEW c AS SELECT id, 3 AS two FROM t', requires => '{1}');
SELECT FROM migrations.add_repeatable('b', 'SELECT 1/0', requires => '{repeatable:c}');
CALL migrations.apply_each();
SELECT name, state FROM migrations.status();
SELECT FROM migrations.add_repeatable('b', 'CREATE VIEW b AS SELECT id FROM c', requires => '{repeatable:c}');
CALL migrations.apply_each() \gset
SELECT * FROM a;
SELECT name, state FROM migrations.status();

-- With several projects, too.
SELECT FROM migrations.add_repeatable('c', 'DROP VIEW IF EXISTS c CASCADE; CREATE VIEW c AS SELECT id, 4 AS two FROM t', requires => '{1}');
SELECT step, name FROM migrations.apply_all();
SELECT * FROM a;

-- What is refused.
SELECT FROM migrations.add('2', 'two', 'SELECT 1', requires => '{repeatable:c}');
SELECT FROM migrations.add_repeatable('x', 'SELECT 1', requires => '{repeatable:x}');
SELECT FROM migrations.add_repeatable('x', 'SELECT 1', requires => '{repeatable:}');
SELECT FROM migrations.remove_repeatable('c');
SELECT FROM migrations.add_repeatable('x', 'SELECT 1', requires => '{repeatable:nowhere}');
SELECT name, state, message FROM migrations.status() WHERE name = 'x';
SELECT FROM migrations.plan();
SELECT FROM migrations.apply();
-- A cycle.
SELECT FROM migrations.add_repeatable('x', 'SELECT 1', requires => '{repeatable:y}');
SELECT FROM migrations.add_repeatable('y', 'SELECT 1', requires => '{repeatable:x}');
SELECT FROM migrations.add_repeatable('z', 'SELECT 1', requires => '{repeatable:y}');
SELECT name, state, message FROM migrations.status() WHERE name IN ('x', 'y', 'z');
SELECT FROM migrations.plan();
SELECT FROM migrations.add_repeatable('y', 'SELECT 1', requires => '{other:1}');
SELECT FROM migrations.add('1', 'one', 'SELECT 1', project => 'other');
-- What is blocked blocks what requires it, in both.
SELECT name, state, message FROM migrations.status() WHERE name IN ('x', 'y', 'z');
SELECT name, step, reason FROM migrations.plan();
SELECT count(*) FROM migrations.apply_all('{other,default}');
-- A bundle carries it.
SELECT migrations.export_bundle() AS bundle \gset
CREATE DATABASE regress_repeatables_copy;
\c regress_repeatables_copy
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
SELECT FROM migrations.add('1', 'one', 'SELECT 1', project => 'other');
SELECT count(*) FROM migrations.import_bundle(:'bundle');
SELECT project, name FROM migrations.apply_all('{other,default}');
\c regress_repeatables_required
DROP DATABASE regress_repeatables_copy;
