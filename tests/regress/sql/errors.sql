-- What a failing migration shows: as if its file had been run by hand.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;

-- syntax error in statement 3
SELECT migrations.add('001', 'syntax', E'CREATE TABLE a (id int);\n-- three lines\nSELECT 1;\n\n  SELEC 2;\nSELECT 3');
SELECT * FROM migrations.apply();
-- and in a body over 4 kB: the shown part is cut, the line in CONTEXT is the body's own
SELECT migrations.add('001', 'syntax', repeat(E'SELECT ''some sixty characters of a statement that is all right'';\n', 200) || E'SELECT 1;\n  SELEC 2;\n' || repeat(E'SELECT 3;\n', 1000), replace => true);
SELECT * FROM migrations.apply();
-- one line of 10 kB, with characters of two bytes
SELECT migrations.add('001', 'syntax', repeat('SELECT ''é''; ', 700) || 'SELEC; ' || repeat('SELECT ''é''; ', 700), replace => true);
\set VERBOSITY terse
SELECT * FROM migrations.apply();
\set VERBOSITY default
-- the end of the text
SELECT migrations.add('001', 'syntax', E'SELECT 1;\nSELECT (', replace => true);
SELECT * FROM migrations.apply();
SELECT migrations.add('001', 'syntax', E'SELECT 1;\nSELECT ''never closed', replace => true);
SELECT * FROM migrations.apply();

-- an error of analysis points into the body; the statement's line counts from its first word
SELECT migrations.add('001', 'größe', E'CREATE TABLE "größe" (id int);\n\n/* two\n   lines */ INSERT INTO "größe"\n  VALUES (1, ''é'', missing);', replace => true);
SELECT * FROM migrations.apply();

-- a runtime error inside a function that the body calls
SELECT migrations.add('001', 'function', $body$
CREATE FUNCTION divide(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    RETURN 1 / n;
END $$;

SELECT divide(0);
$body$, replace => true);
SELECT * FROM migrations.apply();

-- a syntax error inside a function: the position is the function's
SELECT migrations.add('001', 'function', $body$
CREATE FUNCTION wrong() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    RETRN 1;
END $$;
$body$, replace => true);
SELECT * FROM migrations.apply();
SELECT migrations.add('001', 'function', $body$
DO $$
BEGIN
    EXECUTE 'SELECT * FROM nowhere';
END $$;
$body$, replace => true);
SELECT * FROM migrations.apply();

-- a constraint violation, with all its names
SELECT migrations.add('001', 'constraint', E'CREATE TABLE t (id int CONSTRAINT positive CHECK (id > 0));\nINSERT INTO t VALUES (-1);', replace => true);
DO $$
DECLARE
    c text; t text; s text; context text;
BEGIN
    PERFORM migrations.apply();
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS c = CONSTRAINT_NAME, t = TABLE_NAME, s = SCHEMA_NAME, context = PG_EXCEPTION_CONTEXT;
    RAISE EXCEPTION '% of %.%, in: %', c, s, t, context;
END $$;
SELECT * FROM migrations.apply();

-- called from plpgsql: the callers' context stays
CREATE FUNCTION deploy() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM * FROM migrations.apply(); END $$;
SELECT deploy();
-- caught there, the session goes on, and nothing of the migration is left
DO $$
BEGIN
    PERFORM migrations.apply();
EXCEPTION WHEN check_violation THEN
    RAISE WARNING 'caught: %', sqlerrm;
END $$;
SELECT to_regclass('t'), migrations.version();
DO $$
BEGIN
    FOR n IN 1..300 LOOP
        BEGIN
            PERFORM migrations.apply();
        EXCEPTION WHEN check_violation THEN
        END;
    END LOOP;
END $$;
SELECT to_regclass('t'), current_user = session_user AS same_user, current_setting('search_path');

-- the seventh of nine fails: the database is as before
SELECT migrations.add('001', 'table 1', 'CREATE TABLE t1 ()', replace => true);
SELECT migrations.add('00' || n, 'table ' || n, CASE n WHEN 7 THEN 'SELECT 1/0' ELSE 'CREATE TABLE t' || n || ' ()' END)
FROM generate_series(2, 9) n;
SELECT * FROM migrations.apply();
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1;
SELECT version, state FROM migrations.status();
SELECT * FROM migrations.history WHERE action = 'apply';

-- a syntax error in the last one is found before the first one runs
SELECT migrations.add('009', 'table 9', 'SELEC', replace => true);
SELECT * FROM migrations.apply();

-- a new enum value can't be used in the transaction that adds it
SELECT migrations.add('001', 'enum', 'CREATE TYPE mood AS ENUM (''sad'')', project => 'enum');
SELECT version FROM migrations.apply(project => 'enum');
SELECT migrations.add('002', 'value', 'ALTER TYPE mood ADD VALUE ''happy''', project => 'enum');
SELECT migrations.add('003', 'use', 'CREATE TABLE m AS SELECT ''happy''::mood AS mood', project => 'enum');
SELECT * FROM migrations.apply(project => 'enum');
SELECT version FROM migrations.apply('002', 'enum');
SELECT version FROM migrations.apply(project => 'enum');

-- a function in the select list answers, too; where no set fits, an error says what to do
SELECT migrations.apply(project => 'enum');
SELECT coalesce(migrations.apply(project => 'enum'), NULL);
