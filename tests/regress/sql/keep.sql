-- Backups that migrations keep of tables.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
CREATE VIEW listed AS
SELECT backup, copied_from, project, version, name, direction, rows, kept_by, size > 0 AS has_size,
    kept_at BETWEEN now() - interval '1 minute' AND clock_timestamp() AS just_now
FROM migrations.backups ORDER BY backup::text COLLATE "C";
-- what the backup of a table looks like
CREATE VIEW shape AS
SELECT attrelid::regclass AS relation, attname, format_type(atttypid, atttypmod) AS type, attnotnull, attidentity, attgenerated,
    pg_get_expr(adbin, adrelid) AS default, attstorage, col_description(attrelid, attnum) AS comment
FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attnum > 0 AND NOT attisdropped ORDER BY attrelid::regclass::text COLLATE "C", attnum;

-- a table with all that a table can have
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE FUNCTION code() RETURNS text LANGUAGE sql AS 'SELECT ''x''';
CREATE TABLE owner (id int PRIMARY KEY);
INSERT INTO owner VALUES (1);
CREATE TABLE users (
    id serial PRIMARY KEY,
    number int GENERATED ALWAYS AS IDENTITY,
    gone int,
    name varchar(20) NOT NULL DEFAULT 'nobody',
    mood mood DEFAULT 'good',
    code text DEFAULT code(),
    born timestamptz DEFAULT now(),
    length int GENERATED ALWAYS AS (length(name)) STORED,
    owner int DEFAULT 1 REFERENCES owner CHECK (owner > 0)
);
ALTER TABLE users DROP COLUMN gone;
ALTER TABLE users ALTER COLUMN code SET STORAGE EXTERNAL;
COMMENT ON COLUMN users.name IS 'what the user is called';
CREATE INDEX ON users (name);
INSERT INTO users (name) VALUES ('Ada'), ('Bob'), ('Cid');
-- rights that everybody would have by default
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC;
SELECT migrations.add('001', 'no more users',
    'SELECT migrations.keep(''users''); DROP TABLE users; DROP FUNCTION code(); SELECT * FROM migrations_backup.users__default_001 WHERE id = 1 AND born IS NULL',
    'CREATE TABLE users AS SELECT * FROM migrations_backup.users__default_001');
SELECT version, messages FROM migrations.apply();
SELECT * FROM listed;
SELECT * FROM shape WHERE relation = 'migrations_backup.users__default_001'::regclass;
SELECT id, number, name, mood, length, owner FROM migrations_backup.users__default_001 ORDER BY id;
SELECT relhasindex, relchecks, relhastriggers, relpersistence, relacl IS NULL OR NOT EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee <> relowner) AS nobody_else
FROM pg_class WHERE oid = 'migrations_backup.users__default_001'::regclass;
SELECT nspowner::regrole, NOT EXISTS (SELECT FROM aclexplode(nspacl) WHERE grantee <> nspowner) AS nobody_else,
    obj_description(oid, 'pg_namespace'), EXISTS (SELECT FROM pg_depend WHERE objid = n.oid AND deptype = 'e') AS member
FROM pg_namespace n WHERE nspname = 'migrations_backup';
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SCHEMAS FROM PUBLIC;

-- it survives the rollback; the next one takes the name, and the older one makes way
SELECT version FROM migrations.rollback();
SELECT count(*) FROM users;
SELECT backup, rows FROM listed;
SELECT migrations.add('001', 'no users any more', 'SELECT migrations.keep(''users''); DROP TABLE users',
    'CREATE TABLE users AS SELECT * FROM migrations_backup.users__default_001; SELECT migrations.keep(''users'')', replace => true);
INSERT INTO users VALUES (4, 4, 'Dan');
CALL migrations.apply_each() \gset
CALL migrations.rollback_each() \gset
INSERT INTO users VALUES (5, 5, 'Eve');
SELECT version FROM migrations.apply();
SELECT version, messages FROM migrations.redo();
SELECT backup, direction, rows, name FROM listed;

