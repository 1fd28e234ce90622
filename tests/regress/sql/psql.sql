-- Texts as they are written for psql, and placeholders.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -
\set VERBOSITY default
SELECT migrations.add('001', 'dump', $up$--
-- PostgreSQL database dump
--
\restrict k3Yk3Yk3Y

SET statement_timeout = 0;
SET lock_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET row_security = off;

CREATE FUNCTION public.f(a integer) RETURNS integer
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT CASE WHEN (f.a > 0) THEN 1 ELSE 2 END;
END;

CREATE TABLE public.t (
    id integer NOT NULL,
    v text
);
ALTER TABLE public.t OWNER TO postgres;

--
-- Data for Name: t; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.t (id, v) FROM stdin;
1	\\.
2	a\tb
\.

ALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY KEY (id);
\unrestrict k3Yk3Yk3Y
$up$, 'DROP TABLE public.t; DROP FUNCTION public.f');
SELECT version, statements, messages FROM migrations.apply();
SELECT * FROM t;
SHOW search_path;

-- commands of psql
SELECT migrations.add('002', 'commands', $up$\set ON_ERROR_STOP on
\echo 'making' :table
\set table odd_one
\set name 'it''s' ' ' :table
CREATE TABLE :"table" (id int); \timing
INSERT INTO :table VALUES (1), (2)\;SELECT :'name' AS name, :{?table}, :{?other}, 1::int \g
\d :table
\q
SELECT 1 / 0;
$up$, 'DROP TABLE odd_one');
SELECT version, statements, messages FROM migrations.apply();
-- what can't be honoured is told at once
CREATE PROCEDURE pg_temp.try(body text) LANGUAGE plpgsql AS $$
DECLARE said text; place text;
BEGIN
    PERFORM migrations.add('003', 'try', body, replace => true);
    RAISE WARNING 'registered';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = PG_EXCEPTION_HINT, place = PG_EXCEPTION_CONTEXT;
    RAISE WARNING '% % [%] %', SQLSTATE, SQLERRM, said, split_part(place, E'\n', 1);
END $$;
CALL pg_temp.try(E'SELECT 1;\n\\i other.sql\n');
CALL pg_temp.try(E'SELECT 1 \\gset\n');
CALL pg_temp.try(E'SELECT ''DROP TABLE t'' \\gexec\n');
CALL pg_temp.try(E'\\copy t FROM ''x''');
CALL pg_temp.try(E'\\connect other');
CALL pg_temp.try(E'\\if :x\nSELECT 1;\n\\endif');
CALL pg_temp.try(E'\\! rm -rf /');
CALL pg_temp.try(E'\\set x `date`');
CALL pg_temp.try(E'\\nonsense');
SELECT migrations.add('003', 'try', E'SELECT 1;\n  \\ir other.sql\n');
SELECT migrations.add('003', 'try', 'SELECT 1', 'SELECT 2 \gx out');
SELECT migrations.add('003', 'try', $$SELECT '\i', E'\\i', $a$ \i $a$ -- \i
/* \i */$$);
SELECT migrations.remove('003');

-- placeholders of a project
SELECT * FROM migrations.set_project('app', placeholders => '${x}');
SELECT migrations.set_variable('schema', 'app_one', 'app');
SELECT migrations.set_variable('secret', 'do not tell', 'app');
SELECT migrations.add('001', 'schema', $up$CREATE SCHEMA ${schema};
SET search_path = '${schema}';
CREATE TABLE t (v text DEFAULT '${secret}'); -- ${nothing}
COPY t FROM stdin;
${kept}
\.
SELECT $$a ${schema}$$;$up$, 'DROP SCHEMA ${schema} CASCADE', project => 'app');
SELECT version, messages FROM migrations.apply(project => 'app');
SELECT * FROM app_one.t;
-- errors show the text as it is registered
SELECT migrations.add('002', 'wrong', E'SELECT 1;\nSELECT ''${secret}'',\n  ${schema}.nothing FROM ${schema}.t;', project => 'app');
SELECT version FROM migrations.apply(project => 'app');
SELECT migrations.add('002', 'unset', E'SELECT 1;\nSELECT ${ unset };', project => 'app', replace => true);
SELECT version FROM migrations.apply(project => 'app');
CALL migrations.apply_each(project => 'app');
SELECT migrations.set_variable('unset', '1', 'app');
CALL migrations.apply_each(project => 'app') \gset
SELECT migrations.set_variable('unset', NULL, 'app');
SELECT * FROM migrations.set_project('app');
SELECT version, action, message FROM migrations.history WHERE project = 'app' AND outcome = 'success' ORDER BY seq;
SELECT count(*) FROM migrations.history h WHERE h::text LIKE '%do not tell%';
SELECT version FROM migrations.rollback(2, 'app');
-- a value takes part in what can't run in a transaction
SELECT migrations.set_variable('how', 'CONCURRENTLY', 'app');
SELECT migrations.add('003', 'how', 'CREATE INDEX ${how} ON public.t (v)', project => 'app');
SELECT version, transactional, reason FROM migrations.plan('003', 'app', only_version => NULL) WHERE version = '003';

SELECT placeholders FROM migrations.set_project('vars', placeholders => ':x');
SELECT migrations.set_variable('role', 'odd "role"', 'vars');
SELECT migrations.set_variable('value', E'it''s \\ here', 'vars');
SELECT migrations.add('001', 'vars', $up$SELECT :'value' AS value, :'role' AS role, (ARRAY[1, 2, 3])[1:2] AS slice, '1'::int AS int;$up$, project => 'vars');
SELECT messages FROM migrations.apply(project => 'vars');
SELECT migrations.add('002', 'vars', E'SELECT 1;\nSELECT :nothing;', project => 'vars');
SELECT messages FROM migrations.apply(project => 'vars');
-- bad arguments
SELECT * FROM migrations.set_project('vars', placeholders => 'percent');
SELECT migrations.set_variable('', 'x');
SELECT migrations.set_variable(NULL, 'x');
SELECT migrations.set_variable(E'a\nb', 'x');
SELECT migrations.set_variable('x', NULL, 'nowhere');
