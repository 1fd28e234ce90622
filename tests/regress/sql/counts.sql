-- Failures that were only counted get into the history before they are forgotten.
\set VERBOSITY terse
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS pg_migrations;
SELECT FROM migrations.add('1', 'one', 'SELECT 1/0');
CALL migrations.apply_each();
CALL migrations.apply_each();
CALL migrations.apply_each();
SELECT version, action, outcome, times, sqlstate FROM migrations.history ORDER BY id;
-- another text
SELECT FROM migrations.add('1', 'one', 'SELECT 2/0', replace => true);
SELECT version, action, outcome, times, sqlstate FROM migrations.history ORDER BY id;
-- another error
CALL migrations.apply_each();
CALL migrations.apply_each();
SELECT FROM migrations.add('1', 'one', 'SELECT nowhere', replace => true);
CALL migrations.apply_each();
CALL migrations.apply_each();
-- a success
CREATE FUNCTION nowhere() RETURNS int LANGUAGE sql AS 'SELECT 1';
SELECT FROM migrations.add('1', 'one', 'SELECT nowhere()', replace => true);
CALL migrations.apply_each() \gset
SELECT version, action, outcome, times, sqlstate FROM migrations.history ORDER BY id;
-- a success of the same text, and what people note
SELECT FROM migrations.add('2', 'two', 'SELECT 1/(SELECT count(*) FROM pg_class WHERE relname = ''there'')');
SELECT FROM migrations.add('3', 'three', 'SELECT 3/0');
CALL migrations.apply_each();
CALL migrations.apply_each();
CREATE TABLE there ();
CALL migrations.apply_each();
CALL migrations.apply_each();
SELECT FROM migrations.mark_applied('3');
SELECT version, action, outcome, times, sqlstate FROM migrations.history WHERE version > '1' ORDER BY id;
SELECT sum(times) FROM migrations.history WHERE outcome = 'failure';
SELECT count(*) FROM migrations.unfinished;
