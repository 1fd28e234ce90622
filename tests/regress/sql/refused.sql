-- Statements that a body may not hold are refused before anything has run.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
CREATE TABLE ran (what text);
SELECT migrations.add('001', 'runs first', 'INSERT INTO ran VALUES (''001'')');

CREATE PROCEDURE try(body text) LANGUAGE plpgsql AS $$
DECLARE
    detail text; hint text; context text;
BEGIN
    PERFORM migrations.add('002', 'tried', E'INSERT INTO ran VALUES (''002'');\n' || body, replace => true);
    PERFORM migrations.apply();
    RAISE 'was applied, and is undone';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
    RAISE WARNING USING MESSAGE = sqlstate || ' ' || sqlerrm || E'\n  ' || split_part(context, E'\n', 1);
END $$;

-- transaction control
SELECT migrations.add('002', 'tried', E'INSERT INTO ran VALUES (''002'');\n\n  COMMIT;\nSELECT 1');
SELECT * FROM migrations.apply();
CALL try('BEGIN');
CALL try('COMMIT');
CALL try('END');
CALL try('ROLLBACK');
CALL try('ABORT');
CALL try('SAVEPOINT s');
CALL try('ROLLBACK TO s');
CALL try('RELEASE s');
CALL try('PREPARE TRANSACTION ''x''');
CALL try('COMMIT PREPARED ''x''');
SELECT migrations.add('002', 'tried', 'BEGIN; INSERT INTO ran VALUES (''002''); COMMIT AND CHAIN', replace => true);
SELECT * FROM migrations.apply();
SELECT migrations.add('002', 'tried', 'BEGIN ISOLATION LEVEL SERIALIZABLE; INSERT INTO ran VALUES (''002''); COMMIT', replace => true);
SELECT * FROM migrations.apply();
SELECT migrations.add('002', 'tried', 'BEGIN; INSERT INTO ran VALUES (''002''); COMMIT; BEGIN; COMMIT', replace => true);
SELECT * FROM migrations.apply();

-- what can't run inside a transaction
SELECT migrations.add('002', 'tried', E'INSERT INTO ran VALUES (''002'');\nCREATE INDEX CONCURRENTLY ON ran (what);', replace => true);
SELECT * FROM migrations.apply();
CALL try('DROP INDEX CONCURRENTLY i');
CALL try('REINDEX TABLE CONCURRENTLY ran');
CALL try('REINDEX (CONCURRENTLY, VERBOSE) INDEX i');
CALL try('REINDEX (CONCURRENTLY false) TABLE ran');
CALL try('REINDEX SCHEMA public');
CALL try('REINDEX DATABASE regress');
CALL try('REINDEX SYSTEM regress');
CALL try('VACUUM');
CALL try('VACUUM ANALYZE ran');
CALL try('ANALYZE ran');
CALL try('CLUSTER');
CALL try('ALTER SYSTEM SET work_mem = ''1MB''');
CALL try('CREATE DATABASE x');
CALL try('DROP DATABASE x');
CALL try('ALTER DATABASE x SET TABLESPACE y');
CALL try('CREATE TABLESPACE x LOCATION ''/x''');
CALL try('DROP TABLESPACE x');
CALL try('ALTER TABLE ran DETACH PARTITION p CONCURRENTLY');
CALL try('CREATE SUBSCRIPTION s CONNECTION '''' PUBLICATION p');
-- hidden from the parse tree: the server refuses, the run as a whole is undone
CALL try('DO $d$ BEGIN COMMIT; END $d$');
CALL try('DO $d$ BEGIN EXECUTE ''VACUUM''; END $d$');
-- the mark
SELECT migrations.add('002', 'marked', 'SELECT 1', transactional => false, replace => true);
SELECT version, transactional FROM migrations.plan();
SELECT * FROM migrations.apply();

-- data of the client's connection
SELECT migrations.add('002', 'tried', 'COPY ran FROM stdin (FORMAT binary)', replace => true);
SELECT * FROM migrations.apply();
CALL try('COPY ran TO stdout');

-- what would end the run itself
SELECT migrations.add('002', 'tried', 'DISCARD ALL', replace => true);
SELECT * FROM migrations.apply();
CALL try('DISCARD PLANS');
CALL try('DROP EXTENSION pg_migrations');
CALL try('DROP EXTENSION IF EXISTS plpgsql, pg_migrations CASCADE');
CALL try('ALTER EXTENSION pg_migrations UPDATE');
CALL try('ALTER EXTENSION pg_migrations DROP TABLE migrations.applied');
CALL try('ALTER EXTENSION pg_migrations ADD TABLE ran');
CALL try('DO $d$ BEGIN EXECUTE ''DROP EXTENSION pg_migrations CASCADE''; END $d$');
CALL try('DROP SCHEMA migrations CASCADE');
CALL try('DROP TABLE migrations.applied CASCADE');
CALL try('TRUNCATE migrations.applied');
CALL try('DELETE FROM migrations.applied');
CALL try('UPDATE migrations.event SET name = ''x''');
CALL try('ALTER TABLE migrations.applied RENAME TO other');
CALL try('ALTER TABLE migrations.applied SET SCHEMA public');
CALL try('SET session_replication_role = replica; TRUNCATE migrations.event');
CALL try('SET session_replication_role = replica; DELETE FROM migrations.applied');
CALL try('SELECT * FROM migrations.apply()');
CALL try('SELECT * FROM migrations.rollback()');
CALL try('SELECT migrations.add(''003'', ''x'', '''')');
CALL try('SELECT version FROM migrations.status()');

-- nothing of the refused ones is left
SELECT * FROM ran;
SELECT version, state FROM migrations.status();
SELECT pg_catalog.count(*) FROM migrations.history WHERE action = 'apply';

-- the tables are guarded outside of migrations, too
UPDATE migrations.project SET name = 'x';
DELETE FROM migrations.migration;
TRUNCATE migrations.event;
SELECT migrations.guard();
