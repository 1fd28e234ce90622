-- Requirements: order, other projects, extensions; what is missing, blocked, circular.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -

-- 002 requires 005, so it comes after it, and 003 doesn't have to wait.
SELECT migrations.add('001', 'a', 'CREATE TABLE a ()', 'DROP TABLE a');
SELECT migrations.add('002', 'b', 'CREATE TABLE b (LIKE e)', 'DROP TABLE b', requires => '{005}');
SELECT migrations.add('003', 'c', 'CREATE TABLE c ()', 'DROP TABLE c', requires => '{1, default:001}');
SELECT migrations.add('004', 'd', 'CREATE TABLE d ()', 'DROP TABLE d');
SELECT migrations.add('005', 'e', 'CREATE TABLE e (id int)', 'DROP TABLE e');
SELECT * FROM migrations.plan();
SELECT step, version FROM migrations.plan('002');
SELECT step, version FROM migrations.plan('4');
SELECT step, version, reason FROM migrations.plan(only_version => '002');
SELECT step, version FROM migrations.apply('004');
-- 002 belongs behind 005: it isn't out of order, and the rest goes on as planned
SELECT version, state, message FROM migrations.status();
SELECT step, version FROM migrations.apply();
SELECT migrations.version();

-- what is required stays
SELECT version FROM migrations.rollback(1);
SELECT version FROM migrations.apply();
SELECT * FROM migrations.add('006', 'f', 'SELECT', 'SELECT', requires => '{003}');
SELECT version FROM migrations.apply();
SELECT version FROM migrations.rollback_to('005');
SELECT version FROM migrations.status() WHERE state = 'pending';
SELECT version FROM migrations.apply();
SELECT version FROM migrations.reset(confirm => 'default');

-- what isn't a requirement
SELECT migrations.add('007', 'g', 'SELECT', requires => '{7}');
SELECT migrations.add('007', 'g', 'SELECT', requires => '{"a:b:c"}');
SELECT migrations.add('007', 'g', 'SELECT', requires => '{extension:}');
SELECT migrations.add('007', 'g', 'SELECT', requires => '{""}');
SELECT migrations.add('007', 'g', 'SELECT', requires => '{NULL}');
SELECT migrations.add('001', 'g', 'SELECT', project => 'extension');

-- one that isn't registered
SELECT migrations.add('001', 'a', 'SELECT', 'SELECT', project => 'missing');
SELECT migrations.add('002', 'b', 'SELECT', 'SELECT', project => 'missing', requires => '{099}');
SELECT migrations.add('003', 'c', 'SELECT', 'SELECT', project => 'missing', requires => '{002}');
SELECT * FROM migrations.plan(project => 'missing');
SELECT * FROM migrations.apply(project => 'missing');
SELECT version, state, message FROM migrations.status('missing');
SELECT version FROM migrations.apply('001', 'missing');

-- cycles, named in full
SELECT migrations.add('001', 'a', 'SELECT', 'SELECT', project => 'circle', requires => '{2}');
SELECT migrations.add('002', 'b', 'SELECT', 'SELECT', project => 'circle', requires => '{005}');
SELECT migrations.add('005', 'c', 'SELECT', 'SELECT', project => 'circle', requires => '{004, 3}');
SELECT migrations.add('003', 'd', 'SELECT', 'SELECT', project => 'circle', requires => '{2}');
SELECT migrations.add('004', 'e', 'SELECT', 'SELECT', project => 'circle');
SELECT migrations.add('010', 'e', 'SELECT', 'SELECT', project => 'circle', requires => '{011}');
SELECT migrations.add('011', 'e', 'SELECT', 'SELECT', project => 'circle', requires => '{010}');
SELECT * FROM migrations.apply(project => 'circle');
SELECT * FROM migrations.plan('004', 'circle');
SELECT * FROM migrations.plan(project => 'circle', only_version => '001');
SELECT version, state, message FROM migrations.status('circle');
SELECT version FROM migrations.apply(project => 'circle', only_version => '004');

-- other projects: never pulled in
SELECT migrations.add('001', 'accounts', 'CREATE TABLE accounts ()', 'DROP TABLE accounts', project => 'billing');
SELECT migrations.add('002', 'invoices', 'CREATE TABLE invoices ()', 'DROP TABLE invoices', project => 'billing');
SELECT migrations.add('001', 'shop', 'CREATE TABLE shop ()', 'DROP TABLE shop', project => 'shop');
SELECT migrations.add('002', 'orders', 'CREATE TABLE orders (LIKE invoices)', 'DROP TABLE orders', project => 'shop', requires => '{billing:2, 1}');
SELECT migrations.add('003', 'more', 'SELECT', 'SELECT', project => 'shop', requires => '{002}');
SELECT * FROM migrations.plan(project => 'shop');
SELECT version, state, message FROM migrations.status('shop');
SELECT * FROM migrations.apply(project => 'shop');
SELECT version FROM migrations.apply('001', 'shop');
SELECT version FROM migrations.apply('2', 'billing');
SELECT version FROM migrations.apply(project => 'shop');
SELECT version FROM migrations.rollback(1, 'billing');
SELECT version FROM migrations.reset('billing', 'billing');
SELECT version FROM migrations.rollback(2, 'shop');
SELECT version FROM migrations.reset('billing', 'billing');
SELECT version FROM migrations.rollback(1, 'shop');

-- a migration, and a project, that nobody knows
SELECT migrations.add('004', 'x', 'SELECT', 'SELECT', project => 'shop', requires => '{billing:77}');
SELECT migrations.add('005', 'x', 'SELECT', 'SELECT', project => 'shop', requires => '{nowhere:1}');
SELECT version, state, message FROM migrations.status('shop') WHERE version > '003';
SELECT * FROM migrations.apply(project => 'shop', only_version => '004');
SELECT * FROM migrations.apply(project => 'shop', only_version => '005');

-- removing what is required
SELECT migrations.remove('005', 'shop');
SELECT migrations.remove('2', 'billing');
SELECT migrations.remove('001', 'shop');

-- extensions: installed, or created by an earlier migration of the plan
DROP EXTENSION plpgsql;
SELECT migrations.add('001', 'x', 'DO ''BEGIN NULL; END''', project => 'ext', requires => '{extension:plpgsql}');
SELECT * FROM migrations.plan(project => 'ext');
SELECT version, state, message FROM migrations.status('ext');
SELECT * FROM migrations.apply(project => 'ext');
SELECT migrations.add('000', 'make it', 'CREATE EXTENSION IF NOT EXISTS plpgsql', project => 'ext');
SELECT step, version, reason FROM migrations.plan(project => 'ext');
SELECT version, state, message FROM migrations.status('ext');
SELECT step, version FROM migrations.apply(project => 'ext');
SELECT migrations.add('002', 'x', 'SELECT', project => 'ext', requires => '{"extension:No such"}');
SELECT * FROM migrations.apply(project => 'ext');

-- blocked and out of order: what blocks is told first, since it has to be there anyway
SELECT migrations.add('001', 'blocked', 'SELECT 1', project => 'both', requires => '{extension:no_such_extension}');
SELECT migrations.add('002', 'free', 'SELECT 2', project => 'both');
SELECT version FROM migrations.apply(only_version => '002', project => 'both');
SELECT migrations.add('003', 'later', 'SELECT 3', project => 'both');
SELECT version FROM migrations.apply(project => 'both');
