-- An index without a name gets the one that the server would give it: the same statements, run
-- by psql in one schema and by a migration in another.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
CREATE TYPE own AS ENUM ('a');
CREATE FUNCTION tables(schema text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE SCHEMA %I', schema);
    EXECUTE format('SET LOCAL search_path = %I', schema);
    EXECUTE $t$
        CREATE TABLE t (v int, w int, expr int, t text, lower text, ts timestamp, j jsonb, arr int[], "Mixed Case" int, "a_b" int);
        CREATE TABLE "Odd Table" ("Odd Column" int, "x""y" int);
        CREATE TABLE a_table_with_a_name_that_has_sixty_three_bytes_if_counted_right (a_column_with_a_name_that_has_sixty_three_bytes_if_counted_righ int, b_column_with_a_name_that_has_sixty_three_bytes_if_counted_righ int);
        CREATE TABLE tttttttttttttttttttttttttttttttttttttt (a_column_with_a_name_that_has_sixty_three_bytes_if_counted_righ int, c int);
        CREATE TABLE "üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü" ("ääääääääääääääääääääääääääääää" int, "日本語の長い名前の列です日本語の長い名前" int);
        CREATE TABLE taken_v_idx1 ();
        CREATE TABLE taken (v int);
        CREATE TABLE dropped (a int, b int, c int, o public.own);
        ALTER TABLE dropped DROP COLUMN a;
        CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
        CREATE MATERIALIZED VIEW seen AS SELECT 1 AS v;
    $t$;
END $$;
SELECT tables('by_psql'), tables('by_migration');
SELECT $$
CREATE INDEX CONCURRENTLY ON t (v);
CREATE INDEX CONCURRENTLY ON t (v);
CREATE INDEX CONCURRENTLY ON t (v);
CREATE UNIQUE INDEX CONCURRENTLY ON t (v, w);
CREATE INDEX CONCURRENTLY ON t (v, v, v);
CREATE INDEX CONCURRENTLY ON t (v) INCLUDE (w);
CREATE INDEX CONCURRENTLY ON t (w) INCLUDE (v, v, w);
CREATE INDEX CONCURRENTLY ON t ((v + 1));
CREATE INDEX CONCURRENTLY ON t ((v + 1), expr, (w + 1));
CREATE INDEX CONCURRENTLY ON t (lower(t));
CREATE INDEX CONCURRENTLY ON t (lower, lower(t), upper(t), lower(t));
CREATE INDEX CONCURRENTLY ON t ((v));
CREATE INDEX CONCURRENTLY ON t ((t COLLATE "C"));
CREATE INDEX CONCURRENTLY ON t (t COLLATE "C" text_pattern_ops DESC NULLS LAST);
CREATE INDEX CONCURRENTLY ON t ((v::text));
CREATE INDEX CONCURRENTLY ON t (CAST(v AS bigint));
CREATE INDEX CONCURRENTLY ON t (coalesce(v, w));
CREATE INDEX CONCURRENTLY ON t (greatest(v, w), nullif(v, w));
CREATE INDEX CONCURRENTLY ON t ((CASE WHEN v > 1 THEN w END));
CREATE INDEX CONCURRENTLY ON t ((CASE WHEN v > 1 THEN 1 ELSE w END));
CREATE INDEX CONCURRENTLY ON t (date_trunc('day', ts));
CREATE INDEX CONCURRENTLY ON t ((j ->> 'x'));
CREATE INDEX CONCURRENTLY ON t ((arr[1]));
CREATE INDEX CONCURRENTLY ON t ((ARRAY[v, w]));
CREATE INDEX CONCURRENTLY ON t (((ROW(v, w)) IS NULL));
CREATE INDEX CONCURRENTLY ON t (extract(year FROM ts));
CREATE INDEX CONCURRENTLY ON t USING gin (j);
CREATE INDEX CONCURRENTLY ON t USING hash (v);
CREATE INDEX CONCURRENTLY ON t ("Mixed Case", a_b) WHERE v > 1;
CREATE INDEX CONCURRENTLY ON t (v) WITH (fillfactor = 50);
CREATE INDEX CONCURRENTLY ON "Odd Table" ("Odd Column", "x""y");
CREATE INDEX CONCURRENTLY ON a_table_with_a_name_that_has_sixty_three_bytes_if_counted_right (a_column_with_a_name_that_has_sixty_three_bytes_if_counted_righ);
CREATE INDEX CONCURRENTLY ON a_table_with_a_name_that_has_sixty_three_bytes_if_counted_right (a_column_with_a_name_that_has_sixty_three_bytes_if_counted_righ, a_column_with_a_name_that_has_sixty_three_bytes_if_counted_righ);
CREATE INDEX CONCURRENTLY ON a_table_with_a_name_that_has_sixty_three_bytes_if_counted_right (b_column_with_a_name_that_has_sixty_three_bytes_if_counted_righ, a_column_with_a_name_that_has_sixty_three_bytes_if_counted_righ);
CREATE INDEX CONCURRENTLY ON tttttttttttttttttttttttttttttttttttttt (a_column_with_a_name_that_has_sixty_three_bytes_if_counted_righ, c);
CREATE INDEX CONCURRENTLY ON tttttttttttttttttttttttttttttttttttttt (c, a_column_with_a_name_that_has_sixty_three_bytes_if_counted_righ, c);
CREATE INDEX CONCURRENTLY ON "üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü" ("ääääääääääääääääääääääääääääää");
CREATE INDEX CONCURRENTLY ON "üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü" ("日本語の長い名前の列です日本語の長い名前", "ääääääääääääääääääääääääääääää", "日本語の長い名前の列です日本語の長い名前");
CREATE INDEX CONCURRENTLY ON taken (v);
CREATE INDEX CONCURRENTLY ON taken (v);
CREATE INDEX CONCURRENTLY ON seen (v);
CREATE INDEX CONCURRENTLY ON t ((t.* IS NULL), (t::text));
CREATE INDEX CONCURRENTLY ON "Odd Table" (("Odd Table".* IS NULL));
CREATE UNIQUE INDEX CONCURRENTLY ON dropped (c, (b + f(c))) WHERE f(c) > 1;
CREATE INDEX CONCURRENTLY ON dropped (o);
$$ AS statements \gset
SET search_path = by_psql;
:statements
RESET search_path;
SELECT migrations.set_project(search_path => 'by_migration') \gset
SELECT migrations.add('1', 'indexes', :'statements' || 'SELECT 1 / 0');
CALL migrations.apply_each();
-- each is known by its name and its definition
SELECT count(*), count(*) FILTER (WHERE j.definition = replace(replace(pg_get_indexdef(i.indexrelid), format('%I ON', c.relname), 'ON'), format('by_migration.%I ', t.relname), '')) AS known
FROM migrations.journal j JOIN pg_class c ON c.relname = j.index_name AND c.relnamespace = 'by_migration'::regnamespace
JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_class t ON t.oid = i.indrelid;
SELECT index_name, definition FROM migrations.journal ORDER BY statement_no DESC LIMIT 5;
SELECT migrations.add('1', 'indexes', :'statements', replace => true);
CALL migrations.apply_each() \gset
-- each index in the order of its making, in both schemas
WITH made AS (
    SELECT relnamespace::regnamespace::text AS schema, relname, replace(pg_get_indexdef(oid), relnamespace::regnamespace::text, '') AS definition,
           row_number() OVER (PARTITION BY relnamespace ORDER BY oid) AS n
    FROM pg_class WHERE relkind = 'i' AND relnamespace IN ('by_psql'::regnamespace, 'by_migration'::regnamespace))
SELECT count(*), count(*) FILTER (WHERE p.relname = m.relname AND p.definition = m.definition) AS the_same, string_agg(p.relname || ' is ' || m.relname, ', ') FILTER (WHERE p.relname <> m.relname) AS others
FROM (SELECT * FROM made WHERE schema = 'by_psql') p FULL JOIN (SELECT * FROM made WHERE schema = 'by_migration') m USING (n);

-- a temporary table
CREATE TEMP TABLE temporary (v int);
SELECT migrations.add('2', 'temporary', 'CREATE INDEX CONCURRENTLY ON temporary (v); CREATE INDEX CONCURRENTLY ON pg_temp.temporary (v)');
CALL migrations.apply_each() \gset
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'temporary'::regclass ORDER BY indexrelid;

-- what the server says of statements that can't run is what it says
SELECT migrations.add('3', 'no table', 'CREATE INDEX CONCURRENTLY ON nowhere (v)');
CALL migrations.apply_each();
SELECT migrations.add('3', 'no table', 'CREATE INDEX CONCURRENTLY ON t (nothing)', replace => true);
CALL migrations.apply_each();
SELECT migrations.add('3', 'no table', 'CREATE INDEX CONCURRENTLY ON t (v no_such_ops)', replace => true);
CALL migrations.apply_each();
SELECT migrations.add('3', 'no table', 'CREATE INDEX CONCURRENTLY ON t (random())', replace => true);
CALL migrations.apply_each();
CREATE TABLE by_migration.whole (v int) PARTITION BY LIST (v);
SELECT migrations.add('3', 'no table', 'CREATE INDEX CONCURRENTLY ON whole (v)', replace => true);
CALL migrations.apply_each();
SELECT count(*) FROM migrations.journal;
