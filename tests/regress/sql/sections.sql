-- Texts with transactions of their own: what stands between BEGIN and COMMIT is one.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -
CREATE TABLE log (n int);
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED);
SELECT migrations.add('001', 'sections', $up$INSERT INTO log VALUES (1);
BEGIN;
INSERT INTO log VALUES (2);
SET LOCAL lock_timeout = '9s';
INSERT INTO log SELECT 3 WHERE current_setting('lock_timeout') = '9s';
DO $$BEGIN INSERT INTO log VALUES (4); END$$;
COMMIT;
COMMIT;
CREATE INDEX CONCURRENTLY log_n ON log (n);
START TRANSACTION;
INSERT INTO log VALUES (5);
INSERT INTO log VALUES (6 / (SELECT count(*) FROM p));
END;
INSERT INTO log SELECT 7 WHERE current_setting('lock_timeout') <> '9s';$up$, 'BEGIN; TRUNCATE log; COMMIT; DROP INDEX CONCURRENTLY log_n');
SELECT version, transactional, reason FROM migrations.plan();
SELECT version FROM migrations.apply();
CALL migrations.apply_each();
SELECT * FROM log ORDER BY n;
SELECT statement_no, command, is_done FROM migrations.journal ORDER BY 1;
SELECT state, message FROM migrations.status();
INSERT INTO p VALUES (1);
CALL migrations.apply_each() \gset
SELECT * FROM log ORDER BY n;
CALL migrations.rollback_each() \gset
SELECT count(*), to_regclass('log_n') FROM log;
-- what is deferred fails at the COMMIT of the text
SELECT migrations.add('002', 'deferred', E'BEGIN;\nINSERT INTO c VALUES (9);\nINSERT INTO p VALUES (9);\nCOMMIT;\nBEGIN;\nINSERT INTO c VALUES (10);\nCOMMIT;\nSELECT 1', 'SELECT 1', project => 'deferred');
CALL migrations.apply_each(project => 'deferred');
SELECT (SELECT count(*) FROM c) AS c, (SELECT count(*) FROM p) AS p;
-- what can't be
SELECT migrations.add('1', 'open', 'SELECT 1; BEGIN; SELECT 2', project => 'wrong');
CALL migrations.apply_each(project => 'wrong');
SELECT migrations.add('1', 'within', E'SELECT 1; BEGIN;\nVACUUM log;\nCOMMIT; SELECT 2', project => 'wrong', replace => true);
CALL migrations.apply_each(project => 'wrong');
SELECT migrations.add('1', 'rollback', E'SELECT 1; BEGIN; SELECT 2;\nROLLBACK', project => 'wrong', replace => true);
CALL migrations.apply_each(project => 'wrong');
SELECT migrations.add('1', 'savepoint', E'BEGIN; SAVEPOINT a; COMMIT; BEGIN; COMMIT', project => 'wrong', replace => true);
CALL migrations.apply_each(project => 'wrong');
SELECT migrations.add('1', 'marked', E'BEGIN; SELECT 1; COMMIT; SELECT 2', project => 'wrong', transactional => true, replace => true);
CALL migrations.apply_each(project => 'wrong');
-- nothing but controls
SELECT migrations.add('1', 'empty', E'BEGIN; COMMIT; BEGIN; COMMIT', project => 'wrong', replace => true);
CALL migrations.apply_each(project => 'wrong') \gset
SELECT state FROM migrations.status('wrong');
-- BEGIN and COMMIT around one that is marked, or that can't be in one transaction
SELECT migrations.add('1', 'whole', 'BEGIN; INSERT INTO log VALUES (50); SELECT 1 / (SELECT count(*) FROM log WHERE n = 99); COMMIT', 'BEGIN; INSERT INTO log VALUES (51); SELECT 1 / 0; COMMIT', project => 'whole', transactional => false);
CALL migrations.apply_each(project => 'whole');
SELECT count(*) FROM log WHERE n = 50;
INSERT INTO log VALUES (99);
CALL migrations.apply_each(project => 'whole') \gset
SELECT count(*) FROM log WHERE n = 50;
CALL migrations.rollback_each(project => 'whole');
SELECT count(*) FROM log WHERE n = 51;
SELECT migrations.add('1', 'index', 'BEGIN; CREATE INDEX CONCURRENTLY log_n ON log (n); COMMIT', project => 'index');
CALL migrations.apply_each(project => 'index');
