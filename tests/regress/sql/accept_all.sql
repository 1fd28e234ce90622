-- accept_all_changes: many applied files get a new comment.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -
SELECT count(migrations.add(to_char(n, 'FM000'), 'n' || n, format('CREATE TABLE t%s ()', n), format('DROP TABLE t%s', n), project => 'app'))
FROM generate_series(1, 12) n;
SELECT count(*) FROM migrations.apply(project => 'app');
SELECT migrations.add('013', 'pending', 'SELECT 13', project => 'app');
SELECT migrations.add_repeatable('view', 'SELECT 1', project => 'app');

-- none is modified
SELECT * FROM migrations.accept_all_changes('app');
SELECT * FROM migrations.accept_all_changes('app', confirm => 3);
SET client_min_messages = notice;
SELECT * FROM migrations.accept_all_changes('app', confirm => 0);
SET client_min_messages = warning;

-- one: the HINT names it
SELECT migrations.add('001', 'n1', '/* new */ CREATE TABLE t1 ()', 'DROP TABLE t1', project => 'app', replace => true);
SELECT * FROM migrations.apply(project => 'app');
-- what was added only is no modification, and no part of it
SELECT migrations.add('014', 'no down', 'SELECT 14', project => 'app');
SELECT count(*) FROM migrations.mark_applied('014', 'app');
SELECT migrations.add('014', 'no down', 'SELECT 14', 'SELECT -14', project => 'app', replace => true);
-- all
SELECT count(migrations.add(to_char(n, 'FM000'), 'n' || n, format('/* new */ CREATE TABLE t%s ()', n), format('DROP TABLE t%s', n), project => 'app', replace => true))
FROM generate_series(1, 12) n;
SELECT state, checksum_ok, count(*) FROM migrations.status('app') GROUP BY 1, 2 ORDER BY 1, 2;
SELECT * FROM migrations.apply(project => 'app');
\set VERBOSITY verbose
SELECT * FROM migrations.accept_all_changes('app', 'it''s a comment');
\set VERBOSITY default
SELECT * FROM migrations.accept_all_changes('app', confirm => 11);
SELECT * FROM migrations.accept_all_changes('app', confirm => 13);
SELECT * FROM migrations.accept_all_changes('app', confirm => -12);
SELECT * FROM migrations.accept_all_changes('nowhere', confirm => 12);
SELECT * FROM migrations.accept_all_changes();
SELECT count(*) FROM migrations.history WHERE action = 'accept';
-- as the HINT says
SELECT * FROM migrations.accept_all_changes('app', reason => 'it''s a comment', confirm => 12);
SELECT count(*), count(DISTINCT run_id), count(DISTINCT seq), bool_and(digest <> former_digest), min(message), max(reason)
FROM migrations.history WHERE action = 'accept';
SELECT state, checksum_ok, count(*) FROM migrations.status('app') GROUP BY 1, 2 ORDER BY 1, 2;
SELECT version, name, direction FROM migrations.apply(project => 'app', only_version => '013');
SELECT state, count(*) FROM migrations.status('app') GROUP BY 1 ORDER BY 1;

-- redo runs what is registered of those that it means; only the others stop it
SELECT count(migrations.add(to_char(n, 'FM000'), 'n' || n, format('/* newer */ CREATE TABLE t%s ()', n), format('DROP TABLE t%s', n), project => 'app', replace => true))
FROM generate_series(10, 12) n;
SELECT count(*) FROM migrations.mark_pending('013', 'app');
SELECT count(*) FROM migrations.mark_pending('014', 'app');
SELECT * FROM migrations.redo(1, 'app');

-- one that was changed directly is refused, and with it the others
SET session_replication_role = replica;
UPDATE migrations.migration SET digest = sha256('x') WHERE version = '011';
RESET session_replication_role;
SELECT * FROM migrations.accept_all_changes('app', confirm => 3);
SELECT count(*) FROM migrations.status('app') WHERE state = 'modified';

-- a rollback that is half run is no part of it, as in status
SELECT migrations.add('1', 'a', 'CREATE TABLE half (id int)', 'DROP TABLE half', project => 'half');
SELECT migrations.add('2', 'b', 'SELECT 2', 'VACUUM half; SELECT 1/0', project => 'half');
CALL migrations.apply_each(project => 'half', applied => NULL, run_id => NULL) \gset
CALL migrations.rollback_each(1, 'half');
SELECT migrations.add('1', 'a', 'CREATE TABLE half (id int) --', 'DROP TABLE half', project => 'half', replace => true);
SELECT migrations.add('2', 'b', 'SELECT 2 --', 'VACUUM half; SELECT 1/0', project => 'half', replace => true);
SELECT version, state FROM migrations.status('half');
SELECT version, action FROM migrations.accept_all_changes('half', confirm => 1);

DROP EXTENSION pg_migrations;
