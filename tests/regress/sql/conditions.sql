-- precondition, on_fail, verify, and verify() later.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -

-- held: by a boolean, by any other result, by no result, by the last SELECT
SELECT migrations.add('001', 'a', 'CREATE TABLE a (id int)', 'DROP TABLE a',
    precondition => 'SELECT to_regclass(''a'') IS NULL, ''more'' FROM generate_series(1, 2)',
    verify => 'SELECT false; SELECT count(*) = 0 FROM a; DO $$BEGIN RAISE NOTICE ''empty''; END$$');
SELECT migrations.add('002', 'b', 'SELECT 1 AS b', precondition => 'SELECT 0', verify => 'SELECT ''f''');
SELECT migrations.add('003', 'c', 'SELECT 1 AS c', precondition => '', verify => '-- nothing');
SELECT version, direction, statements, messages FROM migrations.apply();

-- not held
SELECT migrations.add('004', 'd', 'CREATE TABLE d ()', precondition => 'SELECT false');
SELECT version FROM migrations.apply();
SELECT migrations.add('004', 'd', 'CREATE TABLE d ()', precondition => 'SELECT NULL::boolean', replace => true);
SELECT version FROM migrations.apply();
SELECT migrations.add('004', 'd', 'CREATE TABLE d ()', precondition => 'SELECT true WHERE false', replace => true);
SELECT version FROM migrations.apply();
SELECT migrations.add('004', 'd', 'CREATE TABLE d ()', precondition => E'SELECT true;\nSELECT true FROM missing', replace => true);
SELECT version FROM migrations.apply();
SELECT migrations.add('004', 'd', 'CREATE TABLE d ()', precondition => E'SELECT true;\nSELEC', replace => true);
SELECT version FROM migrations.apply();
SELECT migrations.add('004', 'd', 'CREATE TABLE d ()', precondition => 'VACUUM', replace => true);
SELECT version FROM migrations.apply();
SELECT migrations.add('004', 'd', 'CREATE TABLE d ()', precondition => 'SELECT count(*) FROM migrations.apply()', replace => true);
SELECT version FROM migrations.apply();
SELECT migrations.add('004', 'd', 'CREATE TABLE d ()', verify => 'SELECT true; SELECT 1 = 2 AS equal', replace => true);
SELECT version FROM migrations.apply();
SELECT migrations.add('004', 'd', 'CREATE TABLE d ()', verify => 'SELECT 1 / 0', replace => true);
SELECT version FROM migrations.apply();
SELECT to_regclass('d');

-- skip: stays pending, with what requires it; the rest goes on
SELECT migrations.add('004', 'd', 'CREATE TABLE d ()', 'DROP TABLE d', on_fail => 'skip', replace => true,
    precondition => 'CREATE TABLE trace (); SELECT to_regclass(''ready'') IS NOT NULL');
SELECT migrations.add('005', 'e', 'CREATE TABLE e ()', 'DROP TABLE e', requires => '{004}');
SELECT migrations.add('006', 'f', 'CREATE TABLE f ()', 'DROP TABLE f');
SELECT migrations.add('007', 'g', 'CREATE TABLE g ()', 'DROP TABLE g', requires => '{5}');
SELECT step, version, direction, statements, messages FROM migrations.apply();
SELECT to_regclass('trace');
SELECT version, state, message FROM migrations.status();
SELECT version, reason FROM migrations.plan();
-- the same again writes nothing
SELECT step, version, direction FROM migrations.apply();
SELECT version, action, reason FROM migrations.history WHERE action = 'skip' ORDER BY seq;
CREATE TABLE ready ();
-- left out by a run, so not out of order
SELECT step, version, direction FROM migrations.apply();
SELECT to_regclass('trace');
SELECT version, state FROM migrations.status() WHERE version >= '004';

-- a precondition that fails is one that doesn't hold; circumstances are not
SELECT migrations.add('008', 'h', 'CREATE TABLE h ()', on_fail => 'skip', precondition => 'SELECT 1 / 0');
SELECT step, version, direction, messages FROM migrations.apply();
SELECT migrations.add('008', 'h', 'CREATE TABLE h ()', on_fail => 'skip', replace => true,
    precondition => 'DO $$BEGIN RAISE EXCEPTION USING ERRCODE = ''query_canceled'', MESSAGE = ''stop''; END$$');
