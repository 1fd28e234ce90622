-- After each migration all settings that its text changed are back; deferred
-- constraints are checked at its end.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
-- Of what a body sees, only its own changes are of interest here.
SET migrations.lock_timeout = 0;
CREATE ROLE regress_session_role;
CREATE SCHEMA app;
GRANT ALL ON SCHEMA app TO regress_session_role;
CREATE TABLE seen (version text, what text, value text);
GRANT INSERT ON seen TO regress_session_role;
CREATE FUNCTION see(version text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO public.seen
    SELECT version, name, current_setting(name) FROM unnest(ARRAY[
        'search_path', 'role', 'session_authorization', 'statement_timeout', 'lock_timeout',
        'work_mem', 'check_function_bodies', 'session_replication_role', 'timezone']) AS name
$$;

SET search_path = public, app;
SET work_mem = '5MB';
SELECT public.see('before');

SELECT migrations.add('001', 'set', $$
SET search_path = app;
SET LOCAL work_mem = '9MB';
SET check_function_bodies = off;
SET lock_timeout = '3s';
SET timezone = 'Europe/Paris';
SET session_replication_role = replica;
SET my.own = 'x';
CREATE TABLE in_app ();
SELECT public.see('001');
$$);
SELECT migrations.add('002', 'look', 'SELECT public.see(''002'')');
SELECT migrations.add('003', 'role', 'SET ROLE regress_session_role; CREATE TABLE app.by_role (); SELECT public.see(''003'')');
SELECT migrations.add('004', 'look', 'SELECT public.see(''004'')');
SELECT migrations.add('005', 'authorization', 'SET SESSION AUTHORIZATION regress_session_role; CREATE TABLE app.by_session (); SELECT public.see(''005'')');
SELECT migrations.add('006', 'look', 'SELECT public.see(''006'')');
SELECT migrations.add('007', 'reset all', 'RESET ALL; SET search_path = ''''; SELECT public.see(''007'')');
SELECT migrations.add('008', 'function', 'SELECT set_config(''work_mem'', ''7MB'', false), set_config(''search_path'', ''app'', true)');
SELECT migrations.add('009', 'look', 'SELECT public.see(''009'')');
SELECT version FROM migrations.apply();
SELECT public.see('after');
-- what differs from the state before: the search_path always, since what the caller has set
-- doesn't count (of time zones that of 001 alone, since the default is the machine's)
SELECT s.version, s.what, s.value FROM seen s JOIN seen b ON b.version = 'before' AND b.what = s.what
WHERE s.value <> b.value AND s.what <> 'session_authorization' AND (s.what <> 'timezone' OR s.version = '001') ORDER BY 1, 2;
SELECT s.version FROM seen s JOIN seen b ON b.version = 'before' AND b.what = s.what
WHERE s.value <> b.value AND s.what = 'session_authorization' ORDER BY 1;
SELECT relname, relnamespace::regnamespace, relowner::regrole = session_user::regrole AS mine FROM pg_class
WHERE relname IN ('in_app', 'by_role', 'by_session') ORDER BY 1;
SELECT current_user = session_user AS same_user, current_setting('my.own', true) IN ('', NULL) AS no_own;

-- also after a failure that somebody catches
SELECT migrations.add('010', 'fails', 'SET search_path = app; SET ROLE regress_session_role; SELECT 1/0');
DO $$ BEGIN PERFORM migrations.apply(); EXCEPTION WHEN division_by_zero THEN END $$;
SELECT current_user = session_user AS same_user, current_setting('search_path');
SELECT migrations.add('010', 'fails', '', replace => true);
SELECT version FROM migrations.apply();

-- a caller with a role of its own keeps it
GRANT USAGE ON SCHEMA migrations TO regress_session_role;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA migrations TO regress_session_role;
SET ROLE regress_session_role;
SELECT migrations.add('011', 'role of the caller', 'CREATE TABLE app.as_caller (); RESET ROLE; CREATE TABLE app.as_session ()');
SELECT version FROM migrations.apply();
SELECT current_user;
RESET ROLE;
SELECT relname, relowner::regrole = session_user::regrole AS mine FROM pg_class WHERE relname LIKE 'as\_%' ORDER BY 1;
SELECT effective_role = session_user AS same, session_role = session_user AS login FROM migrations.history WHERE version = '011';

-- deferred constraints: each migration's are checked at its end, then deferred again
SELECT migrations.add('020', 'tables', $$
CREATE TABLE node (id int PRIMARY KEY, next int NOT NULL REFERENCES node DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE strict (id int PRIMARY KEY, next int REFERENCES strict DEFERRABLE INITIALLY IMMEDIATE);
INSERT INTO node VALUES (1, 2);
INSERT INTO node VALUES (2, 1);
$$);
SELECT migrations.add('021', 'alter after', $$
ALTER TABLE node ADD COLUMN note text;
INSERT INTO node VALUES (3, 4);
INSERT INTO node VALUES (4, 3);
$$);
SELECT migrations.add('022', 'alter again', 'ALTER TABLE node ALTER COLUMN note SET DEFAULT ''''');
SELECT version FROM migrations.apply();
SELECT migrations.add('023', 'violates', E'INSERT INTO node VALUES (5, 99);\nSELECT 1');
SELECT migrations.add('024', 'innocent', 'SELECT 1');
SELECT * FROM migrations.apply();
-- an immediate constraint doesn't become a deferred one
SELECT migrations.add('023', 'violates', 'INSERT INTO strict VALUES (1, 99)', replace => true);
SELECT * FROM migrations.apply();
-- one name for a constraint that can be deferred and one that can't
SELECT migrations.add('023', 'names', $$
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c1 (id int CONSTRAINT same REFERENCES p DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE c2 (id int CONSTRAINT same REFERENCES p);
INSERT INTO c1 VALUES (1);
INSERT INTO p VALUES (1);
$$, replace => true);
SELECT version FROM migrations.apply();

-- what is the session's stays: temporary tables, prepared statements, cursors
SELECT migrations.add('030', 'session', $$
CREATE TEMPORARY TABLE mine (id int);
PREPARE three AS SELECT 3 AS three;
DECLARE held CURSOR WITH HOLD FOR SELECT 4 AS four;
LISTEN news;
$$);
SELECT version FROM migrations.apply();
SELECT * FROM mine;
EXECUTE three;
FETCH held;
SELECT pg_listening_channels();

-- one that hides another table from what comes next
SELECT migrations.add('0301', 'hidden', 'CREATE TABLE hides (id int); CREATE TEMPORARY TABLE hides (id int)', project => 'hiding');
SELECT migrations.add('0302', 'no more', 'CREATE TABLE other ()', project => 'hiding');
SELECT version, messages FROM migrations.apply(project => 'hiding');
DROP TABLE pg_temp.hides;

-- inside a transaction of the caller's, all of it goes with a rollback
SELECT migrations.add('031', 'in a transaction', 'CREATE TABLE inside ()', 'DROP TABLE inside');
BEGIN;
SELECT version FROM migrations.apply();
SELECT migrations.version();
SELECT version FROM migrations.rollback();
SELECT version FROM migrations.apply();
ROLLBACK;
SELECT migrations.version(), to_regclass('inside');
BEGIN;
SAVEPOINT s;
SELECT version FROM migrations.apply();
ROLLBACK TO s;
SELECT version FROM migrations.apply();
COMMIT;
SELECT migrations.version(), to_regclass('inside');

RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_session_role;
DROP ROLE regress_session_role;
