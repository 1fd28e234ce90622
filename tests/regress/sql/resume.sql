-- A statement that commits by itself was killed after its end and before that was noted:
-- the catalog decides. (What a kill would leave in the journal is put there by hand.)
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -
CREATE SCHEMA "Odd Schema";
CREATE TABLE "Odd Schema"."Odd Table" (id int, "Odd Column" text);
CREATE TABLE whole (id int) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF whole FOR VALUES IN (1);
INSERT INTO "Odd Schema"."Odd Table" SELECT g, 'x' FROM generate_series(1, 10) g;
CREATE INDEX gone ON "Odd Schema"."Odd Table" (id);
SELECT format($_$
SET search_path = "Odd Schema";
CREATE INDEX CONCURRENTLY "Odd Index" ON "Odd Table" ("Odd Column");
CREATE INDEX CONCURRENTLY ON "Odd Table" ("Odd Column", id);
DROP INDEX CONCURRENTLY gone;
REINDEX INDEX CONCURRENTLY "Odd Index";
VACUUM "Odd Table";
ALTER SYSTEM SET work_mem = '5MB';
ALTER TABLE public.whole DETACH PARTITION public.part CONCURRENTLY;
CREATE DATABASE regress_resume_made;
DROP DATABASE regress_resume_made;
REINDEX SCHEMA "Odd Schema";
ALTER SYSTEM RESET work_mem;
INSERT INTO "Odd Table" VALUES (11, 'y');
%s$_$, 'SELECT 1 / 0') AS body \gset
SELECT migrations.add('001', 'all', :'body');
CALL migrations.apply_each();
SELECT statement_no, command, is_done, indexes IS NOT NULL AS facts FROM migrations.journal ORDER BY 1;

-- each of them in turn is one of which only the start is on record
CREATE FUNCTION forget(n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL session_replication_role = replica;
    UPDATE migrations.journal SET is_done = false WHERE statement_no = n;
END $$;
\set indexes 'SELECT relname, indisvalid, pg_get_indexdef(indexrelid) LIKE ''%UNIQUE%'' AS uniq FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = ''"Odd Schema"."Odd Table"''::regclass ORDER BY 1'
:indexes;
SELECT forget(12); CALL migrations.apply_each();
SELECT forget(11); CALL migrations.apply_each();
-- a database that is gone is dropped; one that is there is made
SELECT forget(10); CALL migrations.apply_each();
SELECT forget(9); CALL migrations.apply_each();
SELECT count(*) FROM pg_database WHERE datname = 'regress_resume_made';
SELECT forget(9); CALL migrations.apply_each();
SELECT forget(10); CALL migrations.apply_each();
SELECT count(*) FROM pg_database WHERE datname = 'regress_resume_made';
SELECT forget(8); CALL migrations.apply_each();
SELECT forget(7); CALL migrations.apply_each();
SELECT forget(6); CALL migrations.apply_each();
SELECT forget(5); CALL migrations.apply_each();
SELECT forget(4); CALL migrations.apply_each();
SELECT forget(3); CALL migrations.apply_each();
SELECT forget(2); CALL migrations.apply_each();
:indexes;
-- invalid ones are built anew
SET allow_system_table_mods = on;
UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"Odd Schema"."Odd Index"'::regclass;
RESET allow_system_table_mods;
SELECT forget(2); CALL migrations.apply_each();
:indexes;
-- the ordinary one was never in question
SELECT count(*) FROM "Odd Schema"."Odd Table" WHERE id = 11;
-- the rest goes on
SELECT replace(:'body', 'SELECT 1 / 0', 'SELECT 1') AS body \gset
SELECT migrations.add('001', 'all', :'body', replace => true);
CALL migrations.apply_each() \gset
SELECT version, state FROM migrations.status();
:indexes;
SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'whole'::regclass;
SELECT count(*) FROM migrations.journal;

-- with IF NOT EXISTS the server passes over an invalid index
CREATE INDEX bad ON "Odd Schema"."Odd Table" (id);
SET allow_system_table_mods = on;
UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"Odd Schema".bad'::regclass;
RESET allow_system_table_mods;
SELECT migrations.add('002', 'bad', 'CREATE INDEX CONCURRENTLY IF NOT EXISTS bad ON "Odd Schema"."Odd Table" (id)');
CALL migrations.apply_each();
SELECT state FROM migrations.status() WHERE version = '002';
DROP INDEX CONCURRENTLY "Odd Schema".bad;
CALL migrations.apply_each() \gset
SELECT state FROM migrations.status() WHERE version = '002';

-- a down that stops halfway, and goes on
SELECT migrations.add('003', 'down', 'CREATE TABLE half (id int); CREATE INDEX half_id ON half (id)', 'DROP INDEX CONCURRENTLY half_id; SELECT 1 / 0; DROP TABLE half');
CALL migrations.apply_each() \gset
CALL migrations.rollback_each(1);
SELECT state, message FROM migrations.status() WHERE version = '003';
SELECT version FROM migrations.rollback(1);
CALL migrations.rollback_each(1);
SELECT migrations.add('003', 'down', 'CREATE TABLE half (id int); CREATE INDEX half_id ON half (id)', 'DROP INDEX CONCURRENTLY half_id; SELECT 1; DROP TABLE half', replace => true);
SELECT version, action FROM migrations.accept_changes('003');
CALL migrations.rollback_each(1) \gset
SELECT state, message FROM migrations.status() WHERE version = '003';
SELECT to_regclass('half');
