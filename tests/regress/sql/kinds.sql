-- Every statement that the server refuses inside a transaction: applied by apply_each(),
-- refused by apply() by its name. (Subscriptions need a publisher: drivers/subscription.)
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -
SET allow_in_place_tablespaces = on;
CREATE TABLE t (id int PRIMARY KEY, v text, n int);
INSERT INTO t SELECT g, repeat('x', g), g % 7 FROM generate_series(1, 100) g;
CREATE INDEX t_n ON t (n);
CLUSTER t USING t_n;
CREATE TABLE whole (id int) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF whole FOR VALUES IN (1);
CREATE TABLE other PARTITION OF whole FOR VALUES IN (2);
CREATE INDEX whole_id ON whole (id);
CREATE PROCEDURE batches() LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. 3 LOOP
        UPDATE t SET v = v || i WHERE id = i;
        COMMIT;
    END LOOP;
END $$;
CREATE TABLE wanted (n serial PRIMARY KEY, body text);
INSERT INTO wanted (body) VALUES
    ('CREATE INDEX CONCURRENTLY t_v ON t (v)'),
    ('CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS t_u ON t (id, n)'),
    ('CREATE INDEX CONCURRENTLY ON t ((lower(v)))'),
    ('DROP INDEX CONCURRENTLY t_v'),
    ('DROP INDEX CONCURRENTLY IF EXISTS t_v'),
    ('REINDEX INDEX CONCURRENTLY t_n'),
    ('REINDEX TABLE CONCURRENTLY t'),
    ('REINDEX (CONCURRENTLY) TABLE public.whole'),
    ('REINDEX SCHEMA CONCURRENTLY public'),
    ('REINDEX SCHEMA public'),
    ('REINDEX DATABASE regress_kinds'),
    ('REINDEX DATABASE CONCURRENTLY regress_kinds'),
    ('REINDEX SYSTEM regress_kinds'),
    ('ALTER TABLE whole DETACH PARTITION part CONCURRENTLY'),
    ('VACUUM t'),
    ('VACUUM (ANALYZE, FREEZE) t, other'),
    ('VACUUM FULL t'),
    ('VACUUM'),
    ('VACUUM FULL'),
    ('CLUSTER'),
    ('ALTER SYSTEM SET work_mem = ''5MB'''),
    ('ALTER SYSTEM RESET ALL'),
    ('CREATE TABLESPACE regress_kinds LOCATION '''''),
    ('CREATE DATABASE regress_kinds_made TEMPLATE template0'),
    ('ALTER DATABASE regress_kinds_made SET TABLESPACE regress_kinds'),
    ('DROP DATABASE IF EXISTS regress_kinds_made WITH (FORCE)'),
    ('DROP TABLESPACE regress_kinds'),
    ('DO $$BEGIN INSERT INTO t VALUES (200); COMMIT; INSERT INTO t VALUES (201); ROLLBACK; END$$'),
    ('CALL batches()');
SELECT count(migrations.add(n::text, left(body, 40), body, transactional => CASE WHEN body ~ '^(DO|CALL)' THEN false END)) FROM wanted;

-- what plan() says of it, and what apply() does
SELECT version, transactional, reason FROM migrations.plan();
DO $$
DECLARE version int; hint text;
BEGIN
    FOR version IN SELECT n FROM wanted ORDER BY n LOOP
        BEGIN
            PERFORM migrations.apply(only_version => version::text);
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
            RAISE WARNING '% % [%]', SQLSTATE, SQLERRM, hint;
        END;
    END LOOP;
END $$;
SELECT count(*) FROM migrations.status() WHERE state <> 'pending';

-- Of system catalogs only older servers warn.
SET client_min_messages = error;
CALL migrations.apply_each() \gset
SET client_min_messages = warning;
\echo :applied
SELECT version, name, state, message FROM migrations.status() WHERE state <> 'applied';
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid IN ('t'::regclass, 'whole'::regclass, 'other'::regclass) ORDER BY 1;
SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'whole'::regclass;
SELECT right(v, 1), count(*) FROM t WHERE id <= 3 OR id >= 200 GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM pg_tablespace WHERE spcname = 'regress_kinds';
SELECT count(*) FROM migrations.journal;
SHOW work_mem;

-- one text with several of them and ordinary ones between
SELECT migrations.add('30', 'mixed', $_$
CREATE TABLE mixed (id int, v text);
INSERT INTO mixed SELECT g, 'x' FROM generate_series(1, 10) g;
VACUUM ANALYZE mixed;
CREATE INDEX CONCURRENTLY mixed_id ON mixed (id);
DO $$BEGIN FOR i IN 1 .. 3 LOOP UPDATE mixed SET v = 'y' WHERE id = i; COMMIT; END LOOP; END$$;
VACUUM FULL;
INSERT INTO mixed VALUES (11, 'z');
SELECT v, count(*) FROM mixed GROUP BY v ORDER BY v;
$_$, 'DROP INDEX CONCURRENTLY mixed_id; DROP TABLE mixed', transactional => false, verify => 'SELECT count(*) = 11 FROM mixed');
CALL migrations.apply_each() \gset
SELECT version, state FROM migrations.status() WHERE version = '30';
CALL migrations.rollback_each() \gset
SELECT to_regclass('mixed');
