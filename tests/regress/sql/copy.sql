-- COPY … FROM stdin with its data in the text.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -
CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE WARNING 'row %', NEW; RETURN NEW; END$$;
SELECT migrations.add('001', 'data', $up$
CREATE TABLE t (id int PRIMARY KEY, v text, n int DEFAULT 7);
CREATE TRIGGER told BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION told();
COPY t (id, v) FROM stdin; -- two columns; of three
1	one; two
2	\N
3	it's "three"\nlines $$
\.

COPY public.t FROM stdin WITH (FORMAT csv, HEADER, FORCE_NULL (v)) WHERE id < 6;
id,v,n
4,"a;
b",1
5,"",2
6,gone,3
\.
COPY t FROM STDIN;
\.
SELECT count(*), sum(n) FROM t;
$up$, 'DROP TABLE t');
SELECT version, statements, messages FROM migrations.apply();
SELECT * FROM t ORDER BY id;

-- errors tell the line of the data
SELECT migrations.add('002', 'wrong', $up$SELECT 1;
COPY t (id, v) FROM stdin;
10	ten
x	eleven
\.
$up$);
SELECT version FROM migrations.apply();
SELECT migrations.add('002', 'wrong', $up$COPY t (id, v) FROM stdin;
10	ten
1	eleven
\.
$up$, replace => true);
SELECT version FROM migrations.apply();
CALL migrations.apply_each();
SELECT statement_no, line_no, sqlstate FROM migrations.history WHERE outcome = 'failure';
SELECT migrations.add('002', 'wrong', $up$COPY t (id, v) FROM stdin;
10	ten	more
\.
$up$, replace => true);
SELECT version FROM migrations.apply();
SELECT migrations.add('002', 'wrong', $up$COPY t FROM stdin; SELECT 1;
10	ten
\.
$up$, replace => true);
SELECT migrations.add('002', 'wrong', $up$COPY t (id) FROM stdin (FORMAT binary);
\.
$up$, replace => true);
SELECT version FROM migrations.apply();
SELECT count(*) FROM t;

-- data that ends with the text; in a non-transactional migration it runs once
SELECT migrations.add('002', 'right', E'VACUUM t;\nCOPY t (id, v) FROM stdin;\n20\ttwenty\n\\.\nSELECT 1 / (SELECT count(*) FROM t WHERE id = 99);\nCOPY t (id) FROM stdin;\n21', replace => true);
CALL migrations.apply_each();
SELECT migrations.add('002', 'right', E'VACUUM t;\nCOPY t (id, v) FROM stdin;\n20\tchanged\n\\.\nSELECT 1;\nCOPY t (id) FROM stdin;\n21', replace => true);
CALL migrations.apply_each();
SELECT migrations.add('002', 'right', E'VACUUM t;\nCOPY t (id, v) FROM stdin;\n20\ttwenty\n\\.\nSELECT 1;\nCOPY t (id) FROM stdin;\n21', replace => true);
CALL migrations.apply_each() \gset
SELECT id, v FROM t WHERE id >= 20 ORDER BY id;

-- the client's encoding is its own affair
DROP TRIGGER told ON t;
SET client_encoding = 'LATIN1';
SELECT migrations.add('003', 'encoding', E'COPY t (id, v) FROM stdin;\n30\t' || chr(233) || E'\n\\.\nCOPY t (id, v) FROM stdin (ENCODING ''LATIN1'');\n31\t' || chr(8364), replace => true);
SELECT version FROM migrations.apply();
RESET client_encoding;
SELECT id, v = chr(233) AS e, v = chr(8364) AS euro FROM t WHERE id >= 30 ORDER BY id;

-- Rights are those of whoever applies, and the server's own checks.
CREATE ROLE regress_copy;
CREATE ROLE regress_other;
GRANT USAGE ON SCHEMA migrations TO regress_copy;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA migrations TO regress_copy;
CREATE TABLE theirs (id int, secret text);
ALTER TABLE theirs OWNER TO regress_other;
CREATE TABLE guarded (id int, who text);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON guarded USING (who = current_user);
CREATE TABLE partly (id int, allowed int, forbidden int);
GRANT INSERT ON guarded TO regress_copy;
GRANT INSERT (id, allowed) ON partly TO regress_copy;
GRANT SELECT (id) ON partly TO regress_copy;
CREATE VIEW seen AS SELECT * FROM partly;
GRANT ALL ON seen TO regress_copy;
SET SESSION AUTHORIZATION regress_copy;
CREATE PROCEDURE pg_temp.try(body text) LANGUAGE plpgsql AS $$
DECLARE said text;
BEGIN
    PERFORM migrations.add('1', 'try', body, project => 'try', replace => true);
    PERFORM migrations.apply(project => 'try');
    RAISE WARNING 'it ran';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = PG_EXCEPTION_HINT;
    -- Servers differ in how they tell of files and programs.
    RAISE WARNING '% % [%]', SQLSTATE, regexp_replace(SQLERRM, '^(must be|permission denied to) .*COPY.*', 'no right'), said;
