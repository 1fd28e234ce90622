-- The extension's own shape.
CREATE SCHEMA migrations;
\set SHOW_CONTEXT never
CREATE EXTENSION pg_migrations;
\set SHOW_CONTEXT errors
DROP SCHEMA migrations;
CREATE EXTENSION pg_migrations;
SELECT extname, extnamespace::regnamespace, extrelocatable FROM pg_extension WHERE extname = 'pg_migrations';
-- a second one
CREATE EXTENSION pg_migrations;
CREATE SCHEMA other;
ALTER EXTENSION pg_migrations SET SCHEMA other;

-- everything that is ours has a comment
SELECT c.oid::regclass::text COLLATE "C" AS without_comment FROM pg_class c
WHERE relnamespace = 'migrations'::regnamespace AND relkind IN ('r', 'v', 'c') AND obj_description(c.oid, 'pg_class') IS NULL
    AND NOT EXISTS (SELECT FROM pg_type t WHERE typrelid = c.oid AND obj_description(t.oid, 'pg_type') IS NOT NULL)
UNION ALL
SELECT format('%s.%s', attrelid::regclass, attname) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
WHERE relnamespace = 'migrations'::regnamespace AND relkind = 'r' AND attnum > 0 AND col_description(attrelid, attnum) IS NULL
UNION ALL
SELECT p.oid::regprocedure::text FROM pg_proc p
WHERE pronamespace = 'migrations'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL;

-- and is a member of the extension
SELECT pg_describe_object(classid, objid, 0) FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
    -- newer servers list the types that come with a table or type, too
    AND NOT (classid = 'pg_type'::regclass AND EXISTS (
        SELECT FROM pg_type t LEFT JOIN pg_class c ON c.oid = typrelid WHERE t.oid = objid AND (typelem <> 0 OR relkind <> 'c')))
    AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_migrations')
ORDER BY pg_describe_object(classid, objid, 0) COLLATE "C";
-- tables and sequences are dumped with their rows
SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'migrations'::regnamespace AND relkind IN ('r', 'S')
    AND c.oid <> ALL ((SELECT extconfig FROM pg_extension WHERE extname = 'pg_migrations')::oid[]);

-- the functions, with the names of their arguments
\pset format unaligned
SELECT format('%s(%s): %s', proname, pg_get_function_arguments(oid), pg_get_function_result(oid)) AS function FROM pg_proc
WHERE pronamespace = 'migrations'::regnamespace ORDER BY 1;
\pset format aligned

-- a library that is newer than the extension says so
UPDATE pg_extension SET extversion = '0.0.9' WHERE extname = 'pg_migrations';
SELECT * FROM migrations.status();
SELECT * FROM migrations.apply();

-- leaves nothing behind, and a session that has used it before goes on with a new one
SET client_min_messages = warning;
DROP EXTENSION pg_migrations;
SELECT to_regnamespace('migrations');
CREATE EXTENSION pg_migrations;
SELECT migrations.add('001', 'again', 'CREATE TABLE again ()');
SELECT version FROM migrations.apply();
