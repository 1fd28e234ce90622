-- Out of order, only_version, rollback_to, redo, reset.
SET client_min_messages = notice;
CREATE EXTENSION pg_migrations;
\pset null -
SET migrations.project = 'app';
-- without durations
SET client_min_messages = warning;

SELECT migrations.add(lpad(n::text, 3, '0'), 'table ' || n, format('CREATE TABLE t%s ()', n), format('DROP TABLE t%s', n))
FROM generate_series(1, 5) n;
SELECT version FROM migrations.apply('003');
SELECT migrations.add('002.5', 'late', 'CREATE TABLE late ()', 'DROP TABLE late');
SELECT migrations.add('000', 'later', 'CREATE TABLE later ()', 'DROP TABLE later');
SELECT * FROM migrations.apply();
SELECT * FROM migrations.plan('004');
SELECT version, state, message FROM migrations.status();

-- an applied target is nothing to do, whatever is pending below it
SET client_min_messages = notice;
SELECT * FROM migrations.apply('002');
SET client_min_messages = warning;

-- named alone it may run
SELECT version, reason FROM migrations.plan(only_version => '0');
SELECT version FROM migrations.apply(only_version => '0');
SELECT * FROM migrations.set_project(out_of_order => 'allow');
SELECT version, reason FROM migrations.plan();
SELECT version, state, message FROM migrations.status() WHERE applied_at IS NULL;
SELECT version FROM migrations.apply('005');
SELECT * FROM migrations.set_project(out_of_order => 'error');
SELECT * FROM migrations.set_project(out_of_order => 'perhaps');

-- nothing to do, and what isn't there
SELECT * FROM migrations.apply('099');
SELECT * FROM migrations.apply(only_version => '099');
SELECT * FROM migrations.apply('001', only_version => '001');
SELECT * FROM migrations.apply(only_version => '001', project => 'nowhere');
SELECT * FROM migrations.apply(only_version => '001', project => 'default');
SELECT * FROM migrations.apply(only_version => 'a:b');
SET client_min_messages = notice;
SELECT * FROM migrations.apply(only_version => '001');
SET client_min_messages = warning;

-- rollback_to goes by the order in which they were applied
SELECT version FROM migrations.rollback_to('002');
SELECT version, state FROM migrations.status();
SELECT version FROM migrations.rollback_to('004');
SELECT version FROM migrations.rollback_to('099');
SELECT version FROM migrations.rollback_to(NULL);
SELECT version FROM migrations.rollback_to('001', 'nowhere');
SELECT version FROM migrations.rollback_to('001', 'default');
SET client_min_messages = notice;
SELECT version FROM migrations.rollback_to('002');
SET client_min_messages = warning;

-- redo takes the text that is registered now
SELECT migrations.add('002', 'table 2', 'CREATE TABLE t2 (new int)', 'DROP TABLE t2', replace => true);
SELECT version FROM migrations.apply('003');
SELECT step, project, version, name, direction, statements, messages FROM migrations.redo();
SELECT attname FROM pg_attribute WHERE attrelid = 't2'::regclass AND attnum > 0;
SELECT version FROM migrations.redo(0);
SELECT version FROM migrations.redo(9);
SELECT version FROM migrations.redo(NULL);
SELECT migrations.add('001', 'table 1', 'CREATE TABLE t1 (new int)', 'DROP TABLE t1', replace => true);
SELECT version FROM migrations.redo();
SELECT step, version, direction FROM migrations.redo(2);
-- ups in the order of the plan, though they were applied in another one
SELECT version, action FROM migrations.history WHERE run_id IS NOT NULL ORDER BY seq;

-- reset has to be confirmed
SELECT version FROM migrations.reset();
SELECT version FROM migrations.reset('app', 'default');
SELECT version FROM migrations.reset(confirm => 'app');
SELECT version, state FROM migrations.status();
SELECT version FROM migrations.reset('nowhere', 'nowhere');
SET client_min_messages = notice;
SELECT version FROM migrations.reset(confirm => 'app');
SELECT version FROM migrations.reset('default', 'default');
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace;

-- redo: what a migration requires now has to be applied
SET client_min_messages = warning;
SELECT version FROM migrations.apply('002');
SELECT migrations.add('002', 'table 2', 'CREATE TABLE t2 ()', 'DROP TABLE t2', requires => '{003}', replace => true);
SELECT version FROM migrations.redo();
SELECT migrations.add('002', 'table 2', 'CREATE TABLE t2 ()', 'DROP TABLE t2', requires => '{099}', replace => true);
SELECT version FROM migrations.redo();

-- what requires another goes before it, though it was marked first
SELECT migrations.add('1', 'a', 'SELECT 1', 'SELECT 1', 'marked');
SELECT migrations.add('2', 'b', 'SELECT 1', 'SELECT 1', 'marked', requires => '{1, 1}');
SELECT version FROM migrations.mark_applied('2', 'marked');
SELECT version FROM migrations.apply(only_version => '1', project => 'marked');
SELECT version FROM migrations.rollback(1, 'marked');
SELECT version FROM migrations.rollback(2, 'marked');
