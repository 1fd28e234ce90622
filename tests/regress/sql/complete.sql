-- A call with nothing to do looks at nothing but the project; whatever makes something pending ends
-- that, in the same transaction.
CREATE EXTENSION pg_migrations;
\set VERBOSITY terse
-- what apply() does and says; undone
\set apply 'BEGIN; SELECT string_agg(coalesce(version, name), '' '') AS applied FROM migrations.apply(); ROLLBACK'
SELECT count(migrations.add(n::text, 'm' || n, format('CREATE TABLE m%s ()', n), CASE n WHEN 2 THEN 'SELECT 1/0' ELSE format('DROP TABLE m%s', n) END)) FROM generate_series(1, 4) n;
SET client_min_messages = warning;
SELECT count(*) FROM migrations.apply();
:apply;
-- a rollback that fails after others
CALL migrations.rollback_each(3);
:apply;
SELECT count(*) FROM migrations.apply_all();
:apply;
-- each way in which something becomes pending again
BEGIN; SELECT count(*) FROM migrations.rollback(1); SELECT count(*) FROM migrations.apply(); ROLLBACK;
:apply;
BEGIN; SELECT count(*) FROM migrations.mark_pending('1'); SELECT count(*) FROM migrations.apply(only_version => '1'); ROLLBACK;
BEGIN; SELECT count(*) FROM migrations.force('3'); SELECT count(*) FROM migrations.apply(); ROLLBACK;
BEGIN; SELECT migrations.add('5', 'five', 'SELECT 1'); SELECT count(*) FROM migrations.apply(); ROLLBACK;
BEGIN; SELECT migrations.add('4', 'm4', 'SELECT 1', replace => true); SELECT count(*) FROM migrations.apply(); ROLLBACK;
BEGIN; SELECT migrations.add_repeatable('view', 'SELECT 1'); SELECT count(*) FROM migrations.apply(); SELECT migrations.add_repeatable('view', 'SELECT 2'); SELECT count(*) FROM migrations.apply(); SELECT count(*) FROM migrations.mark_pending('view'); SELECT count(*) FROM migrations.apply(); SELECT count(*) FROM migrations.apply(); ROLLBACK;
BEGIN; SELECT migrations.add('5', 'five', 'SELECT 1', precondition => 'SELECT false', on_fail => 'skip'); SELECT direction FROM migrations.apply(); SELECT direction FROM migrations.apply(); ROLLBACK;
BEGIN; SELECT count(*) FROM migrations.import_bundle(jsonb_set(migrations.export_bundle(), '{migrations,0,name}', '"other"'), replace => true); SELECT count(*) FROM migrations.apply(); ROLLBACK;
:apply;
-- restored without its history, a project gets events with the same numbers
SELECT complete_seq FROM migrations.project \gset
BEGIN;
SET LOCAL session_replication_role = replica;
DELETE FROM migrations.event;
COMMIT;
SELECT count(migrations.add('5', 'n' || n, 'SELECT 1', replace => true)) FROM generate_series(1, :complete_seq) n;
SELECT max(seq) = :complete_seq AS same_number FROM migrations.history;
:apply;
-- a repeatable migration that isn't registered any more
SELECT count(*) FROM migrations.apply();
SELECT migrations.add_repeatable('view', 'SELECT 1');
SELECT count(*) FROM migrations.apply();
BEGIN;
SET LOCAL session_replication_role = replica;
DELETE FROM migrations.migration WHERE name = 'view';
COMMIT;
SELECT migrations.remove_repeatable('view');
SELECT action, name FROM migrations.history ORDER BY seq DESC LIMIT 1;
:apply;