-- what was dropped or renamed by hand is listed as it is, and so is one with another comment
DROP TABLE migrations_backup.users__default_001_2;
ALTER TABLE migrations_backup.users__default_001_3 RENAME TO before_dan;
COMMENT ON TABLE migrations_backup.users__default_001_down IS 'mine now';
SELECT backup, rows FROM listed;
-- a number that has become free isn't given again: the highest one is the newest
SELECT version, messages FROM migrations.redo();
SELECT backup, rows FROM listed;
-- a comment that somebody has made up is no error
CREATE TABLE migrations_backup.odd ();
COMMENT ON TABLE migrations_backup.odd IS E'backup made by pg_migrations\nrows: 999999999999999999\nkept at: 2024-99-99 99:99:99.999999+00';
SELECT rows, kept_at AT TIME ZONE 'UTC' AS kept_at FROM migrations.backups WHERE backup = 'migrations_backup.odd'::regclass;
COMMENT ON TABLE migrations_backup.odd IS E'backup made by pg_migrations\nrows: 9999999999999999999\nkept at: 0000-00-00 00:00:00.000000+00';
SELECT rows, kept_at AT TIME ZONE 'UTC' AS kept_at FROM migrations.backups WHERE backup = 'migrations_backup.odd'::regclass;
COMMENT ON TABLE migrations_backup.odd IS E'backup made by pg_migrations\nrows: -1\nkept at: 2024-02-29 12:34:56.789012+00';
SELECT rows, kept_at AT TIME ZONE 'UTC' AS kept_at FROM migrations.backups WHERE backup = 'migrations_backup.odd'::regclass;
COMMENT ON TABLE migrations_backup.odd IS E'backup made by pg_migrations\nkept at: yesterday';
SELECT rows, kept_at FROM migrations.backups WHERE backup = 'migrations_backup.odd'::regclass;
DROP TABLE migrations_backup.odd;

-- forgetting
SELECT migrations.forget('migrations_backup.before_dan');
SELECT migrations.forget('migrations_backup.before_dan');
SELECT migrations.forget('migrations_backup.users__default_001_down');
SELECT migrations.forget('owner');
SELECT migrations.forget(NULL);
SELECT migrations.forget(0);
CREATE VIEW uses AS SELECT * FROM migrations_backup.users__default_001;
SELECT migrations.forget('migrations_backup.users__default_001');
DROP VIEW uses;
SELECT count(migrations.forget(backup)) FROM migrations.backups;
SELECT count(*) FROM listed;
DROP TABLE migrations_backup.users__default_001_down;

-- tables of one name, and names that are taken or too long
CREATE SCHEMA a;
CREATE SCHEMA b;
CREATE TABLE a.t AS SELECT 1 AS a;
CREATE TABLE b.t AS SELECT 1 AS b, 2 AS c;
CREATE TABLE a.a_table_with_a_name_that_is_as_long_as_a_name_may_be_in_postgresql ();
CREATE TABLE b.a_table_with_a_name_that_is_as_long_as_a_name_may_be_in_postgresql ();
CREATE TABLE a."Odd 'name"" \ \\" AS SELECT 1;
SELECT migrations.add('1.2', 'names', $$
    SELECT migrations.keep('a.t');
    SELECT migrations.keep('b.t');
    CREATE TABLE migrations_backup."taken__default_1.2" ();
    CREATE TABLE taken ();
    SELECT migrations.keep('taken');
    DO 'BEGIN
        PERFORM migrations.keep(oid) FROM (SELECT c.oid FROM pg_class c WHERE relname LIKE ''a_table_with%'' ORDER BY relnamespace::regnamespace::text) t;
    END';
    SELECT migrations.keep('a."Odd ''name"" \ \\"') $$);
