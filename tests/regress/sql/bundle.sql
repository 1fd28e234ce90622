-- A project on its way from one database to another.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -
\t on
SELECT project FROM migrations.set_project('shop', search_path => 'public', out_of_order => 'allow', settings => '{"work_mem": "5MB"}', placeholders => '${x}');
SELECT migrations.set_variable('secret', 'do not tell', 'shop');
SELECT migrations.add('010', 'ten', E'SELECT ''é'';\n', NULL, project => 'shop', requires => '{002, extension:plpgsql, "billing:001"}', precondition => 'SELECT true', on_fail => 'skip');
SELECT migrations.add('002', 'two', 'SELECT 2', 'SELECT -2', project => 'shop', verify => 'SELECT true', transactional => false);
SELECT migrations.add_file('003_half.down.sql', 'SELECT 3', 'shop');
SELECT migrations.add_repeatable('views', 'SELECT 4', project => 'shop');
SELECT migrations.add_repeatable('after', 'SELECT 5', project => 'shop', moment => 'after');
SELECT jsonb_pretty(migrations.export_bundle('shop'));
\t off
-- under another name, the same; again, nothing to do
SELECT * FROM migrations.import_bundle(migrations.export_bundle('shop'), 'copy');
SELECT migrations.export_bundle('copy') - 'project' - 'variables' = migrations.export_bundle('shop') - 'project' - 'variables' AS same;
SELECT count(*) FROM migrations.import_bundle(migrations.export_bundle('shop'), 'copy') WHERE action = 'unchanged';
SET client_min_messages = notice;
SELECT action, count(*) FROM migrations.import_bundle(migrations.export_bundle('shop')) GROUP BY 1;
-- what is there already stays, unless it is to be replaced
SELECT migrations.add('002', 'two', 'SELECT 22', 'SELECT -2', project => 'copy', replace => true);
SELECT search_path FROM migrations.set_project('copy', search_path => 'pg_catalog');
SELECT * FROM migrations.import_bundle(migrations.export_bundle('shop'), 'copy');
SELECT * FROM migrations.import_bundle(migrations.export_bundle('shop'), 'copy', true) WHERE action <> 'unchanged';
SELECT project, search_path, variables FROM migrations.set_project('copy');
SELECT count(*) FROM migrations.history WHERE project = 'copy' AND action = 'replace';
-- what is no bundle
SELECT * FROM migrations.import_bundle(NULL);
SELECT * FROM migrations.import_bundle('{}');
SELECT * FROM migrations.import_bundle('{"format": 7}');
SELECT * FROM migrations.import_bundle('{"format": 1, "project": "p"}');
SELECT * FROM migrations.import_bundle('{"format": 1, "project": "p", "migrations": [{"version": "1"}]}');
SELECT * FROM migrations.import_bundle('{"format": 1, "project": "p", "migrations": [{"version": "1", "name": "x"}]}');
SELECT * FROM migrations.import_bundle('{"format": 1, "project": "p", "migrations": [{"version": "1:2", "name": "x", "up": "SELECT"}]}');
SELECT * FROM migrations.import_bundle('{"format": 1, "project": "p", "migrations": [{"version": "1", "name": "x", "up": "SELECT", "on_fail": "never"}]}');
SELECT * FROM migrations.import_bundle('{"format": 1, "project": "p", "migrations": [{"version": "1", "name": "x", "up": "SELECT", "moment": "after"}]}');
SELECT * FROM migrations.import_bundle('{"format": 1, "project": "p", "migrations": [{"version": "1", "name": "x", "up": "\\i y"}]}');
SELECT * FROM migrations.import_bundle('{"format": 1, "project": "p", "out_of_order": "maybe", "migrations": []}');
SELECT * FROM migrations.import_bundle('{"format": 1, "project": "p", "settings": {"no_such": "1"}, "migrations": []}');
SELECT jsonb_set(migrations.export_bundle('shop'), '{migrations,0,up}', '"SELECT 7"') AS changed \gset
SELECT * FROM migrations.import_bundle(:'changed', 'p');
SELECT migrations.export_bundle('nowhere');
SELECT project FROM migrations.import_bundle('{"format": 1, "project": "empty", "migrations": []}');
SELECT DISTINCT project FROM migrations.history ORDER BY 1;
SELECT * FROM migrations.import_bundle('{"format": 1, "project": "p", "settings": {"Search_Path": "x"}, "migrations": []}');
SELECT * FROM migrations.import_bundle((repeat('[', 500) || repeat(']', 500))::jsonb);
SELECT * FROM migrations.set_project('p', settings => (repeat('[', 500) || repeat(']', 500))::jsonb);
