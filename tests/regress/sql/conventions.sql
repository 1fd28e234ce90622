-- Files of other tools: what is found out, and what is refused with which words.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -
\set VERBOSITY default

-- one file may hold several parts
SELECT migrations.add_file('001_users.sql', E'-- migrate:up\nCREATE TABLE users ();\n\n-- migrate:down\nDROP TABLE users;');
SELECT up, down FROM migrations.migration;
SELECT migrations.add_file('001_users.sql', E'-- migrate:up\nCREATE TABLE users ();\n\n-- migrate:down\nDROP TABLE users;\n', convention => 'dbmate');
SELECT migrations.add_file('001_users.sql', E'-- migrate:up transaction:false\nCREATE TABLE users ();\n\n-- migrate:down\nDROP TABLE users;');
SELECT migrations.add_file('001_users.sql', E'-- migrate:up transaction:false\nCREATE TABLE users ();\n\n-- migrate:down\nDROP TABLE a;', replace => true);
SELECT down, transactional FROM migrations.migration;
SELECT migrations.add_file('001_users.sql', E'-- migrate:up\nCREATE TABLE a ();\n\n-- migrate:down\nDROP TABLE a;', replace => true);
SELECT up, transactional FROM migrations.migration;

-- an error of the server names the line of the file
SELECT migrations.add_file('1_late.sql', E'-- a note\n-- +goose Up\nSELECT 1;\n\n-- +goose Down\n\nSELECT nothing;', 'lines');
SELECT version FROM migrations.apply(project => 'lines');
SELECT * FROM migrations.rollback(1, 'lines');

-- folders: a row for each file
SELECT * FROM migrations.add_files(
    ARRAY['m/2_b.up.sql', 'm/1_a.up.sql', 'm/1_a.down.sql', 'm/seed.sql', 'm/README.md'],
    ARRAY['SELECT 2', 'SELECT 1', 'SELECT 0', 'SELECT', ''], 'go');
SELECT * FROM migrations.add_files(
    ARRAY['m/2_b.up.sql', 'm/2_b.down.sql', 'm/1_a.up.sql', 'm/1_a.down.sql'],
    ARRAY['SELECT 2', 'SELECT -2', 'SELECT 1', 'SELECT 10'], 'go', replace => true);
SELECT * FROM migrations.add_files(
    ARRAY['2024-01-01-000000_x/up.sql', '2024-01-01-000000_x/metadata.toml'],
    ARRAY['SELECT 1', 'run_in_transaction = false'], 'diesel');
SELECT * FROM migrations.add_files(ARRAY['1_a.sql'], ARRAY[E'-- +goose Up\n-- +goose Down'], 'both');
SET client_min_messages = notice;
SELECT * FROM migrations.add_files('{}', '{}');
SET client_min_messages = warning;

-- all or nothing
SELECT * FROM migrations.add_files(ARRAY['1_a.sql', '2_b.sql'], ARRAY[E'-- +goose Up\nSELECT 1;', E'-- +goose Up\n\n-- +goose ENVSUB ON\n'], 'none');
SELECT * FROM migrations.add_files(
    ARRAY['1_a.sql', '2_b.sql', 'c.sql', '01_d.sql'],
    ARRAY['SELECT 1', E'-- +migrate Up\nSELECT 1;\n-- +migrate Down\nSELECT 2;', '', ''], 'none');
SELECT count(*) FROM migrations.status('none');

-- whose files they are
SET migrations.project = 'refused';
SELECT migrations.add_file('init.sql', 'SELECT 1');
SELECT migrations.add_file('1_a.sql', 'SELECT 1', convention => 'Goose');
SELECT migrations.add_file('1_a.sql', 'SELECT 1', convention => 'goose');
SELECT * FROM migrations.add_files(ARRAY['1_a.sql', '2_b.sql'], ARRAY[E'-- +goose Up\n', E'-- migrate:up\n']);
SELECT * FROM migrations.add_files(ARRAY['a/1_a.sql', 'b/1_a.sql'], ARRAY['', '']);
SELECT * FROM migrations.add_files(ARRAY['1_a.sql', '1_a.sql'], ARRAY['', '']);
SELECT migrations.add_file('seed.sql', 'SELECT 1', convention => 'golang-migrate');
SELECT migrations.add_file('1_a.sql', 'SELECT 1', options => '{"prefix": "V"}');
SELECT migrations.add_file('1_a.sql', 'SELECT 1', options => '["V"]');
SELECT migrations.add_file('1_a.sql', 'SELECT 1', options => '{"prefix": {}}');
SELECT * FROM migrations.add_files(ARRAY['1_a.sql'], ARRAY['', '']);
SELECT * FROM migrations.add_files(NULL, '{}');
SELECT * FROM migrations.add_files(ARRAY['1_a.sql'], ARRAY[NULL]);

-- what would be left out, or be done wrongly
SELECT * FROM migrations.add_files(ARRAY['1_a.sql', '2_b.go'], ARRAY[E'-- +goose Up\n', '']);
SELECT * FROM migrations.add_files(ARRAY['1_a.sql', '2_b.ts'], ARRAY[E'-- Up Migration\n', '']);
SELECT * FROM migrations.add_files(ARRAY['meta/_journal.json'], ARRAY['{"dialect": "sqlite", "entries": []}']);
SELECT * FROM migrations.add_files(ARRAY['1_a/up.sql', '1_a/metadata.toml'], ARRAY['', E'#\nrun_in_transaction = no']);
SELECT migrations.add_file('committed/000001.sql', 'SELECT 1', convention => 'graphile-migrate');
-- what has the name of a migration is read, or an error, or ignored by an option
SELECT file, result FROM migrations.add_files(
    ARRAY['001_a.up.sql', '002_b.up.psql', '003_c.ddl', '004_d.sql.gz', 'notes.md'],
    ARRAY['CREATE TABLE endings ()', '', '', '', ''], project => 'endings');
SELECT file, result FROM migrations.add_files(
    ARRAY['001_a.up.sql', '002_b.up.sql', '003_c.up.sql', '004_d.ddl', 'old/000_z.up.sql'],
    ARRAY['', '', '', '', ''], project => 'endings');
SELECT file, result FROM migrations.add_files(
    ARRAY['001_a.up.sql', '002_b.up.psql', '003_c.ddl', '004_d.sql.gz', 'notes.md'],
    ARRAY['CREATE TABLE endings ()', '', '', '', ''], project => 'endings',
    options => '{"ignore": ["*.ddl", "00?_*.psql", "**.gz"]}');
-- marks that are notes to people
SELECT file, direction, result FROM migrations.add_files(
    ARRAY['1_a.sql', '2_b.sql', '3_c.sql'],
    ARRAY['CREATE TABLE notes_a ()', E'CREATE TABLE notes_b ();\n-- Up migration: second part\nCREATE TABLE notes_c ()',
          E'-- Up migration\nCREATE TABLE notes_d ();\n-- Down migration (commented out)\n-- DROP TABLE notes_d;'], project => 'notes');
SELECT version FROM migrations.apply(project => 'notes');
SELECT to_regclass('notes_b'), to_regclass('notes_c'), to_regclass('notes_d');
SELECT * FROM migrations.rollback(1, 'notes');
