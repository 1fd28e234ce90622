-- apply_each(), rollback_each(): a transaction for each migration, or for each statement.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -
SELECT migrations.add('001', 'table', $$CREATE TABLE t (id int, v text); INSERT INTO t SELECT g, 'x' FROM generate_series(1, 100) g$$, 'DROP TABLE t');
SELECT migrations.add('002', 'indexes', $$CREATE INDEX CONCURRENTLY t_id ON t (id);
INSERT INTO t VALUES (101, 'y');
VACUUM t;
CREATE UNIQUE INDEX CONCURRENTLY t_v ON t (v);
REINDEX TABLE CONCURRENTLY t$$, 'DROP INDEX CONCURRENTLY t_v; DROP INDEX CONCURRENTLY t_id');
SELECT migrations.add('003', 'loop', $_$CREATE TABLE log (n int);
DO $$BEGIN FOR i IN 1 .. 3 LOOP INSERT INTO log VALUES (i); COMMIT; END LOOP; END$$$_$, 'DROP TABLE log', transactional => false);
SELECT migrations.add('004', 'last', 'SET search_path = pg_catalog; CREATE TABLE public.last ()', 'DROP TABLE last');

-- what a transaction can't hold
SELECT step, version, transactional, reason FROM migrations.plan();
SELECT version FROM migrations.apply();
SELECT version FROM migrations.apply(only_version => '003');
SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace;

-- a unique index over duplicates: what was done stays, the next call goes on
CALL migrations.apply_each();
SELECT version, state, message FROM migrations.status();
SELECT statement_no, command, is_done FROM migrations.journal ORDER BY 1;
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 't'::regclass ORDER BY 1;
SELECT version FROM migrations.apply('002');
CALL migrations.apply_each();
SELECT version, outcome, sqlstate, statement_no, line_no, times FROM migrations.history WHERE action = 'apply' ORDER BY seq;
-- the part that has run must not change
SELECT migrations.add('002', 'indexes', 'SELECT 1', replace => true);
CALL migrations.apply_each();
SELECT version FROM migrations.apply('002');
SELECT version, state, message FROM migrations.status() WHERE version = '002';
-- what comes after it may
SELECT migrations.add('002', 'indexes', $$CREATE INDEX CONCURRENTLY t_id ON t (id);
INSERT INTO t VALUES (101, 'y');
VACUUM t;
CREATE UNIQUE INDEX CONCURRENTLY t_v ON t (v, id);
REINDEX TABLE CONCURRENTLY t$$, 'DROP INDEX CONCURRENTLY t_v; DROP INDEX CONCURRENTLY t_id', replace => true);
CALL migrations.apply_each('002') \gset
\echo :applied
SELECT count(*) FROM t;
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 't'::regclass ORDER BY 1;
CALL migrations.apply_each() \gset
\echo :applied
SELECT * FROM log;
SHOW search_path;
SHOW lock_timeout;
SELECT version, state, message FROM migrations.status();
SELECT count(*) FROM migrations.journal;
SET client_min_messages = notice;
CALL migrations.apply_each();
CALL migrations.apply_each(project => 'default', only_version => '001');
SET client_min_messages = warning;

-- back, one by one
CALL migrations.rollback_each(5);
CALL migrations.rollback_each(0);
CALL migrations.rollback_each(NULL);
SELECT version FROM migrations.rollback(3);
SELECT version, state FROM migrations.status() WHERE state <> 'applied';
CALL migrations.rollback_each(3, rolled_back => 7) \gset
\echo :rolled_back
SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace;

-- where it can't commit
BEGIN;
CALL migrations.apply_each();
ROLLBACK;
SELECT 1 \; CALL migrations.apply_each();
DO $$DECLARE n int; r uuid; BEGIN CALL migrations.apply_each(applied => n, run_id => r); END$$;
DO $$DECLARE n int; r uuid; BEGIN CALL migrations.rollback_each(rolled_back => n, run_id => r); EXCEPTION WHEN OTHERS THEN RAISE WARNING '% %', SQLSTATE, SQLERRM; END$$;
CREATE PROCEDURE wrapped() LANGUAGE plpgsql AS $$DECLARE n int; r uuid; BEGIN CALL migrations.apply_each(applied => n, run_id => r); END$$;
CALL wrapped();
SELECT state, count(*) FROM migrations.status() GROUP BY 1;

