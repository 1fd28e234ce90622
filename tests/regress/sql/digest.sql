-- The digest: each part of an applied migration that is replaced, removed or added.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -

SELECT migrations.add('001', 'bare', 'CREATE TABLE bare ()');
SELECT migrations.add('002', 'full', 'CREATE TABLE t ()', 'DROP TABLE t', requires => '{001}',
    precondition => 'SELECT true', verify => 'SELECT 1 = 1', transactional => true, on_fail => 'error');
SELECT version FROM migrations.apply();
SELECT migrations.add('003', 'pending', 'SELECT 3');

-- Registers a migration again with one argument changed, and gives what the calls say; all of
-- it is undone.
CREATE FUNCTION tried(version text, argument text, value text, OUT state text, OUT ok boolean,
    OUT message text, OUT planned text, OUT verified text, OUT accepted text, OUT after text)
LANGUAGE plpgsql AS $$
DECLARE
    bare text[] := ARRAY['up => ''CREATE TABLE bare ()'''];
    full_ text[] := ARRAY['up => ''CREATE TABLE t ()''', 'down => ''DROP TABLE t''', 'requires => ''{001}''',
        'precondition => ''SELECT true''', 'verify => ''SELECT 1 = 1''', 'transactional => true', 'on_fail => ''error'''];
    arguments text[] := CASE version WHEN '001' THEN bare ELSE full_ END;
BEGIN
    SELECT array_agg(a) INTO arguments FROM unnest(arguments) a WHERE NOT starts_with(a, argument || ' ');
    arguments := arguments || CASE WHEN value IS NOT NULL THEN format('%s => %L', argument, value) END;
    EXECUTE format('SELECT migrations.add(%L, %L, %s, replace => true)', version,
        CASE version WHEN '001' THEN 'bare' ELSE 'full' END, array_to_string(arguments, ', '));
    SELECT s.state, s.checksum_ok, s.message INTO state, ok, message FROM migrations.status() s WHERE s.version = tried.version;
    BEGIN
        SELECT string_agg(p.version, ' ') INTO planned FROM migrations.plan() p;
    EXCEPTION WHEN OTHERS THEN
        planned := 'refused';
    END;
    SELECT string_agg(concat_ws(' ', v.version, v.ok::text, split_part(v.message, ':', 1)), '; ') INTO verified FROM migrations.verify() v;
    PERFORM FROM migrations.accept_changes(version);
    SELECT h.message INTO accepted FROM migrations.history h WHERE h.action = 'accept';
    SELECT concat_ws(' ', s.state, s.checksum_ok, s.message) INTO after FROM migrations.status() s WHERE s.version = tried.version;
    RAISE EXCEPTION 'undo';
EXCEPTION WHEN raise_exception THEN
END $$;
\x
-- nothing is another part
SELECT * FROM tried('002', 'down', E'DROP TABLE t\r\n');
-- replaced
SELECT argument, t.* FROM (VALUES ('up', 'CREATE TABLE t (i int)'), ('down', 'DROP TABLE IF EXISTS t'), ('precondition', 'SELECT false'),
    ('verify', 'DROP TABLE t'), ('requires', '{}'), ('requires', '{001,"extension:plpgsql"}'), ('transactional', 'false'), ('on_fail', 'skip')) v (argument, value),
    tried('002', argument, value) t;
-- removed
SELECT argument, t.* FROM unnest('{down, precondition, verify, transactional}'::text[]) argument, tried('002', argument, NULL) t;
-- added
SELECT argument, t.* FROM (VALUES ('down', 'DROP TABLE bare'), ('precondition', 'SELECT false'), ('verify', 'DROP TABLE bare'),
    ('requires', '{extension:plpgsql}'), ('transactional', 'true'), ('on_fail', 'mark')) v (argument, value),
    tried('001', argument, value) t;
\x

-- a file that comes later is an added part as well
SELECT migrations.add_file('001_bare.down.sql', 'DROP TABLE bare');
SELECT version, state, checksum_ok, message FROM migrations.status();
SELECT version FROM migrations.rollback();
SELECT version FROM migrations.rollback(2);
SELECT version FROM migrations.apply('002');
SELECT version, state, checksum_ok, message FROM migrations.status();

