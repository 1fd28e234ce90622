-- While a migration is half run, nothing else of its project is applied, rolled back or noted
-- as such: each call is refused, and says how to get on.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -
\set terse '\\set VERBOSITY terse'
\set full '\\set VERBOSITY default'
\set states 'SELECT version, name, state, message FROM migrations.status()'
SELECT migrations.add('1', 'table', 'CREATE TABLE t (v int); INSERT INTO t VALUES (1), (1)', 'DROP TABLE t');
SELECT migrations.add('3', 'indexes', 'CREATE INDEX CONCURRENTLY i ON t (v); CREATE UNIQUE INDEX CONCURRENTLY u ON t (v)', 'DROP INDEX CONCURRENTLY i; SELECT 1 / 0; DROP INDEX u');
CALL migrations.apply_each();
SELECT migrations.add('2', 'below', 'CREATE TABLE below ()', 'DROP TABLE below');
SELECT migrations.add('4', 'above', 'CREATE TABLE above ()', 'DROP TABLE above');
:states;
SELECT step, version, direction, transactional, reason FROM migrations.plan(only_version => '3');
SELECT step, version, direction, reason FROM migrations.plan('2');
SELECT step, version, direction, reason FROM migrations.plan(only_version => '4');
SELECT * FROM migrations.apply();
:terse
SELECT * FROM migrations.apply('1');
SELECT * FROM migrations.apply('2');
SELECT * FROM migrations.apply(only_version => '2');
SELECT * FROM migrations.apply_all();
CALL migrations.apply_each('2');
CALL migrations.apply_each(only_version => '2');
CALL migrations.apply_each('1');
SELECT * FROM migrations.rollback();
SELECT * FROM migrations.rollback_to('1');
SELECT * FROM migrations.redo();
SELECT * FROM migrations.reset('default', 'default');
CALL migrations.rollback_each(1);
SELECT * FROM migrations.mark_pending('1');
SELECT * FROM migrations.mark_applied('2');
SELECT * FROM migrations.force('3');
SELECT * FROM migrations.force('1');
SELECT * FROM migrations.baseline('4');
SELECT * FROM migrations.remove('3');
:full
-- others may be registered, replaced and removed
SELECT migrations.add('5', 'later', 'SELECT 1');
SELECT migrations.remove('5');

-- what was begun comes first, so that what is registered below it comes late
CALL migrations.apply_each();
SELECT migrations.set_project(out_of_order => 'allow') \gset
SELECT step, version, direction, reason FROM migrations.plan();
DELETE FROM t WHERE ctid = '(0,1)';
CALL migrations.apply_each() \gset
SELECT a.version FROM migrations.applied a ORDER BY id;
SELECT * FROM migrations.apply();

-- a half-run rollback
CALL migrations.rollback_each(3);
:states;
SELECT version, state FROM migrations.status() WHERE state <> 'applied';
SELECT migrations.remove('4');
CALL migrations.rollback_each(1);
SELECT migrations.add('6', 'more', 'SELECT 1', 'SELECT 1');
:states;
SELECT step, version, direction, transactional, reason FROM migrations.plan();
SELECT * FROM migrations.apply();
:terse
CALL migrations.apply_each();
CALL migrations.apply_each(only_version => '3');
SELECT * FROM migrations.apply_all();
SELECT * FROM migrations.rollback();
SELECT * FROM migrations.redo();
SELECT * FROM migrations.reset('default', 'default');
SELECT * FROM migrations.rollback_to('1');
SELECT * FROM migrations.mark_pending('1');
SELECT * FROM migrations.mark_applied('6');
SELECT * FROM migrations.force('6');
SELECT * FROM migrations.baseline('6');
:full
-- it is undone by hand, or finished by hand
CREATE INDEX i ON t (v);
SELECT * FROM migrations.mark_applied('3', reason => 'the index is back');
:states;
CALL migrations.rollback_each(1);
DROP INDEX u;
SELECT * FROM migrations.mark_pending('3', reason => 'dropped by hand');
:states;
SELECT migrations.remove('3');
SELECT version FROM migrations.apply();
SELECT version FROM migrations.reset('default', 'default');