SELECT messages FROM migrations.apply(only_version => '1.2');
SELECT backup, copied_from FROM listed;
SELECT * FROM migrations_backup."t__default_1.2", migrations_backup."b_t__default_1.2";
SELECT migrations.mark_pending('1.2');
SELECT migrations.add('1.2', 'names', $$ SELECT migrations.keep('b.t'); SELECT migrations.keep('a.t') $$, replace => true);
SELECT messages FROM migrations.apply(only_version => '1.2');
SELECT backup, copied_from FROM listed WHERE copied_from LIKE '%.t';
SELECT count(migrations.forget(backup)) FROM migrations.backups;

-- what can be kept: partitioned tables with all rows, temporary tables, materialized views
CREATE TABLE parts (n int) PARTITION BY RANGE (n);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
INSERT INTO parts VALUES (1), (11), (12);
CREATE MATERIALIZED VIEW sums AS SELECT sum(n) FROM parts;
CREATE TEMPORARY TABLE scratch AS SELECT 1 AS n;
CREATE UNLOGGED TABLE quick AS SELECT 1 AS n;
CREATE TABLE nothing ();
SELECT migrations.add_repeatable('kinds', $$ SELECT migrations.keep(t) FROM unnest('{parts, sums, scratch, quick, nothing}'::regclass[]) t $$);
SELECT messages FROM migrations.apply();
SELECT l.backup, copied_from, version, name, rows, relkind, relpersistence FROM listed l JOIN pg_class c ON c.oid = l.backup;
SELECT count(migrations.forget(backup)) FROM migrations.backups;
-- and what can't
CREATE FUNCTION attempt(body text, version text DEFAULT '2') RETURNS void LANGUAGE sql AS
    $$ SELECT migrations.add(version, 'attempt', body, replace => true) $$;
SELECT attempt($$SELECT migrations.keep('shape')$$);
SELECT * FROM migrations.apply();
SELECT attempt($$SELECT migrations.keep('migrations.event_id_seq')$$);
SELECT * FROM migrations.apply();
SELECT attempt($$SELECT migrations.keep('no_table')$$);
SELECT * FROM migrations.apply();
SELECT attempt($$SELECT migrations.keep(NULL)$$);
SELECT * FROM migrations.apply();
SELECT attempt($$SELECT migrations.keep(1)$$);
SELECT * FROM migrations.apply();
-- nor columns that would go with the session
CREATE TYPE pg_temp.briefly AS ENUM ('a');
CREATE DOMAIN hidden AS pg_temp.briefly[];
CREATE TYPE deep AS (n int, h hidden);
CREATE TABLE fleeting (n int, "a column" deep[]);
SELECT attempt($$SELECT migrations.keep('fleeting')$$);
SELECT * FROM migrations.apply();
CREATE COLLATION pg_temp.sorted FROM "C";
CREATE TEMPORARY TABLE fleeting_too (n int, t text COLLATE pg_temp.sorted);
SELECT attempt($$SELECT migrations.keep('fleeting_too')$$);
SELECT * FROM migrations.apply();
DROP TABLE fleeting, fleeting_too;
DROP TYPE deep, hidden, pg_temp.briefly;
DROP COLLATION pg_temp.sorted;
-- NOT NULL that holds for new rows alone is left out
CREATE TABLE late (n int, m int NOT NULL);
INSERT INTO late VALUES (NULL, 1);
SELECT current_setting('server_version_num')::int >= 180000 AS has_not_valid \gset
\if :has_not_valid
ALTER TABLE late ADD CONSTRAINT late_n NOT NULL n NOT VALID;
\endif
SELECT attempt($$SELECT migrations.keep('late')$$);
SELECT messages FROM migrations.apply();
SELECT attname, attnotnull FROM shape WHERE relation = 'migrations_backup.late__default_2'::regclass;
SELECT * FROM migrations_backup.late__default_2;
SELECT migrations.forget('migrations_backup.late__default_2');
SELECT action FROM migrations.mark_pending('2');
-- an error that the text catches leaves nothing
SELECT attempt($$ DO 'BEGIN PERFORM migrations.keep(''shape''); EXCEPTION WHEN wrong_object_type THEN NULL; END'; SELECT current_setting('row_security'), current_setting('search_path') $$);
SELECT messages FROM migrations.apply();

