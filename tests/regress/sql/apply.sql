-- apply(), plan(), status(), version() of plain migrations.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -

-- a database without migrations
SET client_min_messages = notice;
SELECT * FROM migrations.apply();
SELECT * FROM migrations.status();
SELECT * FROM migrations.plan();
SELECT migrations.version();
SELECT * FROM migrations.apply('001');
SELECT * FROM migrations.plan('001');
SELECT * FROM migrations.apply(project => 'nowhere');
SELECT * FROM migrations.status('nowhere');
SELECT * FROM migrations.plan(project => 'nowhere');
SELECT migrations.version('nowhere');
SET client_min_messages = warning;

SELECT migrations.add('10', 'ten', 'INSERT INTO log VALUES (10)', 'DELETE FROM log WHERE n = 10');
SELECT migrations.add('1', 'one', 'CREATE TABLE log (n int, at timestamptz DEFAULT clock_timestamp()); INSERT INTO log VALUES (1)', 'DROP TABLE log');
SELECT migrations.add('2', 'two', 'INSERT INTO log VALUES (2);');
SELECT * FROM migrations.plan();
SELECT step, version FROM migrations.plan('2');

-- up to a target
SELECT step, project, version, name, direction, statements, duration > '0' AS took, messages FROM migrations.apply('2');
SELECT version, name, state, applied_at IS NOT NULL AS at, applied_by = current_user AS by, duration > '0' AS took, checksum_ok, has_down, message
FROM migrations.status();
SELECT migrations.version();
-- an applied target is nothing to do, never a step back
SET client_min_messages = notice;
SELECT * FROM migrations.apply('1');
SELECT * FROM migrations.plan('001');
SET client_min_messages = warning;
SELECT * FROM migrations.apply('3');
SELECT * FROM migrations.apply('3:4');
SELECT * FROM migrations.plan('3');
SELECT * FROM migrations.apply('');

-- the rest
SELECT step, version, statements FROM migrations.apply();
SELECT n FROM log ORDER BY at;
SET client_min_messages = notice;
SELECT * FROM migrations.apply();
SET client_min_messages = warning;
SELECT project, version, action, outcome, started_at IS NOT NULL AS at, duration > '0' AS took, run_id IS NOT NULL AS run
FROM migrations.history WHERE action = 'apply' ORDER BY seq;
SELECT count(DISTINCT run_id) FROM migrations.history;

-- statements are the server's own: what splitters stumble over
SELECT migrations.add('11', 'quotes', $body$
/* a comment; /* nested; */ still one */
CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN 'a;b''c' || $q$;$x$;$q$; -- a; comment
END;
$$;
CREATE FUNCTION g(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT a; SELECT a + 1; END;
CREATE RULE r AS ON INSERT TO log WHERE new.n = 99 DO INSTEAD (SELECT 1; SELECT 2);
INSERT INTO log VALUES (11); ; ;
SELECT E'\';', U&'\0061;', "n" AS ";" FROM log WHERE n = 11
$body$);
SELECT migrations.add('12', 'empty', '');
SELECT migrations.add('13', 'only comments', E'-- nothing\n/* at all; */ ;');
SELECT migrations.add('14', 'größe', E'CREATE TABLE "größe" ("ключ" text);\nINSERT INTO "größe" VALUES (''日本'');\nSELECT * FROM "größe"');
SELECT migrations.add('15', 'one megabyte', 'CREATE TABLE big AS SELECT ''' || repeat('x', 1000000) || '''::text AS x');
SELECT version, statements, messages FROM migrations.apply();
SELECT f(), g(1);
SELECT length(x) FROM big;
DROP RULE r ON log;

-- warnings and the rows of a final SELECT are in the answer
SELECT migrations.add('16', 'messages', $$
DO $do$ BEGIN RAISE WARNING 'a warning'; RAISE INFO 'an info'; END $do$;
SELECT n, 'row ' || n AS t FROM generate_series(1, 22) n;
$$);
SELECT migrations.add('17', 'rows of another statement', 'SELECT 1; CREATE TABLE last ()');
SELECT migrations.add('18', 'returning', 'INSERT INTO log (n) VALUES (18) RETURNING n');
SELECT migrations.add('19', 'wrapped', E'BEGIN;\nCREATE TABLE wrapped ();\nCOMMIT;');
SELECT migrations.add('20', 'wrapped, empty', 'START TRANSACTION; END');
SELECT version, statements, messages FROM migrations.apply();

-- many notices are counted, not kept
SELECT migrations.add('21', 'noisy', 'DO $$ BEGIN FOR n IN 1..150 LOOP RAISE WARNING ''%'', n; END LOOP; END $$');
SET client_min_messages = error;
SELECT cardinality(messages) FROM migrations.apply();