-- a repeatable migration goes by its name
CREATE TABLE r (v int);
INSERT INTO r VALUES (1), (1);
SELECT migrations.add_repeatable('my index', 'CREATE INDEX CONCURRENTLY r_i ON r (v); CREATE UNIQUE INDEX CONCURRENTLY r_u ON r (v)', project => 'named');
SELECT migrations.add('1', 'one', 'SELECT 1', 'SELECT 1', project => 'named');
CALL migrations.apply_each(project => 'named');
SELECT * FROM migrations.rollback(1, 'named');
:terse
SELECT * FROM migrations.remove_repeatable('my index', 'named');
SELECT * FROM migrations.mark_applied('2', 'named');
SELECT * FROM migrations.force('my index', 'named');
SELECT * FROM migrations.retry('my index', 'named');
:full
SELECT * FROM migrations.mark_pending('my index', 'named', 'begin anew');
DROP INDEX r_i, r_u;
SELECT name, state, message FROM migrations.status('named');
CALL migrations.apply_each(project => 'named');
SELECT * FROM migrations.mark_applied('my index', 'named', 'by hand');
SELECT * FROM migrations.apply(project => 'named');
SELECT * FROM migrations.mark_pending('my index', 'named', 'once more');
SELECT name, state, message FROM migrations.status('named');
SELECT * FROM migrations.mark_applied('my index', 'named');
SELECT version, name, action, reason FROM migrations.history WHERE project = 'named' AND action LIKE 'mark%' ORDER BY id;
-- one that runs before each run, cut off when nothing else is to be done
SELECT migrations.add_repeatable('always', 'VACUUM r; SELECT count(*) FROM s', project => 'named', moment => 'before');
SELECT migrations.add('2', 'two', 'CREATE TABLE two ()', 'DROP TABLE two', project => 'named');
CALL migrations.apply_each(project => 'named');
SELECT step, version, name, reason FROM migrations.plan(project => 'named');
SELECT * FROM migrations.apply_all(ARRAY['named']);
CREATE TABLE s ();
CALL migrations.apply_each(project => 'named') \gset
SELECT * FROM migrations.apply(project => 'named');
SELECT to_regclass('two');

-- one that has failed is failed, and still runs before the others
SELECT migrations.add_repeatable('always', 'SELECT 1 / 0', project => 'named', moment => 'before');
SELECT migrations.add('3', 'three', 'SELECT 1', project => 'named');
CALL migrations.apply_each(project => 'named');
SELECT version, name, state, message FROM migrations.status('named') WHERE state <> 'applied';
SELECT step, version, name, reason FROM migrations.plan(project => 'named');
SELECT migrations.add_repeatable('always', 'SELECT 1', project => 'named', moment => 'before');
SELECT migrations.remove('3', 'named');
SELECT step, version, name, reason FROM migrations.plan(project => 'named');
CALL migrations.apply_each(project => 'named') \gset
SELECT version, name, state, message FROM migrations.status('named') WHERE state <> 'applied';
SELECT * FROM migrations.apply(project => 'named');

-- a half-run migration holds what it requires of another project
SELECT migrations.add('1', 'base', 'CREATE TABLE base (v int); INSERT INTO base VALUES (1), (1); CREATE INDEX base_i ON base (v)', 'DROP INDEX CONCURRENTLY base_i; SELECT 1 / 0', project => 'base');
SELECT version FROM migrations.apply(project => 'base');
SELECT migrations.add('1', 'user', 'CREATE INDEX CONCURRENTLY base_j ON base (v); CREATE UNIQUE INDEX CONCURRENTLY base_u ON base (v)', 'DROP INDEX base_j', project => 'user', requires => ARRAY['base:1']);
CALL migrations.apply_each(project => 'user');
SELECT version FROM migrations.rollback(1, 'base');
:terse
CALL migrations.rollback_each(1, 'base');
SELECT version FROM migrations.reset('base', 'base');
SELECT version FROM migrations.mark_pending('1', 'base');
:full
DROP INDEX base_j, base_u;
SELECT version, action FROM migrations.mark_pending('1', 'user');
-- what is half rolled back isn't there for others
CALL migrations.rollback_each(1, 'base');
SELECT version, state, message FROM migrations.status('user');
SELECT step, version, reason FROM migrations.plan(project => 'user');
CALL migrations.apply_each(project => 'user');
