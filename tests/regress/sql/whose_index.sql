-- A statement was started, and its end is not on record: what it has made is distinguished from
-- what others have made, by number and definition. (What a kill would leave in the journal is
-- put there by hand.)
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -
CREATE TABLE t (id int, v int, w int);
INSERT INTO t SELECT g, g, g FROM generate_series(1, 10) g;
CREATE FUNCTION forget() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL session_replication_role = replica;
    UPDATE migrations.journal SET is_done = false WHERE statement_no = 1;
END $$;
CREATE FUNCTION invalidate(index text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL allow_system_table_mods = on;
    UPDATE pg_index SET indisvalid = false WHERE indexrelid = index::regclass;
END $$;
-- begins a migration, so that only its first statement is in the journal, as started
CREATE PROCEDURE start(version text, statement text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM migrations.add(version, 'stops', statement || '; SELECT 1 / 0');
END $$;
\set go 'CALL migrations.apply_each();'
\set indexes 'SELECT c.relname, i.indisvalid, pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE indrelid = ''t''::regclass ORDER BY 1'
\set VERBOSITY terse

-- without a name: it never began, and another index got the name that it would have had
CALL start('1', 'CREATE INDEX CONCURRENTLY ON t ((id + 2))');
:go
SELECT index_name, definition FROM migrations.journal;
SELECT forget();
DROP INDEX t_expr_idx;
CREATE INDEX ON t ((v + 1));
:go
:indexes;
SELECT index_name, is_done FROM migrations.journal;

-- it was invalid, dropped by hand, and another one has its name
SELECT forget();
DROP INDEX t_expr_idx1;
CREATE INDEX ON t ((w + 1));
SELECT invalidate('t_expr_idx1');
:go
:indexes;
-- its own is invalid, and is built again
SELECT forget(), invalidate('t_expr_idx2');
:go
:indexes;
-- REINDEX has made it valid, with its number or another one
SELECT forget(), invalidate('t_expr_idx2');
REINDEX INDEX t_expr_idx2;
SELECT 't_expr_idx2'::regclass::oid AS number \gset
:go
SELECT 't_expr_idx2'::regclass::oid = :number AS same_number;
SELECT forget(), invalidate('t_expr_idx2');
REINDEX INDEX CONCURRENTLY t_expr_idx2;
SELECT 't_expr_idx2'::regclass::oid AS number \gset
:go
SELECT 't_expr_idx2'::regclass::oid = :number AS same_number;
:indexes;
SELECT count(*) FROM migrations.mark_pending('1');
SELECT migrations.remove('1');
DROP INDEX t_expr_idx, t_expr_idx1, t_expr_idx2;

-- with a name
CALL start('1', 'CREATE INDEX CONCURRENTLY i ON t (v DESC, (w + 1)) INCLUDE (id) WHERE v > 2');
:go
SELECT definition FROM migrations.journal;
SELECT forget();
DROP INDEX i;
CREATE INDEX i ON public.t USING btree (v DESC NULLS FIRST, ((w) + 1)) INCLUDE (id) WHERE (v > 2);
SELECT 'i'::regclass::oid AS number \gset
:go
SELECT 'i'::regclass::oid = :number AS same_number, is_done FROM migrations.journal WHERE statement_no = 1;
SELECT forget();
DROP INDEX i;
CREATE INDEX i ON t (v);
SELECT invalidate('i');
:go
:indexes;
SELECT version, state, message FROM migrations.status();
DROP INDEX i;
:go
SELECT count(*) FROM migrations.mark_pending('1');
SELECT migrations.remove('1');

-- a DROP: another index of the name stays, one that REINDEX has given a number is dropped
CALL start('1', 'DROP INDEX CONCURRENTLY i');
:go
SELECT forget();
CREATE INDEX i ON t (w);
:go
:indexes;
SELECT count(*) FROM migrations.mark_pending('1');
SELECT migrations.remove('1');
SELECT migrations.add('1', 'stops', 'DROP INDEX CONCURRENTLY i; SELECT 1 / 0');
:go
CREATE INDEX i ON t (w);
SELECT forget();
:go
:indexes;
SELECT count(*) FROM migrations.mark_pending('1');
SELECT migrations.remove('1');

-- DETACH: of that partition, from that table
CREATE TABLE whole (id int) PARTITION BY LIST (id);
CREATE TABLE other (id int) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF whole FOR VALUES IN (1);
\set attached 'SELECT inhrelid::regclass, inhparent::regclass, inhdetachpending FROM pg_inherits ORDER BY 1'
CALL start('1', 'ALTER TABLE whole DETACH PARTITION part CONCURRENTLY');
:go
-- it was attached elsewhere, and is being detached there
SELECT forget();
ALTER TABLE other ATTACH PARTITION part FOR VALUES IN (1);
SET allow_system_table_mods = on;
UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 'part'::regclass;
RESET allow_system_table_mods;
:go
:attached;
ALTER TABLE other DETACH PARTITION part FINALIZE;
-- another table has its name
SELECT forget();
ALTER TABLE part RENAME TO former;
CREATE TABLE part PARTITION OF whole FOR VALUES IN (1);
:go
:attached;
-- attached again, it is detached again; what is pending is finished
DROP TABLE part;
ALTER TABLE former RENAME TO part;
ALTER TABLE whole ATTACH PARTITION part FOR VALUES IN (1);
SELECT forget();
:go
:attached;
ALTER TABLE whole ATTACH PARTITION part FOR VALUES IN (1);
SET allow_system_table_mods = on;
UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 'part'::regclass;
RESET allow_system_table_mods;
SELECT forget();
:go
:attached;
SELECT count(*) FROM migrations.mark_pending('1');
