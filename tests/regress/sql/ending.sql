-- One transaction for many migrations: what a commit of a migration's own transaction would
-- end, ends with it; what the caller has made stays.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;

-- temporary tables, however they are made
SELECT migrations.add('01', 'drop', 'CREATE TEMP TABLE t ON COMMIT DROP AS SELECT 1 AS i');
SELECT migrations.add('02', 'drop again', 'CREATE TEMP TABLE t (i int) ON COMMIT DROP; INSERT INTO t VALUES (2)');
SELECT migrations.add('03', 'in a block', $$DO 'BEGIN EXECUTE ''CREATE TEMP TABLE t (i int) ON COMMIT DROP''; END'$$);
SELECT migrations.add('04', 'in a function', $$
CREATE FUNCTION make() RETURNS void LANGUAGE sql AS 'CREATE TEMP TABLE t (i int) ON COMMIT DROP';
SELECT make();
ALTER TABLE t RENAME TO other;
CREATE TEMP TABLE t (i int) ON COMMIT DROP$$);
SELECT migrations.add('05', 'explained', 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) CREATE TEMP TABLE t ON COMMIT DROP AS SELECT 1 AS i');
SELECT migrations.add('06', 'qualified', 'CREATE TABLE pg_temp.t (i int) ON COMMIT DROP; CREATE TABLE pg_temp.other (i int) ON COMMIT DROP');
SELECT migrations.add('07', 'undone', $$
DO 'BEGIN CREATE TEMP TABLE t (i int) ON COMMIT DROP; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN END';
CREATE TEMP TABLE t (i int) ON COMMIT DROP; DROP TABLE t;
CREATE TEMP TABLE t (i int PRIMARY KEY) ON COMMIT DROP;
CREATE TEMP TABLE child (i int REFERENCES t) ON COMMIT DROP;
CREATE TEMP VIEW seen AS SELECT * FROM t$$);
SELECT migrations.add('08', 'parted', 'CREATE TEMP TABLE t (i int) PARTITION BY LIST (i) ON COMMIT DROP; CREATE TEMP TABLE child PARTITION OF t DEFAULT ON COMMIT DROP');
SELECT migrations.add('09', 'rows', 'CREATE TEMP TABLE rows (i int PRIMARY KEY, t text) ON COMMIT DELETE ROWS; INSERT INTO rows VALUES (1)');
SELECT migrations.add('10', 'rows again', 'INSERT INTO rows VALUES (1); CREATE TABLE counted AS SELECT 10 AS migration, count(*) FROM rows');
SELECT migrations.add('11', 'and again', 'INSERT INTO rows VALUES (1), (2); INSERT INTO counted SELECT 11, count(*) FROM rows; CREATE TEMP TABLE preserved ON COMMIT PRESERVE ROWS AS SELECT 1 AS i; CREATE TEMP TABLE IF NOT EXISTS preserved (i int) ON COMMIT DROP');
SELECT migrations.add('12', 'last', 'INSERT INTO counted SELECT 12, count(*) FROM rows; INSERT INTO counted SELECT 13, count(*) FROM preserved');
BEGIN;
CREATE TEMP TABLE mine (i int) ON COMMIT DROP;
CREATE TEMP TABLE my_rows ON COMMIT DELETE ROWS AS SELECT 1 AS i;
INSERT INTO mine VALUES (1);
INSERT INTO my_rows VALUES (2);
SELECT count(*) FROM migrations.apply();
SELECT count(*) FROM mine;
SELECT count(*) FROM my_rows;
SELECT * FROM counted ORDER BY 1;
SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind IN ('r', 'p', 'v') ORDER BY 1;
COMMIT;
DROP TABLE preserved;

-- a rollback of many, and the way back
SELECT migrations.add('20', 'a', 'SELECT 1', down => 'CREATE TEMP TABLE ids ON COMMIT DROP AS SELECT 1; DECLARE c CURSOR FOR SELECT 1');
SELECT migrations.add('21', 'b', 'SELECT 1', down => 'CREATE TEMP TABLE ids ON COMMIT DROP AS SELECT 1; DECLARE c CURSOR FOR SELECT 1');
SELECT count(*) FROM migrations.apply();
SELECT version, direction FROM migrations.redo(2);

-- a verify script still sees them; what a condition makes is undone anyway
SELECT migrations.add('22', 'seen', 'CREATE TEMP TABLE ids ON COMMIT DROP AS SELECT 1 AS i',
    precondition => 'CREATE TEMP TABLE ids (i int) ON COMMIT DROP; DECLARE c CURSOR FOR SELECT 1; SELECT true',
    verify => 'CREATE TEMP TABLE t (i int) ON COMMIT DROP; SELECT count(*) = 1 FROM ids');
SELECT migrations.add('23', 'gone', 'DECLARE c CURSOR FOR SELECT 1', precondition => $$SELECT to_regclass('pg_temp.ids') IS NULL$$);
SELECT version FROM migrations.apply();

