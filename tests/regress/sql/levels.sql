-- Transactions of a text's own, with characteristics.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -
CREATE TABLE log (n int, level text, read_only text);
CREATE FUNCTION log(n int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO log VALUES (n, current_setting('transaction_isolation'), current_setting('transaction_read_only')) $$;
SELECT migrations.add('1', 'levels', $$SELECT log(1);
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT log(2);
SELECT log(3);
COMMIT;
START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE; SELECT log(4); COMMIT;
BEGIN; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SET TRANSACTION DEFERRABLE; SELECT log(5); END;
SELECT log(6);
CREATE INDEX CONCURRENTLY ON log (n);
BEGIN TRANSACTION READ WRITE; SELECT log(7); COMMIT;
BEGIN DEFERRABLE; COMMIT$$, 'BEGIN ISOLATION LEVEL SERIALIZABLE; TRUNCATE log; COMMIT');
SELECT version, transactional, reason FROM migrations.plan();
SELECT version FROM migrations.apply();
CALL migrations.apply_each() \gset
SELECT * FROM log ORDER BY n;
CALL migrations.rollback_each() \gset
SELECT count(*) FROM log;
-- READ ONLY: nothing can be written, our record neither, which is made behind it
SELECT migrations.add('2', 'read', $$BEGIN READ ONLY; SELECT 1; SELECT current_setting('transaction_read_only'); COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE; SELECT 1 / count(*) FROM log; COMMIT;
SELECT log(8)$$, project => 'read');
CALL migrations.apply_each(project => 'read');
SELECT statement_no, command, is_done FROM migrations.journal ORDER BY 1;
INSERT INTO log VALUES (0);
CALL migrations.apply_each(project => 'read') \gset
SELECT * FROM log ORDER BY n;
SELECT state FROM migrations.status('read');
SELECT migrations.add('3', 'write', E'BEGIN READ ONLY;\nSELECT log(9);\nCOMMIT', project => 'read');
CALL migrations.apply_each(project => 'read');
-- as a whole text, too, and marked
SELECT migrations.add('1', 'whole', $$BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT log(10); COMMIT$$, project => 'whole');
SELECT migrations.add('2', 'marked', $$BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT log(11); COMMIT$$, project => 'whole', transactional => false);
CALL migrations.apply_each('1', project => 'whole') \gset
CALL migrations.apply_each('2', project => 'whole') \gset
SELECT * FROM log WHERE n > 9 ORDER BY n;
SELECT migrations.add('3', 'transactional', E'SELECT 1;\nBEGIN ISOLATION LEVEL SERIALIZABLE; SELECT log(12); COMMIT', project => 'whole', transactional => true);
CALL migrations.apply_each(project => 'whole');
-- too late, and not at all
SELECT migrations.add('3', 'late', E'BEGIN; SELECT log(13);\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE; COMMIT; SELECT 1', project => 'whole', replace => true);
CALL migrations.apply_each(project => 'whole');
SELECT migrations.add('3', 'open', E'SELECT 1;\nBEGIN ISOLATION LEVEL SERIALIZABLE; SELECT log(13)', project => 'whole', replace => true);
CALL migrations.apply_each(project => 'whole');
SELECT migrations.add('3', 'within', E'SELECT 1;\nBEGIN ISOLATION LEVEL SERIALIZABLE;\nVACUUM log; COMMIT', project => 'whole', replace => true);
CALL migrations.apply_each(project => 'whole');
SELECT n FROM log WHERE n > 11;
DROP EXTENSION pg_migrations;
