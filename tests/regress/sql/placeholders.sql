-- Placeholders without a value: found before anything runs, and all at once.
CREATE EXTENSION pg_migrations;
\pset null -
SET client_min_messages = warning;

-- Flyway's own ones, in a project that expands nothing
SELECT result FROM migrations.add_files(ARRAY['V1__a.sql', 'V2__b.sql', 'U2__b.sql', 'R__c.sql'], ARRAY[
    'CREATE TABLE flown (s text); -- ${flyway:table}',
    'INSERT INTO flown VALUES (''${flyway:defaultSchema}''), (''${flyway:user}''), ($$${flyway:timestamp}$$), (''${mine}'');',
    'DELETE FROM flown WHERE s = ''${flyway:user}''',
    'SELECT ''${flyway:database} ${mine}'''], 'flown');
SELECT * FROM migrations.apply(project => 'flown');
SELECT to_regclass('flown');
CALL migrations.apply_each(project => 'flown');
SELECT to_regclass('flown'), state, message FROM migrations.status('flown') WHERE version = '2';
-- as the WARNING says: what has no value yet is named, of all texts of the run
SELECT placeholders FROM migrations.set_project('flown', placeholders => '${x}');
SELECT * FROM migrations.apply(project => 'flown');
SELECT migrations.set_variable('flyway:defaultSchema', 'value', 'flown'), migrations.set_variable('flyway:user', 'me', 'flown'), migrations.set_variable('flyway:timestamp', 'value', 'flown'), migrations.set_variable('mine', 'value', 'flown'), migrations.set_variable('flyway:database', 'value', 'flown');
SELECT version FROM migrations.apply(project => 'flown');
SELECT s FROM flown ORDER BY s;
-- and of a folder when it is registered, if something has changed
SELECT result FROM migrations.add_files(ARRAY['V1__a.sql', 'V2__b.sql', 'V3__d.sql', 'V4__e.sql'], ARRAY[
    'CREATE TABLE flown (s text); -- ${flyway:table}',
    'INSERT INTO flown VALUES (''${flyway:defaultSchema}''), (''${flyway:user}''), ($$${flyway:timestamp}$$), (''${mine}'');',
    'SELECT ''${b}'', ${a}', 'SELECT ${a}, ''${$}{c}'', ''${d}'' /* ${e} */'], 'flown');
SELECT result FROM migrations.add_files(ARRAY['V3__d.sql'], ARRAY['SELECT ''${b}'', ${a}'], 'flown', convention => 'flyway');
SELECT * FROM migrations.apply('3', project => 'flown');
SELECT * FROM migrations.apply(project => 'flown');
SELECT migrations.set_variable('a', '1', 'flown'), migrations.set_variable('b', '2', 'flown'), migrations.set_variable('d', '4', 'flown');
-- a literal one
SELECT version, messages FROM migrations.apply(project => 'flown');
-- variables with values, in a project that doesn't expand them
SELECT migrations.set_variable('x', '1', 'valued');
SELECT result FROM migrations.add_files(ARRAY['V1__a.sql'], ARRAY['SELECT ${x}'], 'valued');

-- graphile's
SELECT result FROM migrations.add_files(ARRAY['committed/000001-a.sql', 'committed/000002-b.sql'], ARRAY[
    E'--! Previous: -\n--! Hash: sha1:a\n\nCREATE ROLE :DATABASE_OWNER; SELECT a[lo:hi], '':no''',
    E'--! Previous: sha1:a\n--! Hash: sha1:b\n\nGRANT :DATABASE_VISITOR TO :DATABASE_OWNER;'], 'graphed');
SELECT * FROM migrations.apply(project => 'graphed');
SELECT placeholders FROM migrations.set_project('graphed', placeholders => ':x');
SELECT * FROM migrations.apply(project => 'graphed');

-- what is no variable where :x are
SELECT placeholders FROM migrations.set_project('colons', placeholders => ':x');
SELECT migrations.set_variable('hi', 'wrong', 'colons'), migrations.set_variable('n', '2', 'colons');
SELECT migrations.add('1', 'colons', $$
    CREATE TABLE colons (a int[], lo int, hi int);
    INSERT INTO colons VALUES ('{1,2,3,4,5}', 2, 4);
    DO $do$ DECLARE x int:=1; BEGIN x := 2; END $do$;
    SELECT a[lo:hi], a[:n], a[ lo : lo + 1 ], ARRAY[:n, 1], '12:30'::time::text, (a[2:3])[1] FROM colons;
$$, project => 'colons');
SELECT messages FROM migrations.apply(project => 'colons');
SELECT migrations.set_variable('hi', NULL, 'colons');
SELECT migrations.add('2', 'colons', 'SELECT a[lo:hi], a[:n], a[:hi], a[ lo :hi ] FROM colons', project => 'colons');
SELECT messages FROM migrations.apply(project => 'colons');
SELECT migrations.add('3', 'colons', 'SELECT a[lo:hi], ARRAY[:no] FROM colons', project => 'colons');
SELECT messages FROM migrations.apply(project => 'colons');

-- backquotes, in one of many files
SELECT migrations.add('1', 'a', E'SELECT 1;\n\\set x `date`\nSELECT :x', project => 'programs');
SELECT result FROM migrations.add_files(ARRAY['001_a.up.sql', '001_a.down.sql', '002_b.up.sql', '002_b.down.sql', '003_c.sql'], ARRAY[
    'SELECT 1', 'SELECT -1', 'SELECT 2', E'\n\n\\set x `date`\nSELECT :x', E'SELECT 3;\n\\gexec\n'], 'programs');
SELECT result FROM migrations.add_files(ARRAY['1_a.sql'], ARRAY[
    E'-- +goose Up\nSELECT 1;\n-- +goose Down\n\n\\set x `date`\nSELECT :x;'], 'programs');
SELECT count(*) FROM migrations.status('programs');

DROP EXTENSION pg_migrations;
