-- add() and add_file(): what is registered, what is the same, what is refused.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -
\set VERBOSITY default

SELECT migrations.add('001', 'create users', 'CREATE TABLE users (id int)', 'DROP TABLE users');
-- the same again is nothing, also with other line ends and a byte order mark
SELECT migrations.add('001', 'create users', 'CREATE TABLE users (id int)', 'DROP TABLE users');
SELECT migrations.add('001', 'create users', E'\uFEFFCREATE TABLE users (id int)\r\n\r\n', E'DROP TABLE users\n');
SELECT count(*) FROM migrations.history;

-- all arguments
SELECT migrations.add(version => '002', name => 'all', up => 'SELECT 1', down => '', project => 'billing',
    requires => ARRAY['001', 'extension:vector'], precondition => 'SELECT true', verify => 'SELECT true',
    transactional => true, on_fail => 'skip', replace => false);
SELECT p.name, version, m.name, up, down, requires, precondition, verify, transactional, on_fail
FROM migrations.migration m JOIN migrations.project p ON p.id = project_id ORDER BY m.id;
SELECT migrations.add('002', 'all', 'SELECT 1', '', 'billing', ARRAY['001', 'extension:vector'],
    'SELECT true', 'SELECT true', true, 'skip');

-- another content is refused, unless it is asked for
SELECT migrations.add('001', 'create users', 'CREATE TABLE users (id bigint)', 'DROP TABLE users');
SELECT migrations.add('001', 'users', 'CREATE TABLE users (id bigint)', requires => ARRAY['000']);
SELECT migrations.add('001', 'create users', 'CREATE TABLE users (id bigint)', 'DROP TABLE users', replace => true);
SELECT up FROM migrations.migration WHERE version = '001';

-- versions: the same numbers are the same version
SELECT migrations.add('1', 'one', '');
SELECT migrations.add('1', 'one', '', replace => true);
SELECT migrations.add('1.0', 'differs from 1', '');
SELECT migrations.add('', 'empty', '');
SELECT migrations.add(' 3', 'space', '');
SELECT migrations.add('billing:003', 'colon', '');
SELECT migrations.add(E'3\t', 'control', '');
SELECT migrations.add(repeat('1', 201), 'long', '');
SELECT migrations.add(NULL, 'null', '');
SELECT migrations.add('003', NULL, '');
SELECT migrations.add('003', 'null', NULL);
SELECT migrations.add('003', 'null', '', on_fail => NULL);
SELECT migrations.add('003', 'null', '', replace => NULL);
SELECT migrations.add('003', 'null', '', requires => ARRAY['001', NULL]);
SELECT migrations.add('003', ' ', '');
SELECT migrations.add('003', E'two\nlines', '');
SELECT migrations.add('003', 'on_fail', '', on_fail => 'ignore');
SELECT migrations.add('003', 'project', '', project => '');
SELECT migrations.add('003', 'project', '', project => 'a:b');

-- order is natural, and does not depend on a collation
SELECT migrations.add(v, 'n', '', project => 'order')
FROM unnest(ARRAY['10', '2', '1.10', '1.9', '20240131120000', '1', 'V2', '0009', '1a']) v;
SELECT version FROM migrations.status('order');

-- the setting says which project is meant by default
SET migrations.project = 'shop';
SELECT migrations.add('001', 'in shop', '');
SELECT project, version FROM migrations.status();
RESET migrations.project;

-- files
SELECT migrations.add_file('db/000001_init.down.sql', 'DROP TABLE a', 'files');
SELECT state, message FROM migrations.status('files');
SELECT * FROM migrations.apply(project => 'files');
SELECT migrations.add_file('db/000001_init.up.sql', E'CREATE TABLE a ()\n', 'files');
SELECT migrations.add_file('db/000001_init.up.sql', 'CREATE TABLE a ()', 'files');
SELECT migrations.add_file('db/000001_init.up.sql', 'CREATE TABLE b ()', 'files');
SELECT migrations.add_file('000001_init.up.sql', 'CREATE TABLE b ()', 'files', replace => true);
SELECT migrations.add_file('000001_other_name.down.sql', 'DROP TABLE b', 'files', replace => true);
SELECT migrations.add_file('000001_other_name.up.sql', 'CREATE TABLE b ()', 'files');
SELECT migrations.add_file('C:\app\002_second.sql', 'SELECT 2', 'files');
SELECT migrations.add_file('002_second.down.sql', 'SELECT 3', 'files');
SELECT migrations.add_file('2_third.down.sql', 'SELECT 3', 'files');
SELECT version, m.name, up, down FROM migrations.migration m JOIN migrations.project p ON p.id = project_id
WHERE p.name = 'files' ORDER BY version_key;
SELECT migrations.add_file('init.sql', '');
SELECT migrations.add_file(E'001_two\nlines.sql', '');
SELECT migrations.add_file(NULL, '');
SELECT migrations.add_file('001_a.sql', NULL);
SELECT migrations.add_file('001_a.sql', '', replace => NULL);
SELECT migrations.add_file(repeat('1', 201) || '_a.sql', '');

-- each change is in the history, with the digest
SELECT project, seq, version, name, action, outcome, left(digest, 8) AS digest, session_role = session_user AS role
FROM migrations.history WHERE project IN ('default', 'files') ORDER BY id;

-- a transaction that rolls back leaves nothing
BEGIN;
SELECT migrations.add('004', 'gone', '', project => 'gone');
ROLLBACK;
SELECT * FROM migrations.status('gone');

BEGIN READ ONLY;
SELECT migrations.add('004', 'read only', '');
ROLLBACK;

-- a text without statements is no error, but hardly meant
SELECT migrations.add('001', 'empty', '', '', project => 'empty');
SELECT migrations.add('002', 'comment', '-- to be written', project => 'empty');