END $$;
CALL pg_temp.try(E'COPY theirs FROM stdin;\n1\tx\n\\.\n');
CALL pg_temp.try(E'COPY guarded FROM stdin;\n1\tx\n\\.\n');
CALL pg_temp.try(E'COPY partly FROM stdin;\n1\t2\t3\n\\.\n');
CALL pg_temp.try(E'COPY partly (id, forbidden) FROM stdin;\n1\t2\n\\.\n');
CALL pg_temp.try(E'COPY partly (id) FROM stdin WHERE forbidden = 1;\n1\n\\.\n');
CALL pg_temp.try(E'COPY seen FROM stdin;\n1\t2\t3\n\\.\n');
CALL pg_temp.try(E'COPY migrations.event (project_id, seq, action, outcome) FROM stdin;\n1\t99\tapply\tsuccess\n\\.\n');
CALL pg_temp.try(E'COPY migrations.applied (id) FROM stdin;\n1\n\\.\n');
CALL pg_temp.try(E'COPY pg_authid (rolname) FROM stdin;\nevil\n\\.\n');
CALL pg_temp.try(E'COPY pg_catalog.pg_class (relname) FROM stdin;\nevil\n\\.\n');
CALL pg_temp.try(E'SET ROLE regress_other;\nCOPY theirs FROM stdin;\n1\tx\n\\.\n');
CALL pg_temp.try(E'COPY theirs FROM ''/etc/passwd''');
CALL pg_temp.try(E'COPY theirs FROM PROGRAM ''id''');
CALL pg_temp.try(E'SET transaction_read_only = on;\nCOPY partly (id) FROM stdin;\n1\n\\.\n');
CALL pg_temp.try(E'COPY partly (id, allowed) FROM stdin;\n1\t2\n\\.\n');
RESET SESSION AUTHORIZATION;
SELECT (SELECT count(*) FROM theirs) AS theirs, (SELECT count(*) FROM guarded) AS guarded, (SELECT count(*) FROM partly) AS partly,
       (SELECT count(*) FROM pg_authid WHERE rolname = 'evil') AS evil;
-- a superuser may load our tables, as a restore does; but not in a migration
SELECT migrations.add('1', 'tamper', E'COPY migrations.event (project_id, seq, action, outcome, started_at) FROM stdin;\n1\t99\tapply\tsuccess\tnow\n\\.\n', project => 'tamper');
SELECT version FROM migrations.apply(project => 'tamper');
-- the session goes on as before, and COPY from the client works
COPY t (id, v) FROM stdin;
40	forty
\.
SELECT v FROM t WHERE id = 40;
DROP OWNED BY regress_copy, regress_other;
DROP ROLE regress_copy, regress_other;

-- an error before the data is read reaches the client as any other (which psql shows, and
-- plpgsql would hide)
SELECT migrations.add('1', 'early', E'COPY nowhere FROM stdin;\n1\n\\.\n', project => 'early');
SELECT version FROM migrations.apply(project => 'early');
CALL migrations.apply_each(project => 'early');
SELECT migrations.add('1', 'early', E'COPY t (nothing) FROM stdin;\n1\n\\.\n', project => 'early', replace => true);
SELECT version FROM migrations.apply(project => 'early');
\echo :SQLSTATE
DO $$BEGIN PERFORM migrations.apply(project => 'early'); EXCEPTION WHEN OTHERS THEN RAISE; END$$;
-- lines are those of this COPY, whatever its table is called and what its triggers do
CREATE TABLE "x, 18446744073709551615" (n int);
SELECT migrations.add('1', 'early', E'SELECT 1;\nCOPY "x, 18446744073709551615" FROM stdin;\n1\nb\n\\.\n', project => 'early', replace => true);
SELECT version FROM migrations.apply(project => 'early');
