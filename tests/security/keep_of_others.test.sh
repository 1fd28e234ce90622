# Attack: the owner of a table that a superuser keeps (or whose record a superuser adopts)
# has code of his run as the superuser: by a view that takes the table's name while keep()
# waits for its lock, by a renamed schema, by what is evaluated when a query is planned, by a
# policy, a rule, a child table. It must never run; where the name is gone, keep() fails.
new_database security_keep
sql "DO \$\$ BEGIN CREATE ROLE security_owner LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END \$\$; CREATE SCHEMA str AUTHORIZATION security_owner; GRANT USAGE ON SCHEMA str TO PUBLIC; GRANT CREATE ON DATABASE security_keep TO security_owner"
as_owner() { PGUSER=security_owner sql "$1"; }
as_owner "CREATE FUNCTION str.evil(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS \$\$ BEGIN
    IF current_user <> 'security_owner' THEN RAISE LOG 'the trap has sprung'; END IF; RETURN i; END \$\$;
    CREATE FUNCTION str.evil_trigger() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN PERFORM str.evil(1); RETURN NEW; END \$\$"
mark_log
keep() { # table
    sql "SELECT migrations.remove('1') FROM migrations.status() WHERE version = '1'; SELECT migrations.add('1', 'keeps', 'SELECT migrations.keep(''$1'')')" >/dev/null
    PGOPTIONS='-c client_min_messages=warning' sql "SELECT messages FROM migrations.apply()" 2>&1 || true
    sql "SELECT migrations.mark_pending('1') FROM migrations.status() WHERE version = '1' AND state = 'applied'" >/dev/null
}
# What another session does while keep() waits for its lock.
race() { # table, what the owner does
    (as_owner "BEGIN; $2; SELECT pg_sleep(1); COMMIT" >/dev/null) &
    wait_for "SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = 'security_owner' AND wait_event = 'PgSleep'"
    has "$2" 'has been given to something else meanwhile' "$(keep "$1")"
    wait
}

as_owner 'CREATE MATERIALIZED VIEW str.m AS SELECT 1 AS i; CREATE TABLE str.t (i int); INSERT INTO str.t VALUES (1)'
race str.m 'ALTER MATERIALIZED VIEW str.m RENAME TO m2; CREATE VIEW str.m AS SELECT str.evil(1) AS i'
as_owner 'DROP VIEW str.m; ALTER MATERIALIZED VIEW str.m2 RENAME TO m'
race str.t 'ALTER TABLE str.t RENAME TO t2; CREATE VIEW str.t AS SELECT str.evil(1) AS i'
as_owner 'DROP VIEW str.t; ALTER TABLE str.t2 RENAME TO t'
race str.t 'LOCK TABLE str.t; ALTER SCHEMA str RENAME TO str2; CREATE SCHEMA str; CREATE VIEW str.t AS SELECT str2.evil(1) AS i'
as_owner 'DROP SCHEMA str CASCADE; ALTER SCHEMA str2 RENAME TO str'

# what the planner and the executor would evaluate
as_owner "CREATE TABLE str.e (i int CHECK (str.evil(1) = 1), j int);
    CREATE INDEX ON str.e ((str.evil(1) + i)); CREATE INDEX ON str.e (i) WHERE str.evil(2) > i;
    CREATE STATISTICS str.s ON (str.evil(3) + i), j FROM str.e;
    ALTER TABLE str.e ALTER j SET DEFAULT str.evil(4);
    INSERT INTO str.e VALUES (1, 1), (2, 2);
    CREATE TABLE str.child () INHERITS (str.e);
    CREATE INDEX ON str.child ((str.evil(5) + i));
    INSERT INTO str.child VALUES (3, 3);
    CREATE TRIGGER trap BEFORE INSERT ON str.e FOR EACH ROW EXECUTE FUNCTION str.evil_trigger();
    CREATE RULE trap AS ON INSERT TO str.e DO ALSO SELECT str.evil(6)"
