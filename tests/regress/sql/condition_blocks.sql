-- Preconditions and verify scripts with transactions of their own, as many are written that
-- other tools ran: all is rolled back, and of a block that ROLLBACK ends nothing is seen behind it.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
CREATE TABLE t (i int PRIMARY KEY);
SELECT migrations.add('1', 'one', 'INSERT INTO t VALUES (1)', verify => E'BEGIN;\nSELECT 1/count(*) FROM t WHERE i = 1;\nROLLBACK;');
SELECT migrations.add('2', 'several', 'INSERT INTO t VALUES (2)',
    precondition => $$BEGIN; INSERT INTO t VALUES (2); SET LOCAL search_path = nowhere; SET statement_timeout = '9s'; ROLLBACK;
        START TRANSACTION; INSERT INTO t VALUES (2); SELECT current_setting('statement_timeout') <> '9s'; ABORT; INSERT INTO t VALUES (2)$$,
    verify => $$BEGIN; DELETE FROM t; CREATE TABLE made (); ROLLBACK;
        CREATE TABLE made ();
        BEGIN; CREATE TABLE kept (); COMMIT;
        BEGIN; BEGIN; DROP TABLE made, kept; ROLLBACK;
        BEGIN; ROLLBACK;
        BEGIN; SELECT count(*) = 2 FROM t; ROLLBACK$$);
-- what is deferred is checked in what isn't undone
CREATE TABLE k (i int REFERENCES t DEFERRABLE INITIALLY DEFERRED);
SELECT migrations.add('3', 'deferred', 'SELECT 3', verify => 'BEGIN; INSERT INTO k VALUES (99); ROLLBACK; SELECT true');
SELECT version, direction FROM migrations.apply();
SELECT version, ok, message FROM migrations.verify();
SELECT to_regclass('made'), to_regclass('kept'), (SELECT count(*) FROM t);
-- statements in a block are the answer
SELECT migrations.add('4', 'false', 'SELECT 4', verify => E'BEGIN;\nSELECT true;\nROLLBACK;\nBEGIN;\nSELECT false;\nROLLBACK;');
SELECT version FROM migrations.apply();
SELECT migrations.add('4', 'fails', 'SELECT 4', verify => E'BEGIN;\nSELECT 1;\nROLLBACK;\nBEGIN;\nSELECT 1/0;\nROLLBACK;', replace => true);
SELECT version FROM migrations.apply();
SELECT migrations.add('4', 'skip', 'SELECT 4', precondition => E'BEGIN; SELECT 1/0; ROLLBACK', on_fail => 'skip', replace => true);
SELECT version, direction, messages FROM migrations.apply();
CALL migrations.apply_each() \gset
-- without an end: it ends with the script
SELECT migrations.add('4', 'open', 'SELECT 4', verify => E'SELECT 1;\nBEGIN; INSERT INTO k VALUES (99); SELECT true', replace => true);
SELECT version FROM migrations.apply();
-- what is refused: no beginning, a level that a part of a transaction can't have, and others
SELECT migrations.mark_pending('4', reason => 'again');
SELECT migrations.add('4', 'closed', 'SELECT 4', verify => E'SELECT 1;\nROLLBACK; SELECT 1', replace => true);
SELECT version FROM migrations.apply();
SELECT migrations.add('4', 'savepoint', 'SELECT 4', verify => E'BEGIN; SAVEPOINT a; ROLLBACK TO a; ROLLBACK', replace => true);
SELECT version FROM migrations.apply();
SELECT migrations.add('4', 'level', 'SELECT 4', verify => E'BEGIN ISOLATION LEVEL SERIALIZABLE; ROLLBACK', replace => true);
SELECT version FROM migrations.apply();
SELECT migrations.add('4', 'chain', 'SELECT 4', verify => E'BEGIN; ROLLBACK AND CHAIN; ROLLBACK', replace => true);
SELECT version FROM migrations.apply();
DROP EXTENSION pg_migrations;