-- outside of a migration's text
SELECT migrations.keep('owner');
BEGIN;
SELECT migrations.keep('owner');
ROLLBACK;
SELECT migrations.add('3', 'verified', 'SELECT migrations.keep(''owner'')', verify => 'SELECT migrations.keep(''owner'')');
SELECT * FROM migrations.apply();
SELECT migrations.add('3', 'verified', 'SELECT migrations.keep(''owner'')', precondition => 'SELECT migrations.keep(''owner'')', replace => true);
SELECT * FROM migrations.apply();
SELECT migrations.remove('3');
-- other calls stay refused, and a failed run leaves no state
SELECT attempt($$SELECT migrations.keep('owner'); SELECT migrations.rollback()$$, '3');
SELECT * FROM migrations.apply();
SELECT migrations.keep('owner');
SELECT * FROM listed;
-- a failed migration takes its backup with it
SELECT attempt($$SELECT migrations.keep('owner'); SELECT 1/0$$, '3');
CALL migrations.apply_each() \gset
SELECT * FROM listed;

-- in a migration that can't run inside a transaction it stays, and isn't made again
SELECT attempt($$SELECT migrations.keep('owner'); VACUUM owner; SELECT 1/0$$, '3');
CALL migrations.apply_each() \gset
SELECT backup, rows FROM listed;
SELECT attempt($$SELECT migrations.keep('owner'); VACUUM owner; SELECT 1$$, '3');
CALL migrations.apply_each() \gset
SELECT backup, rows FROM listed;
-- as does one in a block that commits
SELECT migrations.add('4', 'commits', $$DO 'BEGIN PERFORM migrations.keep(''owner''); COMMIT; PERFORM migrations.keep(''users''); END'$$, transactional => false);
CREATE TABLE users (id int);
CALL migrations.apply_each() \gset
SELECT backup, rows FROM listed;
SELECT count(migrations.forget(backup)) FROM migrations.backups;
DROP TABLE migrations_backup."taken__default_1.2";
DROP SCHEMA migrations_backup;

-- rights: those of the caller
CREATE ROLE regress_keeps;
CREATE ROLE regress_keeps_too;
GRANT USAGE ON SCHEMA migrations TO regress_keeps, regress_keeps_too;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA migrations TO regress_keeps, regress_keeps_too;
GRANT SELECT ON migrations.backups TO regress_keeps, regress_keeps_too;
SELECT attempt($$SELECT migrations.keep('owner')$$, '5');
SET ROLE regress_keeps;
SELECT * FROM migrations.apply();
RESET ROLE;
SELECT format('GRANT CREATE ON DATABASE %I TO regress_keeps', current_database()) \gexec
SET ROLE regress_keeps;
SELECT * FROM migrations.apply();
RESET ROLE;
GRANT SELECT (id) ON owner TO regress_keeps;
SET ROLE regress_keeps;
SELECT * FROM migrations.apply();
RESET ROLE;
-- rows that the caller can't see
GRANT SELECT ON owner TO regress_keeps;
ALTER TABLE owner ENABLE ROW LEVEL SECURITY;
CREATE POLICY others ON owner TO regress_keeps USING (id > 1);
SET ROLE regress_keeps;
SELECT * FROM migrations.apply();
SELECT to_regnamespace('migrations_backup');
RESET ROLE;
ALTER TABLE owner OWNER TO regress_keeps;
ALTER TABLE owner FORCE ROW LEVEL SECURITY;
SET ROLE regress_keeps;
SELECT * FROM migrations.apply();
RESET ROLE;
ALTER TABLE owner NO FORCE ROW LEVEL SECURITY;
SET ROLE regress_keeps;
SELECT messages FROM migrations.apply();
SELECT copied_from, rows, kept_by FROM migrations.backups;
RESET ROLE;
SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'migrations_backup';
-- to read is enough, and then others may go on writing
CREATE TABLE read_only AS SELECT 1 AS n;
GRANT SELECT ON read_only TO regress_keeps;
SELECT attempt($$SELECT migrations.keep('read_only'); SELECT mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'read_only'::regclass ORDER BY mode$$, '6');
BEGIN;
SET LOCAL ROLE regress_keeps;
SELECT messages FROM migrations.apply();
ROLLBACK;
GRANT UPDATE ON read_only TO regress_keeps;
SET ROLE regress_keeps;
SELECT messages FROM migrations.apply();
RESET ROLE;