-- the mark is taken over: the down then runs in the mode that belongs to it
SELECT migrations.add('004', 'index', 'CREATE INDEX i ON pg_temp.x (i)', 'DROP INDEX i');
SELECT * FROM migrations.mark_applied('004');
SELECT migrations.add('004', 'index', 'CREATE INDEX i ON pg_temp.x (i)', 'DO $d$ BEGIN COMMIT; END $d$', transactional => false, replace => true);
SELECT * FROM migrations.accept_changes('004', reason => 'commits now');
SELECT action, digest = encode((SELECT digest FROM migrations.applied WHERE version = '004'), 'hex') AS is_applied, message FROM migrations.history
WHERE version = '004' ORDER BY id;
SELECT version FROM migrations.rollback();
CALL migrations.rollback_each(run_id => NULL) \gset
SELECT :rolled_back;

-- a repeatable migration runs again, and then its verify script is the one
SELECT migrations.add_repeatable('views', 'SELECT 1', verify => 'SELECT true', project => 'repeatable');
SELECT name FROM migrations.apply(project => 'repeatable');
SELECT migrations.add_repeatable('views', 'SELECT 1', verify => 'SELECT 1 = 1', project => 'repeatable');
SELECT name, state, checksum_ok, message FROM migrations.status('repeatable');
SELECT name, ok, message FROM migrations.verify(project => 'repeatable');
SELECT name, direction FROM migrations.apply(project => 'repeatable');
SELECT name, ok, message FROM migrations.verify(project => 'repeatable');

-- the files of other migrations do not change what an applied one requires
SELECT result FROM migrations.add_files('{meta/_journal.json, 0000_b.sql}', '{"{\"entries\": [{\"idx\": 0, \"tag\": \"0000_b\"}]}", SELECT 2}', 'drizzle');
SELECT version FROM migrations.apply(project => 'drizzle');
SELECT result FROM migrations.add_files('{meta/_journal.json, 0000_b.sql, 0001_a.sql}', '{"{\"entries\": [{\"idx\": 0, \"tag\": \"0001_a\"}, {\"idx\": 1, \"tag\": \"0000_b\"}]}", SELECT 2, SELECT 1}', 'drizzle', replace => true);
SELECT version, state, checksum_ok FROM migrations.status('drizzle');
SELECT version FROM migrations.apply(project => 'drizzle');

-- what is changed directly neither runs nor is copied
SELECT migrations.add('010', 'checked', 'SELECT 10', precondition => 'SELECT true', verify => 'SELECT true', project => 'direct');
CREATE FUNCTION direct(change text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL session_replication_role = replica;
    EXECUTE format('UPDATE migrations.migration SET %s WHERE name = ''checked''', change);
    SET LOCAL session_replication_role = origin;
    PERFORM FROM migrations.apply(project => 'direct');
    RAISE EXCEPTION 'it ran';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ': ' || sqlerrm;
END $$;
SELECT change, direct(change) FROM unnest(ARRAY[
    $$up = 'SELECT 11'$$, $$up_checksum = sha256('SELECT 11'), up = 'SELECT 11'$$, $$precondition = 'SELECT 11'$$,
    $$precondition = NULL, precondition_checksum = NULL$$, $$verify = 'SELECT 11'$$,
    $$verify = 'SELECT 11', verify_checksum = sha256('SELECT 11')$$, $$requires = '{001}'$$, $$on_fail = 'mark'$$,
    $$transactional = true$$, $$digest = sha256('')$$, $$digest = ''$$]) change;
SELECT version FROM migrations.apply(project => 'direct');
SET session_replication_role = replica;
UPDATE migrations.applied SET verify_checksum = sha256('SELECT 11') WHERE version = '010';
UPDATE migrations.migration SET verify = 'SELECT 11', verify_checksum = sha256('SELECT 11') WHERE name = 'checked';
RESET session_replication_role;
SELECT * FROM migrations.verify(project => 'direct');
SELECT * FROM migrations.import_bundle(migrations.export_bundle('direct'), 'copy');
-- registered again it is whole
SELECT migrations.add('010', 'checked', 'SELECT 10', precondition => 'SELECT true', verify => 'SELECT true', project => 'direct', replace => true);
SET session_replication_role = replica;
UPDATE migrations.migration SET digest = '' WHERE name = 'checked';
RESET session_replication_role;
SELECT migrations.add('010', 'checked', 'SELECT 10', precondition => 'SELECT true', verify => 'SELECT true', project => 'direct');
SELECT migrations.add('010', 'checked', 'SELECT 10', precondition => 'SELECT true', verify => 'SELECT true', project => 'direct', replace => true);
SELECT migrations.add('010', 'checked', 'SELECT 10', precondition => 'SELECT true', project => 'direct', replace => true);
SET session_replication_role = replica;
UPDATE migrations.migration SET requires = '{009}' WHERE name = 'checked';
RESET session_replication_role;
SELECT * FROM migrations.accept_changes('010', 'direct');