is 'nothing has run yet' '' "$(log_since | grep sprung || true)"
as_caller="-c constraint_exclusion=on -c client_min_messages=warning"
has 'kept' 'e__default_1' "$(PGOPTIONS=$as_caller keep str.e)"
is 'all rows, of the child, too' '1,2,3' "$(sql "SELECT string_agg(i::text, ',' ORDER BY i) FROM migrations_backup.e__default_1")"
as_owner "CREATE TABLE str.p (i int, j text) PARTITION BY LIST (i); CREATE TABLE str.p1 PARTITION OF str.p FOR VALUES IN (1); CREATE TABLE str.p2 (j text, gone int, i int); ALTER TABLE str.p2 DROP gone; ALTER TABLE str.p ATTACH PARTITION str.p2 FOR VALUES IN (2); INSERT INTO str.p VALUES (1, 'a'), (2, repeat('long', 9999)), (2, NULL); CREATE INDEX ON str.p2 ((str.evil(1) + i))"
has 'partitions' 'p__default_1' "$(keep str.p)"
rows="SELECT md5(string_agg(format('%s=%s', i, j), ',' ORDER BY i, j))"
is 'as they are' "$(as_owner "$rows FROM str.p")" "$(sql "$rows FROM migrations_backup.p__default_1")"

# Nobody is kept out of a table by somebody who may not read it, and row security holds.
sql "CREATE ROLE security_reader LOGIN; GRANT USAGE ON SCHEMA migrations TO security_reader; GRANT EXECUTE ON ALL ROUTINES IN SCHEMA migrations TO security_reader; GRANT CREATE ON DATABASE security_keep TO security_reader; DROP SCHEMA migrations_backup CASCADE"
(as_owner "BEGIN; LOCK TABLE str.t; SELECT pg_sleep(1); COMMIT" >/dev/null) &
wait_for "SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = 'security_owner' AND wait_event = 'PgSleep'"
has 'no right' 'permission denied for table t' "$(PGUSER=security_reader keep str.t)"
wait
as_owner "ALTER TABLE str.t ENABLE ROW LEVEL SECURITY; CREATE POLICY trap ON str.t USING (str.evil(1) = 2); GRANT SELECT ON str.t TO PUBLIC"
has 'hidden rows' 'row-level security policy for table "t"' "$(PGUSER=security_reader keep str.t)"
as_owner "CREATE TABLE str.c (i int, j int); GRANT SELECT (i) ON str.c TO security_reader"
has 'one column' 'permission denied for table c' "$(PGUSER=security_reader keep str.c)"

# adopt()
sql "SELECT migrations.add('2', 'adopted', 'SELECT 1', project => 'adopts'); SELECT migrations.set_project('adopts', search_path => 'str')" >/dev/null
adopt() { PGOPTIONS='-c client_min_messages=warning' sql "SELECT version FROM migrations.adopt('golang-migrate', 'adopts')" 2>&1 || true; }
as_owner 'CREATE VIEW str.schema_migrations AS SELECT str.evil(1)::bigint AS version, false AS dirty'
has 'a view' 'is not an ordinary table' "$(adopt)"
as_owner 'DROP VIEW str.schema_migrations; CREATE TABLE str.schema_migrations (version bigint PRIMARY KEY, dirty boolean); INSERT INTO str.schema_migrations VALUES (2, false)'
as_owner 'CREATE INDEX ON str.schema_migrations ((str.evil(1) + version)) WHERE str.evil(2) > version'
as_owner 'CREATE TABLE str.more () INHERITS (str.schema_migrations)'
has 'a child' 'is not an ordinary table' "$(adopt)"
as_owner 'DROP TABLE str.more'
(as_owner "BEGIN; ALTER TABLE str.schema_migrations RENAME TO s2; CREATE VIEW str.schema_migrations AS SELECT str.evil(1)::bigint AS version, false AS dirty; SELECT pg_sleep(1); COMMIT" >/dev/null) &
wait_for "SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = 'security_owner' AND wait_event = 'PgSleep'"
has 'renamed' 'has been given to something else meanwhile' "$(adopt)"
wait
as_owner 'DROP VIEW str.schema_migrations; ALTER TABLE str.s2 RENAME TO schema_migrations'
as_owner "CREATE POLICY trap ON str.schema_migrations USING (str.evil(1) = 1); ALTER TABLE str.schema_migrations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
has 'a superuser reads past policies' '^2$' "$(adopt)"
lacks 'nothing of the owner ran' 'the trap has sprung' "$(log_since)"
