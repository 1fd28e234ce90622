-- Checksums: an applied migration whose registered text has changed.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -

SELECT migrations.add('001', 'a', 'CREATE TABLE a ()', 'DROP TABLE a');
SELECT migrations.add('002', 'b', 'CREATE TABLE b ()', 'DROP TABLE b');
SELECT version FROM migrations.apply();
SELECT version, state, checksum_ok, message FROM migrations.status();
-- the checksum is SHA-256 of the text
SELECT encode(up_checksum, 'hex') = encode(sha256('CREATE TABLE a ()'), 'hex') FROM migrations.applied WHERE version = '001';
-- the digest covers all that runs
SELECT count(*), count(DISTINCT digest) FROM migrations.history WHERE version = '001';

-- white space at the end is no change
SELECT migrations.add('001', 'a', E'CREATE TABLE a ()\r\n\r\n', 'DROP TABLE a');
-- a new down is one, and a rollback goes on using the former
SELECT migrations.add('001', 'a', 'CREATE TABLE a ()', 'SELECT 1/0', replace => true);
SELECT version, state, checksum_ok, message FROM migrations.status();

SELECT migrations.add('001', 'a', 'CREATE TABLE a (id int)', 'DROP TABLE a', replace => true);
SELECT version, state, checksum_ok, message FROM migrations.status();
SELECT * FROM migrations.apply();
SELECT * FROM migrations.plan();
SELECT migrations.add('003', 'c', 'CREATE TABLE c ()', 'DROP TABLE c');
SELECT migrations.add('002', 'b', 'CREATE TABLE b (id int)', 'DROP TABLE b', replace => true);
SELECT * FROM migrations.apply();
SELECT to_regclass('c');
-- rollback works all the same
SELECT version FROM migrations.rollback();
SELECT version, state FROM migrations.status();
-- the text that ran registered again, all is well
SELECT migrations.add('001', 'a', 'CREATE TABLE a ()', 'DROP TABLE a', replace => true);
SELECT version FROM migrations.apply();
SELECT version, state FROM migrations.status();

-- a text that was changed behind the functions' back doesn't run
SELECT migrations.add('004', 'd', 'CREATE TABLE d ()');
SET session_replication_role = replica;
UPDATE migrations.migration SET up = 'CREATE TABLE evil ()' WHERE version = '004';
RESET session_replication_role;
SELECT * FROM migrations.apply();
SELECT migrations.add('004', 'd', 'CREATE TABLE d ()', replace => true);
SELECT version FROM migrations.apply();

-- nor does a down
SELECT migrations.add('005', 'e', 'CREATE TABLE e ()', 'DROP TABLE e');
SELECT version FROM migrations.apply();
SET session_replication_role = replica;
UPDATE migrations.applied SET down = 'CREATE TABLE evil ()' WHERE version = '005';
RESET session_replication_role;
SELECT * FROM migrations.rollback();

-- a migration that the registry lost is still known as applied
SET session_replication_role = replica;
DELETE FROM migrations.migration WHERE version = '004';
RESET session_replication_role;
SELECT version, state, checksum_ok, message FROM migrations.status();
SELECT version FROM migrations.apply();