-- cursors: those of a migration are closed, held ones and the caller's stay
SELECT migrations.add('30', 'cursors', $$
CREATE TABLE read (i int);
CREATE FUNCTION open(c refcursor) RETURNS refcursor LANGUAGE plpgsql AS 'BEGIN OPEN c FOR SELECT * FROM read; RETURN c; END';
DECLARE c CURSOR FOR SELECT * FROM read;
SELECT open('d'), open(NULL);
DECLARE held CURSOR WITH HOLD FOR SELECT 1;
$$);
SELECT migrations.add('31', 'again', $$
ALTER TABLE read ADD j int;
DECLARE c CURSOR FOR SELECT 1;
SELECT open('d');
CLOSE mine; DECLARE mine CURSOR FOR SELECT 2;
$$);
BEGIN;
DECLARE mine CURSOR FOR SELECT 1;
DECLARE yours CURSOR FOR SELECT 2;
SELECT version FROM migrations.apply();
SELECT name, is_holdable FROM pg_cursors ORDER BY 1;
FETCH yours;
COMMIT;
SELECT name, is_holdable FROM pg_cursors ORDER BY 1;
CLOSE held;

-- modes of constraints
CREATE TABLE p (i int PRIMARY KEY);
CREATE TABLE k (i int CONSTRAINT late REFERENCES p DEFERRABLE INITIALLY DEFERRED, j int CONSTRAINT soon REFERENCES p DEFERRABLE);
CREATE SCHEMA other;
CREATE TABLE other.k (i int CONSTRAINT late REFERENCES p DEFERRABLE INITIALLY DEFERRED);
-- which modes they have
CREATE FUNCTION modes() RETURNS text LANGUAGE plpgsql AS $$
DECLARE s text; found text := '';
BEGIN
    FOREACH s IN ARRAY ARRAY['public.k (i)', 'other.k (i)', 'public.k (j)', 'public.k2 (i)'] LOOP
        IF s = 'public.k2 (i)' AND to_regclass('k2') IS NULL THEN CONTINUE; END IF;
        BEGIN
            EXECUTE format('INSERT INTO %s VALUES (99)', s);
            RAISE division_by_zero;
        EXCEPTION WHEN division_by_zero THEN found := found || s || ' deferred, ';
            WHEN foreign_key_violation THEN found := found || s || ' immediate, ';
        END;
    END LOOP;
    RETURN rtrim(found, ', ');
END $$;
CREATE TABLE had (version text, modes text);
SELECT migrations.add('40', 'named', $$SET CONSTRAINTS late IMMEDIATE; SET CONSTRAINTS public.soon DEFERRED; INSERT INTO had SELECT '40', modes()$$);
SELECT migrations.add('41', 'look', $$INSERT INTO had SELECT '41', modes()$$);
SELECT migrations.add('42', 'all', $$SET CONSTRAINTS ALL IMMEDIATE; INSERT INTO had SELECT '42', modes()$$);
SELECT migrations.add('43', 'all deferred', $$SET CONSTRAINTS ALL DEFERRED; CREATE TABLE k2 (i int CONSTRAINT later REFERENCES p DEFERRABLE);
    INSERT INTO had SELECT '43', modes(); INSERT INTO k (j) VALUES (7); INSERT INTO k2 VALUES (7); INSERT INTO p VALUES (7)$$);
SELECT migrations.add('44', 'look', $$INSERT INTO had SELECT '44', modes()$$);
SELECT migrations.add('45', 'in a block', $$DO 'BEGIN SET CONSTRAINTS other.late IMMEDIATE; END'; INSERT INTO had SELECT '45', modes()$$);
SELECT migrations.add('46', 'undone', $$DO 'BEGIN SET CONSTRAINTS ALL IMMEDIATE; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN END'; INSERT INTO had SELECT '46', modes()$$,
    verify => $$DO 'BEGIN SET CONSTRAINTS ALL IMMEDIATE; END'; SELECT true$$);
SELECT migrations.add('47', 'look', $$INSERT INTO had SELECT '47', modes()$$);
SELECT version FROM migrations.apply();
SELECT * FROM had ORDER BY 1;
-- the caller's modes
SELECT migrations.add('48', 'both', 'SET CONSTRAINTS late, soon IMMEDIATE');
BEGIN;
SET CONSTRAINTS soon DEFERRED;
SELECT version FROM migrations.apply();
SELECT modes();
COMMIT;
SELECT migrations.add('50', 'dynamic', $$DO 'BEGIN SET CONSTRAINTS ALL DEFERRED; END'$$);
SELECT migrations.add('51', 'next', 'SELECT 1');
SELECT version FROM migrations.apply();
SELECT version FROM migrations.apply('50');
BEGIN;
SELECT migrations.mark_pending('50', reason => 'again');
SELECT version FROM migrations.apply('50');
SELECT version FROM migrations.apply('51');
ROLLBACK;
CALL migrations.apply_each() \gset
SELECT version FROM migrations.version();
DROP EXTENSION pg_migrations;
