-- Who may do what: nothing is granted to PUBLIC, migrations run as the caller, and no
-- role needs rights on the tables.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
CREATE ROLE regress_nobody;
CREATE ROLE regress_looker;
CREATE ROLE regress_deployer;
GRANT CREATE ON SCHEMA public TO regress_deployer;

SET ROLE regress_nobody;
SELECT * FROM migrations.status();
RESET ROLE;
GRANT USAGE ON SCHEMA migrations TO regress_nobody, regress_looker, regress_deployer;
SET ROLE regress_nobody;
SELECT * FROM migrations.status();
SELECT * FROM migrations.plan();
SELECT migrations.version();
SELECT migrations.add('001', 'x', '');
SELECT migrations.add_file('001_x.sql', '');
SELECT * FROM migrations.apply();
SELECT * FROM migrations.rollback();
SELECT * FROM migrations.history;
SELECT * FROM migrations.applied;
RESET ROLE;
-- every function that there is, and every table
SELECT p.oid::regprocedure FROM pg_proc p WHERE pronamespace = 'migrations'::regnamespace
    AND has_function_privilege('regress_nobody', p.oid, 'EXECUTE');
SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'migrations'::regnamespace AND relkind IN ('r', 'v', 'S')
    AND (has_table_privilege('regress_nobody', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE') OR relkind = 'S' AND has_sequence_privilege('regress_nobody', c.oid, 'USAGE, SELECT, UPDATE'));

GRANT EXECUTE ON FUNCTION migrations.status(text), migrations.version(text) TO regress_looker;
GRANT SELECT ON migrations.history TO regress_looker;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA migrations TO regress_deployer;

-- a deployer without any right on the tables
SET ROLE regress_deployer;
SELECT migrations.add('001', 'mine', 'CREATE TABLE mine (); SELECT current_user', 'DROP TABLE mine');
SELECT version, messages FROM migrations.apply();
SELECT version FROM migrations.rollback();
SELECT version FROM migrations.apply();
SELECT version, applied_by FROM migrations.status();
INSERT INTO migrations.applied SELECT * FROM migrations.applied;
-- runs with its own rights: it can't do what it couldn't do by hand
SELECT migrations.add('002', 'too much', 'ALTER TABLE migrations.applied ADD COLUMN x int');
SELECT * FROM migrations.apply();
SELECT migrations.add('002', 'too much', 'SELECT * FROM pg_authid', replace => true);
SELECT * FROM migrations.apply();
SELECT migrations.add('002', 'too much', 'DELETE FROM migrations.applied', replace => true);
SELECT * FROM migrations.apply();
SELECT migrations.add('002', 'fine', '', replace => true);
SELECT version FROM migrations.apply();
RESET ROLE;

SET ROLE regress_looker;
SELECT version, state FROM migrations.status();
SELECT migrations.version();
SELECT version, action, effective_role FROM migrations.history WHERE run_id IS NOT NULL ORDER BY id;
SELECT * FROM migrations.apply();
RESET ROLE;

-- nothing of a caller's search path is picked up by the bookkeeping
CREATE SCHEMA trap AUTHORIZATION regress_deployer;
SET ROLE regress_deployer;
CREATE FUNCTION trap.trapped(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.trapped);
CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
CREATE FUNCTION trap.current_setting(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
CREATE TABLE trap.pg_extension (extname text, extversion text);
CREATE TEMPORARY TABLE pg_constraint (condeferrable boolean);
SET search_path = trap, pg_catalog, pg_temp;
SELECT migrations.add('003', 'trap', 'SELECT 1');
SELECT count(*) FROM migrations.apply();
SELECT count(*) FROM migrations.rollback();
RESET search_path;
SELECT count(*) FROM migrations.status();
RESET ROLE;

-- bookkeeping is done as the owner of the view history, who needs no superuser's rights
CREATE ROLE regress_keeper;
GRANT USAGE, CREATE ON SCHEMA migrations TO regress_keeper;
ALTER TABLE migrations.project OWNER TO regress_keeper;
ALTER TABLE migrations.migration OWNER TO regress_keeper;
ALTER TABLE migrations.applied OWNER TO regress_keeper;
ALTER TABLE migrations.event OWNER TO regress_keeper;
ALTER TABLE migrations.unfinished OWNER TO regress_keeper;
ALTER TABLE migrations.journal OWNER TO regress_keeper;
ALTER VIEW migrations.history OWNER TO regress_keeper;
SET ROLE regress_deployer;
SELECT migrations.add('004', 'kept', 'CREATE TABLE kept ()');
SELECT version FROM migrations.apply();
SELECT version, state FROM migrations.status();
RESET ROLE;
DROP EXTENSION pg_migrations;

DROP OWNED BY regress_deployer, regress_keeper, regress_looker, regress_nobody;
DROP ROLE regress_deployer, regress_keeper, regress_looker, regress_nobody;
-- default privileges are not for what the extension makes
CREATE ROLE regress_default;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO regress_default;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO regress_default, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO regress_default, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO regress_default, PUBLIC;
CREATE EXTENSION pg_migrations;
SELECT 'schema' AS of_what, bool_or(has_schema_privilege('regress_default', oid, 'USAGE')) AS has_any FROM pg_namespace WHERE nspname = 'migrations'
UNION ALL
SELECT 'relations', bool_or(CASE relkind WHEN 'S' THEN has_sequence_privilege('regress_default', oid, 'USAGE') ELSE has_table_privilege('regress_default', oid, 'SELECT, INSERT') END)
FROM pg_class WHERE relnamespace = 'migrations'::regnamespace AND relkind IN ('r', 'v', 'S')
UNION ALL
SELECT 'routines', bool_or(has_function_privilege('regress_default', oid, 'EXECUTE')) FROM pg_proc WHERE pronamespace = 'migrations'::regnamespace;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM regress_default;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM regress_default, PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SEQUENCES FROM regress_default, PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SCHEMAS FROM regress_default, PUBLIC;
DROP ROLE regress_default;