-- a schema that belongs to somebody else, even to a superuser's eyes
SELECT attempt($$SELECT migrations.keep('read_only')$$, '7');
SELECT * FROM migrations.apply();
GRANT SELECT ON read_only TO regress_keeps_too;
GRANT USAGE ON SCHEMA migrations_backup TO regress_keeps_too;
SET ROLE regress_keeps_too;
SELECT * FROM migrations.apply();
SELECT migrations.forget('migrations_backup.read_only__default_6');
RESET ROLE;
GRANT regress_keeps TO regress_keeps_too;
SET ROLE regress_keeps_too;
SELECT messages FROM migrations.apply();
RESET ROLE;
SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace = 'migrations_backup'::regnamespace AND relkind = 'r' ORDER BY relname;

-- nothing of the caller's search path or settings is picked up
CREATE SCHEMA trap;
CREATE FUNCTION trap.format(text, VARIADIC text[]) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE FUNCTION trap.trapped(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.trapped);
CREATE TABLE trap.pg_class (oid oid, relname name);
CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE FUNCTION trap.trapped(int, int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE OPERATOR trap.+ (LEFTARG = int, RIGHTARG = int, FUNCTION = trap.trapped);
CREATE DOMAIN trap.int AS text;
CREATE TABLE defaults (a timestamptz DEFAULT now(), b int DEFAULT 1 + 1);
ALTER SCHEMA migrations_backup OWNER TO CURRENT_USER;
SELECT migrations.add('8', 'trap', $$SET search_path = trap, public, pg_catalog; SET row_security = on; SELECT migrations.keep('read_only'), migrations.keep('defaults')$$);
SELECT messages FROM migrations.apply();
SELECT relation, attname, type, "default" FROM shape WHERE relation = 'migrations_backup.defaults__default_8'::regclass;

-- but triggers that keeping and forgetting set off have the search path of the caller
CREATE SCHEMA audit;
CREATE TABLE audit.log (tag text, row_security text);
CREATE FUNCTION audit.note() RETURNS event_trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO log VALUES (tg_tag, current_setting('row_security')); END $$;
SELECT migrations.add('9', 'audited', 'SET search_path = audit; SELECT migrations.keep(''public.users''); SELECT migrations.keep(''public.users'')');
CREATE EVENT TRIGGER audited ON ddl_command_end EXECUTE FUNCTION audit.note();
CREATE EVENT TRIGGER audited_drop ON sql_drop EXECUTE FUNCTION audit.note();
SELECT messages FROM migrations.apply();
SET search_path = audit;
SELECT migrations.forget('migrations_backup.users__default_9');
RESET search_path;
DROP EVENT TRIGGER audited;
DROP EVENT TRIGGER audited_drop;
SELECT tag, row_security, count(*) FROM audit.log GROUP BY tag, row_security ORDER BY tag COLLATE "C";

-- the backups outlive the extension
DROP EXTENSION pg_migrations CASCADE;
SELECT n FROM migrations_backup.read_only__default_8;
CREATE EXTENSION pg_migrations;
SELECT backup, copied_from, rows FROM migrations.backups WHERE version = '8';

DROP SCHEMA migrations_backup CASCADE;
DROP OWNED BY regress_keeps, regress_keeps_too CASCADE;
DROP ROLE regress_keeps, regress_keeps_too;
