-- Repeatable migrations: after the versions, by name, whenever their text has changed.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -

SELECT migrations.add_repeatable('views b', 'CREATE OR REPLACE VIEW b AS SELECT * FROM a');
SELECT migrations.add_repeatable('views a', 'CREATE OR REPLACE VIEW a AS SELECT id FROM t', verify => 'SELECT count(*) = 0 FROM a');
SELECT migrations.add('001', 't', 'CREATE TABLE t (id int)', 'DROP TABLE t CASCADE');
SELECT migrations.add('002', 'column', 'ALTER TABLE t ADD name text', 'ALTER TABLE t DROP name CASCADE');
SELECT * FROM migrations.plan();
-- they wait while a version does
SELECT version, name FROM migrations.plan('001');
SELECT version, name FROM migrations.plan('002');
SELECT version, name FROM migrations.plan(only_version => '002');
SELECT step, project, version, name, direction, statements, messages FROM migrations.apply();
SELECT version, name, state, checksum_ok, has_down, message FROM migrations.status();
SELECT migrations.version();

-- unchanged, changed
SELECT migrations.add_repeatable('views a', E'CREATE OR REPLACE VIEW a AS SELECT id FROM t\n\n', verify => 'SELECT count(*) = 0 FROM a');
SET client_min_messages = notice;
SELECT * FROM migrations.apply();
SET client_min_messages = warning;
SELECT migrations.add_repeatable('views a', 'CREATE OR REPLACE VIEW a AS SELECT id, name FROM t');
SELECT version, name, state, checksum_ok, message FROM migrations.status();
SELECT * FROM migrations.plan();
SELECT name, direction FROM migrations.apply();
SELECT * FROM a;

-- another condition is a change, too
SELECT migrations.add_repeatable('views a', 'CREATE OR REPLACE VIEW a AS SELECT id, name FROM t', requires => '{002}');
SELECT * FROM migrations.plan();

-- never rolled back, and no part of any count
SELECT version, name FROM migrations.rollback(3);
SELECT version, name FROM migrations.rollback(2);
SELECT version, name, state FROM migrations.status();
SELECT migrations.version();
SELECT version, name FROM migrations.apply();
SELECT version, name FROM migrations.rollback_to('001');

-- a failing one undoes the run
SELECT version, name FROM migrations.apply();
SELECT migrations.add_repeatable('views c', E'SELECT 1;\nCREATE VIEW c AS SELECT * FROM missing');
SELECT migrations.add('003', 'u', 'CREATE TABLE u ()', 'DROP TABLE u');
SELECT * FROM migrations.apply();
SELECT version, name, state FROM migrations.status();

-- taken out of the registry, the view stays
SELECT migrations.remove_repeatable('views c', reason => 'never worked');
SELECT migrations.remove_repeatable('views a');
SELECT migrations.remove_repeatable('views a');
SELECT migrations.remove_repeatable('views a', 'nowhere');
SELECT migrations.remove_repeatable(NULL);
SELECT version, name FROM migrations.apply();
SELECT version, name, action, digest IS NOT NULL AS sum, former_digest IS NOT NULL AS former, reason
FROM migrations.history WHERE version IS NULL ORDER BY seq;

-- arguments
SELECT migrations.add_repeatable(NULL, 'SELECT');
SELECT migrations.add_repeatable('x', NULL);
SELECT migrations.add_repeatable(' ', 'SELECT');
SELECT migrations.add_repeatable(repeat('x', 201), 'SELECT');
SELECT migrations.add_repeatable('x', 'SELECT', on_fail => 'never');
SELECT migrations.add_repeatable('x', 'SELECT', requires => '{""}');

-- a condition of its own
SELECT migrations.add_repeatable('guarded', 'CREATE VIEW guarded AS SELECT 1 AS one', precondition => 'SELECT false', on_fail => 'skip');
SELECT name, direction, messages FROM migrations.apply();
SELECT name, state, message FROM migrations.status() WHERE version IS NULL;
SELECT name, direction, messages FROM migrations.apply();
SELECT count(*) FROM migrations.history WHERE action = 'skip';
SELECT migrations.add_repeatable('guarded', 'CREATE VIEW guarded AS SELECT 1 AS one', precondition => 'SELECT true', on_fail => 'skip');
SELECT name, direction FROM migrations.apply();
SELECT * FROM guarded;

