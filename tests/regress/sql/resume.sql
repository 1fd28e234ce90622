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

-- What a statement has left is dropped, whatever stands in its place by now.
CREATE TABLE left_over (id int, v text);
INSERT INTO left_over VALUES (1, 'x'), (1, 'x');
\set left_over 'SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = ''left_over''::regclass ORDER BY 1'
SELECT migrations.add('004', 'left', 'SELECT 1; CREATE UNIQUE INDEX CONCURRENTLY left_over_id ON left_over (id)');
CALL migrations.apply_each();
:left_over;
SELECT migrations.add('004', 'left', 'SELECT 1; VACUUM left_over', replace => true);
CALL migrations.apply_each() \gset
:left_over;
SELECT migrations.add('005', 'left', 'SELECT 1; CREATE UNIQUE INDEX CONCURRENTLY ON left_over (id); SELECT 3');
CALL migrations.apply_each();
:left_over;
SELECT migrations.add('005', 'left', 'SELECT 1', replace => true);
CALL migrations.apply_each() \gset
:left_over;
SELECT version, state FROM migrations.status() WHERE version >= '004';
-- but one that is whole has run, so that its text must not change
SELECT migrations.add('006', 'right', 'CREATE INDEX CONCURRENTLY left_over_v ON left_over (v); SELECT 1 / 0');
CALL migrations.apply_each();
SELECT forget(1);
SELECT migrations.add('006', 'right', 'SELECT 1', replace => true);
CALL migrations.apply_each();
SELECT migrations.add('006', 'right', 'CREATE INDEX CONCURRENTLY left_over_v ON left_over (v); SELECT 1', replace => true);
CALL migrations.apply_each() \gset
SELECT version, state FROM migrations.status() WHERE version = '006';
:left_over;

-- What a REINDEX leaves, wherever it was at work. Of system catalogs only older servers warn.
SET client_min_messages = error;
CREATE TABLE parts (id int, v text) PARTITION BY LIST (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE INDEX parts_v ON parts (v);
\set cut_off 'SET allow_system_table_mods = on; UPDATE pg_index SET indisvalid = false WHERE indexrelid::regclass::text ~ ''_ccnew''; RESET allow_system_table_mods'
\set leftovers 'SELECT count(*) FROM pg_class WHERE relname ~ ''_ccnew'''
SELECT migrations.add('007', 'reindex', 'REINDEX TABLE CONCURRENTLY parts; REINDEX SCHEMA CONCURRENTLY public; REINDEX DATABASE CONCURRENTLY regress_resume; SELECT 1 / 0');
CALL migrations.apply_each();
CREATE INDEX parts_1_v_idx_ccnew ON parts_1 (v);
:cut_off; SELECT forget(1); CALL migrations.apply_each();
:leftovers;
CREATE INDEX left_over_v_ccnew1 ON left_over (v);
:cut_off; SELECT forget(2); CALL migrations.apply_each();
:leftovers;
CREATE INDEX "Odd Index_ccnew" ON "Odd Schema"."Odd Table" ("Odd Column");
-- whose name is like that, but which is no copy of another index
CREATE INDEX "Odd Index_ccnew1" ON "Odd Schema"."Odd Table" (id);
:cut_off; SELECT forget(3); CALL migrations.apply_each();
SELECT relname FROM pg_class WHERE relname ~ '_ccnew';
DROP INDEX "Odd Schema"."Odd Index_ccnew1";
-- whose original was dropped meanwhile
CREATE INDEX orphan_ccnew ON left_over (v);
:cut_off; SELECT forget(2); CALL migrations.apply_each();
SELECT relname FROM pg_class WHERE relname ~ '_ccnew';
SELECT migrations.mark_pending('007') \gset
SELECT migrations.remove('007') \gset
SET client_min_messages = warning;

-- The same failure again is counted, and is in the history once an hour.
SELECT migrations.add('008', 'fails', 'SELECT 1 / 0');
\set log 'SELECT seq - min(seq) OVER () AS seq, sqlstate, times FROM migrations.history WHERE version = ''008'' AND outcome = ''failure'' ORDER BY seq'
CREATE FUNCTION pass(span interval) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL session_replication_role = replica;
    UPDATE migrations.unfinished SET recorded_at = recorded_at - span, last_failed_at = last_failed_at - span;
END $$;
CALL migrations.apply_each();
CALL migrations.apply_each();
CALL migrations.apply_each();
:log;
SELECT pass('59 minutes');
CALL migrations.apply_each();
:log;
SELECT pass('1 minute');
CALL migrations.apply_each();
:log;
SELECT message FROM migrations.status() WHERE version = '008';
-- another one is at once
SELECT migrations.add('008', 'fails', 'SELECT * FROM nowhere', replace => true);
CALL migrations.apply_each();
:log;