-- what is wrong is found before the first one runs
SELECT migrations.add('005', 'wrong', 'SELEC', project => 'p');
SELECT migrations.add('001', 'right', 'CREATE TABLE right_one ()', project => 'p');
CALL migrations.apply_each(project => 'p');
SELECT migrations.add('005', 'wrong', 'CREATE INDEX CONCURRENTLY i ON t (id); ROLLBACK', project => 'p', replace => true);
CALL migrations.apply_each(project => 'p');
SELECT migrations.add('005', 'wrong', 'CREATE INDEX CONCURRENTLY i ON t (id)', project => 'p', transactional => true, replace => true);
CALL migrations.apply_each(project => 'p');
CALL migrations.apply_each(project => 'nowhere');
CALL migrations.apply_each('099', 'p');
CALL migrations.apply_each('001', 'p', '001');
SELECT to_regclass('right_one');

-- an error is the server's own, with its place; settings and role are back
CREATE ROLE regress_other;
SELECT migrations.add('001', 'five', E'INSERT INTO five VALUES (1);\nSET ROLE regress_other; SET app.leak = 1; SET lock_timeout = ''9s'';\nRESET ROLE; INSERT INTO five VALUES (1 / (SELECT (count(*) = 99)::int FROM five));\nINSERT INTO five VALUES (4); SHOW lock_timeout; CREATE INDEX CONCURRENTLY ON five (n)', project => 'five');
CREATE TABLE five (n int);
CALL migrations.apply_each(project => 'five');
SELECT current_user = session_user AS back, current_setting('app.leak', true) AS leak, current_setting('lock_timeout') AS timeout;
SELECT * FROM five;
INSERT INTO five SELECT 0 FROM generate_series(1, 98);
CALL migrations.apply_each(project => 'five') \gset
SELECT n, count(*) FROM five GROUP BY n ORDER BY n;
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 'five'::regclass;
SELECT current_user = session_user AS back, current_setting('app.leak', true) AS leak, current_setting('lock_timeout') AS timeout;
DROP ROLE regress_other;

-- a block that was cut off: only people can tell
SELECT migrations.add('001', 'cut', $_$CREATE TABLE cut (n int);
DO $$BEGIN INSERT INTO cut VALUES (1); COMMIT; INSERT INTO cut VALUES (1 / (SELECT count(*) - 1 FROM cut)); END$$;
INSERT INTO cut VALUES (3)$_$, project => 'cut', transactional => false);
CALL migrations.apply_each(project => 'cut');
CALL migrations.apply_each(project => 'cut');
SELECT version, state, message FROM migrations.status('cut');
SELECT * FROM migrations.retry('001', 'cut');
INSERT INTO cut VALUES (0);
CALL migrations.apply_each(project => 'cut') \gset
SELECT * FROM cut;
SELECT migrations.add('002', 'cut', $_$DO $$BEGIN INSERT INTO cut VALUES (5); COMMIT; RAISE 'half'; END$$; INSERT INTO cut VALUES (6)$_$, project => 'cut', transactional => false);
CALL migrations.apply_each(project => 'cut');
SELECT * FROM migrations.mark_statement_done('002', 'cut', 'all there');
CALL migrations.apply_each(project => 'cut') \gset
SELECT * FROM cut WHERE n > 4;
-- undone as a whole it was never started
SELECT migrations.add('003', 'cut', $_$DO $$BEGIN INSERT INTO cut VALUES (7); RAISE 'at once'; END$$$_$, project => 'cut', transactional => false);
CALL migrations.apply_each(project => 'cut');
SELECT count(*) FROM migrations.journal;
SELECT version, state FROM migrations.status('cut') WHERE state <> 'applied';
SET client_min_messages = notice;
SELECT * FROM migrations.retry('003', 'cut');
SELECT * FROM migrations.mark_statement_done('003', 'cut');
SELECT * FROM migrations.mark_statement_done('099', 'cut');
SELECT * FROM migrations.retry(NULL, 'cut');
SET client_min_messages = warning;
-- nothing of it counts any more
SELECT * FROM migrations.mark_pending('003', 'cut');
SELECT version, state FROM migrations.status('cut');

-- preconditions and verify scripts, skipped ones and what requires them
SELECT migrations.add('001', 'a', 'CREATE TABLE conditions (); VACUUM conditions', project => 'cond', precondition => 'SELECT to_regclass(''conditions'') IS NULL', verify => 'SELECT to_regclass(''conditions'') IS NOT NULL');
SELECT migrations.add('002', 'b', 'VACUUM conditions', project => 'cond', precondition => 'SELECT false', on_fail => 'skip');
SELECT migrations.add('003', 'c', 'VACUUM conditions', project => 'cond', requires => '{002}');
SELECT migrations.add('004', 'd', 'VACUUM conditions', project => 'cond', precondition => 'SELECT false', on_fail => 'mark');
SELECT migrations.add('005', 'e', 'VACUUM conditions', project => 'cond', verify => 'SELECT false');
CALL migrations.apply_each(project => 'cond');
SELECT version, state, message FROM migrations.status('cond');
SELECT version, action, outcome FROM migrations.history WHERE project = 'cond' AND run_id IS NOT NULL ORDER BY seq;

SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';

-- errors while the record is being kept, and what a text does to the session in between
SELECT migrations.add('1', 'a', 'SET default_transaction_read_only = on; VACUUM five; SELECT 1', project => 'session');
CALL migrations.apply_each(project => 'session');
SHOW default_transaction_read_only;
CREATE SCHEMA app;
SELECT migrations.add('1', 'b', 'SELECT pg_catalog.set_config(''search_path'', ''app'', false); CREATE TABLE here (x int); VACUUM here; SELECT 1 / (SELECT count(*) FROM public.five WHERE n = 77); CREATE TABLE there (x int)', project => 'session2');
CALL migrations.apply_each(project => 'session2');
INSERT INTO five VALUES (77);
CALL migrations.apply_each(project => 'session2') \gset
SELECT oid::regclass FROM pg_class WHERE relname IN ('here', 'there') ORDER BY 1;
SELECT migrations.add('1', 'c', 'DO $$BEGIN PERFORM pg_advisory_unlock_all(); END$$; VACUUM five; DO $$BEGIN PERFORM pg_advisory_unlock_all(); END$$; INSERT INTO five VALUES (88)', project => 'unlock');
CALL migrations.apply_each(project => 'unlock') \gset
SELECT version, state FROM migrations.status('unlock');
-- an index of somebody else's is no sign that ours is built
CREATE TABLE two (a int, b int);
INSERT INTO two VALUES (1, 1), (1, 2);
SELECT migrations.add('1', 'd', 'CREATE UNIQUE INDEX CONCURRENTLY ON two (a)', project => 'two');
CALL migrations.apply_each(project => 'two');
CREATE INDEX ON two (b);
DELETE FROM two WHERE b = 2;
CALL migrations.apply_each(project => 'two') \gset
SELECT indexrelid::regclass, indisvalid, indisunique FROM pg_index WHERE indrelid = 'two'::regclass ORDER BY 1;
-- a text that is stored out of line
SELECT migrations.add('1', 'e', '-- ' || repeat('x', 10000) || E'\nCREATE TABLE long (x int)', '-- ' || repeat('x', 10000) || E'\nDROP TABLE long', project => 'long');
CALL migrations.apply_each(project => 'long') \gset
CALL migrations.rollback_each(project => 'long') \gset
SELECT action, outcome FROM migrations.history WHERE project = 'long' AND run_id IS NOT NULL ORDER BY seq;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
-- what is found before the first migration starts is in the record, too
SELECT migrations.add('1', 'fine', 'SELECT 1', project => 'unfit');
SELECT migrations.add('2', 'unfit', E'SELECT 1;\nSELEC 2', project => 'unfit');
CALL migrations.apply_each(project => 'unfit');
CALL migrations.apply_each(project => 'unfit');
SELECT version, state, message FROM migrations.status('unfit');
SELECT action, version, outcome, sqlstate, line_no FROM migrations.history WHERE project = 'unfit' ORDER BY seq;
SELECT migrations.add('2', 'unfit', 'SELECT 2', project => 'unfit', replace => true);
CALL migrations.apply_each(project => 'unfit') \gset
SELECT version, state, message FROM migrations.status('unfit');
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
-- what is skipped isn't counted
SELECT migrations.add('1', 'skips', 'SELECT 1', project => 'counted', precondition => 'SELECT false', on_fail => 'skip');
SELECT migrations.add('2', 'runs', 'SELECT 1', project => 'counted');
CALL migrations.apply_each(project => 'counted', only_version => '1') \gset
\echo :applied
CALL migrations.apply_each(project => 'counted') \gset
\echo :applied

-- a skip holds until it is applied, however often that fails
CREATE TABLE skip_ready ();
SELECT migrations.add('1', 'skips', 'SELECT 1 / (SELECT count(*) FROM skip_divisor)', project => 'skips',
    precondition => 'SELECT to_regclass(''skip_ready'') IS NULL', on_fail => 'skip');
SELECT migrations.add('2', 'later', 'CREATE TABLE skip_divisor (i int)', project => 'skips');
CALL migrations.apply_each(project => 'skips') \gset
DROP TABLE skip_ready;
CALL migrations.apply_each(project => 'skips') \gset
SELECT version, state FROM migrations.status('skips');
SELECT step, version, reason FROM migrations.plan(project => 'skips');
INSERT INTO skip_divisor VALUES (1);
SELECT version, direction FROM migrations.apply(project => 'skips');