-- before and after each run that has something to do
CREATE TABLE told (n serial, what text);
SELECT migrations.add_repeatable('after a', 'INSERT INTO told (what) VALUES (''after a'')', project => 'hooks', moment => 'after');
SELECT migrations.add_repeatable('before b', 'INSERT INTO told (what) VALUES (''before b'')', project => 'hooks', moment => 'before');
SELECT migrations.add_repeatable('before a', 'INSERT INTO told (what) VALUES (''before a'')', project => 'hooks', moment => 'before');
SELECT migrations.add_repeatable('view', 'INSERT INTO told (what) VALUES (''view'')', project => 'hooks');
SELECT migrations.add('001', 'one', 'INSERT INTO told (what) VALUES (''one'')', 'DELETE FROM told WHERE what = ''one''', project => 'hooks');
SELECT migrations.add('002', 'two', 'INSERT INTO told (what) VALUES (''two'')', 'SELECT 1', project => 'hooks');
SELECT step, version, name, reason FROM migrations.plan('001', 'hooks');
SELECT step, version, name FROM migrations.apply('001', 'hooks');
CALL migrations.apply_each(project => 'hooks') \gset
SELECT version FROM migrations.apply(project => 'hooks');
SELECT string_agg(what, ', ' ORDER BY n) FROM told;
SELECT version, name, state, message FROM migrations.status('hooks');
-- another text is no reason to run
SELECT migrations.add_repeatable('after a', 'INSERT INTO told (what) VALUES (''after all'')', project => 'hooks', moment => 'after');
SELECT version FROM migrations.apply(project => 'hooks');
SELECT migrations.add('003', 'three', 'SELECT 1', 'SELECT 1', project => 'hooks');
SELECT version, name FROM migrations.apply(project => 'hooks');
SELECT version, name FROM migrations.redo(1, 'hooks');
SELECT string_agg(what, ', ' ORDER BY n) FROM told WHERE n > 8;
SELECT count(*) FROM migrations.history WHERE project = 'hooks' AND name = 'before a' AND action = 'apply';
-- and none any more
SELECT migrations.add_repeatable('before b', 'SELECT 1', project => 'hooks');
SELECT version, name FROM migrations.apply(project => 'hooks');
SELECT migrations.add_repeatable('x', 'SELECT', moment => 'sometimes');
SELECT migrations.add_repeatable('x', 'SELECT', moment => NULL);
-- what a hook requires: until that is there, it waits
SELECT migrations.add('001', 'one', 'SELECT 1', project => 'waits');
SELECT migrations.add('002', 'two', 'SELECT 2', project => 'waits');
SELECT migrations.add_repeatable('after two', 'SELECT 3', project => 'waits', moment => 'after', requires => '{002}');
SELECT migrations.add_repeatable('before, with two', 'SELECT 4', project => 'waits', moment => 'before', requires => '{002}');
SELECT version, name FROM migrations.apply('001', 'waits');
SELECT version, name FROM migrations.apply(project => 'waits');
SELECT migrations.add('003', 'three', 'SELECT 3', project => 'waits');
SELECT version, name FROM migrations.apply(project => 'waits');
SELECT migrations.add_repeatable('wrong', 'SELECT 5', project => 'waits', moment => 'after', requires => '{099}');
SELECT migrations.add('004', 'four', 'SELECT 3', project => 'waits');
SELECT version, name FROM migrations.apply(project => 'waits');
SELECT migrations.remove_repeatable('wrong', 'waits');
-- one that has failed is something to do
SELECT migrations.add_repeatable('fails', 'SELECT 1 / (SELECT count(*) FROM told WHERE what = ''ready'')', project => 'waits', moment => 'after');
CALL migrations.apply_each(project => 'waits');
CALL migrations.apply_each(project => 'waits');
SELECT version, name, state FROM migrations.status('waits') WHERE state <> 'applied';
INSERT INTO told (what) VALUES ('ready');
SELECT version, name FROM migrations.apply(project => 'waits');
SELECT version, name FROM migrations.apply(project => 'waits');