SELECT step, version, direction, messages FROM migrations.apply();
BEGIN;
SAVEPOINT a;
SELECT step, version, direction, messages FROM migrations.apply();
ROLLBACK TO a;
SELECT version, state FROM migrations.status() WHERE version >= '007';
ROLLBACK;

-- mark: counts as applied
SELECT migrations.add('008', 'h', 'CREATE TABLE h ()', 'DROP TABLE IF EXISTS h', on_fail => 'mark', replace => true,
    precondition => 'SELECT to_regclass(''ready'') IS NULL');
SELECT migrations.add('009', 'i', 'CREATE TABLE i ()', 'DROP TABLE i', requires => '{008}');
SELECT step, version, direction, statements, messages FROM migrations.apply();
SELECT version, state, message, duration FROM migrations.status() WHERE version = '008';
SELECT to_regclass('h'), to_regclass('i');
SELECT version, action, digest IS NOT NULL AS sum, reason FROM migrations.history WHERE version = '008' AND action LIKE 'mark%';
SELECT version, direction FROM migrations.rollback(2);

-- verify() later, in what it does undone
SELECT migrations.add('010', 'j', 'CREATE TABLE j (id int)', 'DROP TABLE j',
    verify => 'INSERT INTO j VALUES (1); SELECT count(*) = 1 FROM j');
SELECT migrations.add_repeatable('k', 'CREATE OR REPLACE VIEW k AS SELECT * FROM j', verify => 'SELECT count(*) FROM k');
SELECT version FROM migrations.apply(only_version => '010');
SELECT * FROM j;
SELECT version FROM migrations.apply();
SELECT * FROM migrations.verify();
INSERT INTO a VALUES (1);
INSERT INTO j VALUES (7);
SELECT * FROM migrations.verify();
SELECT * FROM j;
SELECT version, ok, message FROM migrations.verify('1');
DROP TABLE a;
SELECT version, ok, message FROM migrations.verify('001');
SELECT * FROM migrations.verify('003');
SELECT * FROM migrations.verify('099');
SELECT * FROM migrations.verify(project => 'nowhere');
SELECT * FROM migrations.verify('001', 'other');
SELECT migrations.add('001', 'x', 'SELECT 1', verify => 'SET search_path = nowhere; SELECT migrations.version() IS NULL; COMMIT', project => 'other');
SELECT * FROM migrations.verify('001', 'other');
SELECT * FROM migrations.mark_applied('001', 'other');
SELECT * FROM migrations.verify('001', 'other');
BEGIN READ ONLY;
SELECT version, ok, message FROM migrations.verify();
COMMIT;
SHOW search_path;

-- what the caller has left pending is not a script's answer
CREATE TABLE later (a int PRIMARY KEY, b int REFERENCES later DEFERRABLE INITIALLY DEFERRED);
SELECT migrations.add('1', 'm', 'CREATE TABLE made ()', project => 'deferred', precondition => 'SELECT true', on_fail => 'mark', verify => 'SELECT true');
BEGIN;
INSERT INTO later VALUES (5, 6);
SELECT version FROM migrations.apply(project => 'deferred');
ROLLBACK;
SELECT version, direction FROM migrations.apply(project => 'deferred');
BEGIN;
INSERT INTO later VALUES (5, 6);
SELECT version, ok FROM migrations.verify(project => 'deferred');
ROLLBACK;
SELECT version, ok FROM migrations.verify(project => 'deferred');

-- a domain over boolean is a boolean
CREATE DOMAIN yes AS boolean;
SELECT migrations.add('2', 'd', 'SELECT 1', project => 'deferred', precondition => 'SELECT false::yes');
SELECT version FROM migrations.apply(project => 'deferred');

-- an extension whose creation was skipped
DROP EXTENSION plpgsql;
SELECT migrations.add('1', 'create it', 'CREATE EXTENSION plpgsql', project => 'ext', precondition => 'SELECT false', on_fail => 'skip');
SELECT migrations.add('2', 'use it', 'DO ''BEGIN NULL; END''', project => 'ext', requires => '{extension:plpgsql}');
SELECT version, direction, messages FROM migrations.apply(project => 'ext');

-- without a script
SET client_min_messages = notice;
SELECT * FROM migrations.verify('2', 'deferred');
SELECT migrations.add('9', 'x', 'SELECT 1', project => 'plain');
SELECT * FROM migrations.verify(project => 'plain');
