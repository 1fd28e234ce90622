-- Bodies at the corners of what a transaction does.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;

-- rules that answer with rows of several shapes: the answer is the statement's own
CREATE TABLE rt (a int);
CREATE RULE r AS ON INSERT TO rt DO ALSO (SELECT 2147483640::int8 AS i; SELECT 'abc'::text AS t);
SELECT migrations.add('001', 'rules', 'INSERT INTO rt VALUES (1)');
SELECT migrations.add('002', 'rows', 'INSERT INTO rt VALUES (2) RETURNING a');
SELECT migrations.add('003', 'select', 'SELECT a, ''x''::text AS t FROM rt ORDER BY 1');
SELECT version, messages FROM migrations.apply('001');
CREATE OR REPLACE RULE r AS ON INSERT TO rt DO INSTEAD (INSERT INTO rt (a) SELECT new.a WHERE false);
DROP RULE r ON rt;
SELECT version, messages FROM migrations.apply();

-- constraints that a later migration of the run declares INITIALLY DEFERRED are
CREATE TABLE p0 (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED);
SELECT migrations.add('010', 'pends', 'INSERT INTO p0 VALUES (1), (2); UPDATE p0 SET id = 3 - id');
SELECT migrations.add('011', 'new ones', $$
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (pid int REFERENCES p DEFERRABLE INITIALLY DEFERRED);
INSERT INTO c VALUES (1);
INSERT INTO p VALUES (1);
$$);
SELECT migrations.add('012', 'again', 'INSERT INTO c VALUES (2); INSERT INTO p VALUES (2); ALTER TABLE p0 ADD COLUMN x int');
SELECT version FROM migrations.apply();
-- a deferred trigger whose checks leave others
CREATE FUNCTION refer() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO c VALUES (NEW.id); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER refer AFTER INSERT ON p0 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refer();
SELECT migrations.add('013', 'rounds', 'INSERT INTO p0 VALUES (77)');
SELECT * FROM migrations.apply();
SELECT migrations.add('013', 'rounds', 'INSERT INTO p0 VALUES (77); INSERT INTO p VALUES (77)', replace => true);
SELECT version FROM migrations.apply();
-- the caller's modes of constraints without checks pending stay
CREATE TABLE u (id int UNIQUE DEFERRABLE INITIALLY IMMEDIATE);
INSERT INTO u VALUES (1);
SELECT migrations.add('014', 'innocent', 'SELECT 1');
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
SELECT version FROM migrations.apply();
INSERT INTO u VALUES (1);
DELETE FROM u;
COMMIT;

-- how the text is read can't change in its middle
SELECT migrations.add('020', 'strings', 'SET standard_conforming_strings = on; CREATE TABLE s AS SELECT ''C:\new''::text AS t');
SELECT settings FROM migrations.set_project(settings => '{"standard_conforming_strings": "off", "escape_string_warning": "off"}');
SELECT * FROM migrations.apply();
SELECT settings FROM migrations.set_project(settings => '{}');
-- what the caller has set doesn't count
SET escape_string_warning = off;
SET standard_conforming_strings = off;
SELECT version FROM migrations.apply();
RESET standard_conforming_strings;
SELECT t FROM s;

-- options that the server refuses, it refuses with their place
SELECT migrations.add('021', 'option', E'SELECT 1;\nREINDEX (CONCURRENTLY foo) TABLE s');
SELECT * FROM migrations.apply();
SELECT migrations.add('021', 'option', '', replace => true);

-- a position in the text of another statement isn't shown in the body
PREPARE prepared AS SELECT id, 'a long text that moves the position far beyond the body' AS t FROM u WHERE id > 0;
ALTER TABLE u RENAME COLUMN id TO other;
SELECT migrations.add('022', 'prepared', 'EXECUTE prepared');
SELECT * FROM migrations.apply();
SELECT migrations.add('022', 'prepared', '', replace => true);

-- a trigger on our tables, were it only to look, is refused
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM migrations.version(); RETURN NULL; END $$;
CREATE TRIGGER audit AFTER INSERT ON migrations.event FOR EACH ROW EXECUTE FUNCTION audit();
SELECT version FROM migrations.apply();
DROP TRIGGER audit ON migrations.event;
SELECT version FROM migrations.apply();

-- dropping public is no reason to lose the history
DROP SCHEMA public CASCADE;
SELECT version, state FROM migrations.status() WHERE version < '002';
DROP EXTENSION pg_migrations;

-- nothing of a schema that others can write to is picked up by the installation
CREATE SCHEMA public;
CREATE FUNCTION public.nextval(text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE FUNCTION public.to_regnamespace(text) RETURNS regnamespace LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE FUNCTION public.guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE EXTENSION pg_migrations;
SELECT migrations.add('001', 'a', 'SELECT 1');
SELECT version FROM migrations.apply();
SELECT DISTINCT pg_get_expr(adbin, adrelid) FROM pg_attrdef JOIN pg_class c ON c.oid = adrelid
WHERE relnamespace = 'migrations'::regnamespace ORDER BY 1;
DROP EXTENSION pg_migrations;
SET search_path = '';
CREATE EXTENSION pg_migrations;
-- what is recorded is the text that ran: one that gets past the guard and changes another's
SELECT migrations.add('1', 'changes the next', $$
SET LOCAL session_replication_role = replica;
UPDATE migrations.migration SET up = 'SELECT 3', up_checksum = sha256('SELECT 3') WHERE name = 'changed by then';
$$, project => 'changed');
SELECT migrations.add('2', 'changed by then', 'SELECT 2', project => 'changed');
SELECT version FROM migrations.apply(project => 'changed');
SELECT version, state FROM migrations.status('changed');
