# Attack: a caller's deferred triggers are pending when it calls a function with SECURITY
# DEFINER that runs migrations or verify scripts: fired there, they would run as the
# function's owner. The call must be refused. And: whoever owns our tables, or has TRIGGER on
# them, has code run by our own changes, or at the caller's commit. That must be refused, too.
new_database security_pending
sql "DO \$\$ BEGIN CREATE ROLE security_lesser LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END \$\$;
CREATE SCHEMA str AUTHORIZATION security_lesser; GRANT USAGE ON SCHEMA str TO PUBLIC;
SELECT migrations.add('1', 'harmless', 'SET CONSTRAINTS ALL IMMEDIATE; CREATE TABLE one ()', 'DROP TABLE one', precondition => 'SELECT true', verify => 'SELECT true');
SELECT migrations.add('2', 'second', 'SELECT 1', 'SELECT 1');
SELECT FROM migrations.apply();
SELECT migrations.add('3', 'pending', 'SELECT 1', 'SELECT 1')" >/dev/null 2>&1
for call in "apply()" "apply_all()" "rollback()" "rollback_to('1')" "redo()" "reset('default', 'default')" "verify()"; do
    name=${call%%(*}
    sql "CREATE OR REPLACE FUNCTION str.$name() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS \$\$SELECT count(*) FROM migrations.$call\$\$;
        GRANT EXECUTE ON FUNCTION str.$name() TO security_lesser"
done
lesser() { PGUSER=security_lesser PGOPTIONS='-c client_min_messages=warning' sql "$1" 2>&1 || true; }
lesser "CREATE FUNCTION str.evil() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
    IF current_user <> 'security_lesser' THEN RAISE LOG 'the trap has sprung'; END IF; RETURN NULL; END \$\$;
CREATE TABLE str.bait (i int PRIMARY KEY) PARTITION BY RANGE (i); CREATE TABLE str.part PARTITION OF str.bait DEFAULT;
CREATE TABLE str.plain (i int);
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON str.part DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION str.evil();
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON str.plain DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE FUNCTION str.evil()"
mark_log
for name in apply apply_all rollback rollback_to redo reset verify; do
    has "$name" 'cannot run migrations here while deferred triggers are pending' \
        "$(lesser "BEGIN; INSERT INTO str.bait VALUES (1); SELECT str.$name(); COMMIT")"
    has "$name, deferred by name" 'HINT:  Run SET CONSTRAINTS ALL IMMEDIATE before' \
        "$(lesser "BEGIN; SET CONSTRAINTS str.t DEFERRED; INSERT INTO str.plain VALUES (1); SELECT str.$name(); COMMIT")"
    has "$name, within a cursor" 'cannot run migrations here' \
        "$(lesser "BEGIN; INSERT INTO str.bait VALUES (1); DECLARE c CURSOR FOR SELECT str.$name(); FETCH c; COMMIT")"
done
# As the HINT says; and a caller's own run settles what it has left pending.
has 'as the HINT says' '^1$' "$(lesser "BEGIN; INSERT INTO str.bait VALUES (1); SET CONSTRAINTS ALL IMMEDIATE; SELECT str.verify(); COMMIT")"
lacks 'nothing ran as the owner' 'sprung' "$(log_since)"
sql "GRANT USAGE ON SCHEMA migrations TO security_lesser; GRANT EXECUTE ON FUNCTION migrations.verify TO security_lesser"
has 'in its own name' '^1$' "$(lesser "BEGIN; INSERT INTO str.bait VALUES (2); SELECT count(*) FROM migrations.verify(); COMMIT")"
# triggers without end
lesser "CREATE FUNCTION str.again() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE str.loop SET i = i + 1; RETURN NULL; END';
CREATE TABLE str.loop (i int); CREATE CONSTRAINT TRIGGER l AFTER INSERT OR UPDATE ON str.loop DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION str.again()" >/dev/null
has 'without end' 'ERROR:  (deferred triggers are still pending after 100 rounds|stack depth limit exceeded)' "$(lesser "BEGIN; INSERT INTO str.loop VALUES (1); SELECT count(*) FROM migrations.verify(); COMMIT")"

# Code on our tables.
sql "CREATE FUNCTION public.evil() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN RAISE LOG 'the trap has sprung'; RETURN NEW; END \$\$"
mark_log
refused() { # what, to make it, to remove it
    sql "$2" >/dev/null 2>&1
    local call
    for call in "SELECT migrations.add('9', 'x', 'SELECT 1')" 'SELECT FROM migrations.apply()' 'CALL migrations.apply_each()' "SELECT migrations.set_variable('a', 'b')" \
        "SELECT migrations.mark_pending('1')"; do
        has "$1: $call" "ERROR:  table migrations.applied has been altered" "$(sql "$call" 2>&1 || true)"
    done
    sql "$3" >/dev/null
}
refused 'a trigger' 'CREATE TRIGGER evil AFTER INSERT ON migrations.applied FOR EACH ROW EXECUTE FUNCTION public.evil()' 'DROP TRIGGER evil ON migrations.applied'
refused 'a deferred trigger' 'CREATE CONSTRAINT TRIGGER "Evil" AFTER INSERT ON migrations.applied DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.evil()' 'DROP TRIGGER "Evil" ON migrations.applied'
refused 'a rule' "CREATE RULE evil AS ON INSERT TO migrations.applied DO ALSO NOTIFY evil" 'DROP RULE evil ON migrations.applied'
refused 'row security' 'ALTER TABLE migrations.applied FORCE ROW LEVEL SECURITY' 'ALTER TABLE migrations.applied NO FORCE ROW LEVEL SECURITY'
refused 'row security, too' 'ALTER TABLE migrations.applied ENABLE ROW LEVEL SECURITY' 'ALTER TABLE migrations.applied DISABLE ROW LEVEL SECURITY'
refused 'a child' 'CREATE TABLE child () INHERITS (migrations.applied)' 'DROP TABLE child'
lacks 'nothing ran' 'sprung' "$(log_since)"
# By a migration: undone with it.
sql "SELECT migrations.add('4', 'trap', 'CREATE TRIGGER evil AFTER INSERT ON migrations.event FOR EACH ROW EXECUTE FUNCTION public.evil()')" >/dev/null
has 'by a migration' 'Trigger "evil" of table migrations.event is not part of pg_migrations' "$(sql 'SELECT FROM migrations.apply()' 2>&1 || true)"
is 'is undone' 0 "$(sql "SELECT count(*) FROM pg_trigger WHERE tgname = 'evil'")"
sql "SELECT migrations.remove('4')" >/dev/null
# Afterwards all is well.
is 'goes on' 3 "$(sql "SELECT version FROM migrations.apply()")"

# Whoever owns the history (and so does our bookkeeping) can leave nothing behind that runs
# as the caller: a deferred trigger on a table of its own, set off by a function in a default.
sql "CREATE ROLE security_keeper; GRANT USAGE, CREATE ON SCHEMA str TO security_keeper; GRANT ALL ON ALL TABLES IN SCHEMA migrations TO security_keeper; GRANT ALL ON ALL SEQUENCES IN SCHEMA migrations TO security_keeper; GRANT USAGE, CREATE ON SCHEMA migrations TO security_keeper;
ALTER VIEW migrations.history OWNER TO security_keeper; ALTER TABLE migrations.event OWNER TO security_keeper;
SET ROLE security_keeper;
CREATE TABLE str.later (i int);
CREATE FUNCTION str.evil_later() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN IF current_user <> 'security_keeper' THEN RAISE LOG 'the trap has sprung'; END IF; RETURN NULL; END \$\$;
CREATE CONSTRAINT TRIGGER l AFTER INSERT ON str.later DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION str.evil_later();
CREATE FUNCTION str.sets_off() RETURNS text LANGUAGE plpgsql AS 'BEGIN INSERT INTO str.later VALUES (1); RETURN session_user; END';
ALTER TABLE migrations.event ALTER session_role SET DEFAULT str.sets_off()"
has 'a deferred trigger' 'cannot fire deferred trigger within security-restricted operation' "$(sql "SELECT FROM migrations.rollback()" 2>&1 || true)"
lacks 'nothing ran as the caller' 'sprung' "$(log_since)"
