# Attack: a role with CREATE on a schema of the search_path plants operators, functions,
# aggregates and types with the names of built-in ones, and waits for a superuser to make
# calls of ours. None of them may run, wherever pg_catalog is in the search_path. What is
# planted is generated from the catalog, so that it covers what our SQL may use next, too.
new_database security_planted
mark_log
planting="
DO \$\$ BEGIN CREATE ROLE security_planter; EXCEPTION WHEN duplicate_object THEN NULL; END \$\$;
GRANT CREATE, USAGE ON SCHEMA public TO security_planter;
SET ROLE security_planter;
SET search_path = pg_catalog;
CREATE FUNCTION public.sprung(what text) RETURNS void LANGUAGE plpgsql AS \$f\$ BEGIN
    IF current_setting('is_superuser') = 'on' THEN RAISE LOG 'planted % ran', what; END IF; END \$f\$;
-- operators between all pairs of these types
DO \$\$
DECLARE l text; r text; o text; n int := 0;
    types text[] := '{oid,regclass,regtype,regnamespace,name,text,\"char\",int2,int4,int8,bool,jsonb,timestamptz,interval,oid[],text[],name[],int2[],int8[],bytea,uuid,varchar}';
BEGIN
    FOREACH l IN ARRAY types LOOP FOREACH r IN ARRAY types LOOP
        n := n + 1;
        EXECUTE format('CREATE FUNCTION public.planted_%s(%s, %s) RETURNS boolean LANGUAGE plpgsql AS
            %L', n, l, r, format('BEGIN PERFORM public.sprung(%L); RETURN true; END', 'operator on ' || l || ' and ' || r));
        FOREACH o IN ARRAY '{=,<>,<,>,<=,>=,~,~~,!~,||,@>,?,->>,->,#>>,-,+,/,*}'::text[] LOOP
            EXECUTE format('CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = public.planted_%s)', o, l, r, n);
        END LOOP;
    END LOOP; END LOOP;
END \$\$;
-- functions, with the arguments of built-in ones
DO \$\$
DECLARE f record; made int := 0;
BEGIN
    FOR f IN SELECT DISTINCT ON (proname, proargtypes) proname, prorettype, proretset, oidvectortypes(proargtypes) AS arguments, provariadic
             FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f' AND provariadic = 0
               AND NOT prorettype = ANY ('{internal,trigger,event_trigger,language_handler,fdw_handler,index_am_handler,tsm_handler,table_am_handler,cstring,anyelement,anyarray,record}'::regtype[])
    LOOP
        BEGIN
            EXECUTE format('CREATE FUNCTION public.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', f.proname, f.arguments,
                CASE WHEN f.proretset THEN 'SETOF ' ELSE '' END || format_type(f.prorettype, NULL),
                format('BEGIN PERFORM public.sprung(%L); RETURN%s; END', 'function ' || f.proname,
                    CASE WHEN f.proretset OR f.prorettype = 'void'::regtype THEN '' ELSE ' NULL' END));
            made := made + 1;
        EXCEPTION WHEN OTHERS THEN NULL; -- internal arguments and the like
        END;
    END LOOP;
    IF made < 1000 THEN RAISE 'only % functions', made; END IF;
END \$\$;
"
aggregates="
SET ROLE security_planter;
SET search_path = pg_catalog;
CREATE FUNCTION public.counted(bigint) RETURNS bigint LANGUAGE plpgsql AS 'BEGIN PERFORM public.sprung(''count''); RETURN 0; END';
CREATE AGGREGATE public.count(*) (SFUNC = public.counted, STYPE = bigint, INITCOND = '0');
CREATE FUNCTION public.gathered(text[], text) RETURNS text[] LANGUAGE plpgsql AS 'BEGIN PERFORM public.sprung(''array_agg''); RETURN \$1; END';
CREATE AGGREGATE public.array_agg(text) (SFUNC = public.gathered, STYPE = text[], INITCOND = '{}');
CREATE FUNCTION public.joined(text, text, text) RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM public.sprung(''string_agg''); RETURN \$1; END';
CREATE AGGREGATE public.string_agg(text, text) (SFUNC = public.joined, STYPE = text);
CREATE FUNCTION public.all_of(boolean, boolean) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN PERFORM public.sprung(''bool_and''); RETURN \$1; END';
CREATE AGGREGATE public.bool_and(boolean) (SFUNC = public.all_of, STYPE = boolean);
CREATE AGGREGATE public.bool_or(boolean) (SFUNC = public.all_of, STYPE = boolean);
CREATE FUNCTION public.highest(int, int) RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM public.sprung(''max''); RETURN \$1; END';
CREATE AGGREGATE public.max(int) (SFUNC = public.highest, STYPE = int);
"
# Types come last: what is above would be of them.
types="
SET ROLE security_planter;
SET search_path = pg_catalog;
DO \$\$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY '{oid,regclass,regtype,regnamespace,regrole,regprocedure,name,text,\"char\",int2,int4,int8,bool,jsonb,timestamptz,interval,bytea,uuid,varchar,float8,numeric,inet}'::text[] LOOP
        EXECUTE format('CREATE DOMAIN public.%s AS pg_catalog.%1\$s CHECK (public.sprung(%L) IS NULL)', t, 'type ' || t);
    END LOOP;
END \$\$;
"
sql "$planting"
sql "$aggregates"
sql "$types"
is_locked() { [ "$(PGOPTIONS='-c search_path=pg_catalog' sql_in "$1" "SELECT count(*) > 0 FROM pg_locks WHERE mode = 'ShareUpdateExclusiveLock' AND relation = 'app.t'::regclass")" = t ]; }

# The installation, too, runs as a superuser.
sql "SET search_path = public, pg_catalog; DROP EXTENSION pg_migrations; CREATE EXTENSION pg_migrations"

# Every call, as a superuser who qualifies whatever is in the texts.
cat >"$RUN/calls.sql" <<'SQL'
SET client_min_messages = error;
CREATE SCHEMA app;
CREATE TABLE app.t (i pg_catalog.int4);
CREATE TABLE app.whole (i pg_catalog.int4) PARTITION BY LIST (i);
CREATE TABLE app.part PARTITION OF app.whole FOR VALUES IN (1);
CREATE MATERIALIZED VIEW app.m AS SELECT 1 AS i;
SELECT migrations.set_project('default', out_of_order => 'allow');
SELECT migrations.set_variable('word', 'value');
SELECT migrations.add('1', 'one', 'CREATE TABLE app.one (i pg_catalog.int4 PRIMARY KEY)', 'DROP TABLE app.one', precondition => 'SELECT true', verify => 'SELECT true');
SELECT migrations.add_file('2_two.up.sql', 'CREATE TABLE app.two (i pg_catalog.int4 REFERENCES app.one DEFERRABLE INITIALLY DEFERRED); INSERT INTO app.one VALUES (1); INSERT INTO app.two VALUES (1)');
SELECT migrations.add_files(ARRAY['2_two.down.sql'], ARRAY['DROP TABLE app.two; DELETE FROM app.one']);
SELECT migrations.add_repeatable('again', 'SELECT 1');
SELECT migrations.add('3', 'keeps', 'SELECT migrations.keep(''app.t''); SELECT migrations.keep(''app.m''); CREATE TEMPORARY TABLE one (i pg_catalog.int4)', 'DROP TABLE pg_temp.one', requires => ARRAY['1', 'extension:plpgsql']);
SELECT migrations.add('4', 'other', 'SELECT 1', 'SELECT 1', project => 'other', requires => ARRAY['default:1']);
SELECT * FROM migrations.status(); SELECT * FROM migrations.plan(); SELECT migrations.version(); SELECT migrations.next_version();
SELECT * FROM migrations.apply('1');
SELECT * FROM migrations.apply();
SELECT * FROM migrations.apply_all();
SELECT * FROM migrations.verify();
SELECT * FROM migrations.redo();
SELECT * FROM migrations.rollback_to('2');
SELECT * FROM migrations.rollback(1, 'other');
SELECT * FROM migrations.apply();
SELECT * FROM migrations.backups; SELECT * FROM migrations.history;
SELECT migrations.forget('migrations_backup.t__default_3');
SELECT migrations.add('5', 'index', 'CREATE INDEX CONCURRENTLY ti ON app.t (i); CREATE INDEX CONCURRENTLY ON app.t (i)', 'DROP INDEX CONCURRENTLY app.ti');
SELECT migrations.add('6', 'reindex', 'REINDEX TABLE CONCURRENTLY app.t; REINDEX INDEX CONCURRENTLY app.ti; REINDEX SCHEMA CONCURRENTLY app; VACUUM app.t; ALTER TABLE app.whole DETACH PARTITION app.part CONCURRENTLY', 'SELECT 1');
SELECT migrations.add('7', 'block', 'DO $$BEGIN COMMIT; END$$', 'SELECT 1', transactional => false);
CALL migrations.apply_each();
CALL migrations.rollback_each(3);
SELECT migrations.mark_applied('5'); SELECT migrations.mark_pending('5');
SELECT migrations.add('7', 'block', 'DO $$BEGIN NULL; COMMIT; END$$', 'SELECT 1', transactional => false, replace => true);
SELECT migrations.accept_changes('1', reason => 'none') FROM migrations.add('1', 'one', 'CREATE TABLE app.one (i pg_catalog.int4 PRIMARY KEY) ', 'DROP TABLE app.one', replace => true);
SELECT migrations.accept_all_changes(confirm => (SELECT pg_catalog.count(*)::pg_catalog.int4 FROM migrations.status() WHERE state OPERATOR(pg_catalog.=) 'modified'::pg_catalog.text));
SELECT * FROM migrations.force('5'); SELECT * FROM migrations.baseline('6');
SELECT migrations.remove('7'); SELECT migrations.remove_repeatable('again');
SELECT migrations.import_bundle(migrations.export_bundle(), project => 'copy');
CREATE TABLE app.schema_migrations (version pg_catalog.int8 PRIMARY KEY, dirty pg_catalog.bool);
INSERT INTO app.schema_migrations VALUES (1, false);
SELECT migrations.set_project('copy', search_path => 'app, pg_catalog');
SELECT * FROM migrations.adopt('golang-migrate', 'copy');
SELECT * FROM migrations.apply(project => 'other'); CALL migrations.redo_each(1, 'other'); CALL migrations.rollback_to_each('1', 'copy');
CALL migrations.reset_each('other', confirm => 'other');
SELECT * FROM migrations.reset('other', confirm => 'other');
SQL
# a lock that is not granted in time, an interrupted index build, a job
cat >"$RUN/more_calls.sql" <<'SQL'
SET client_min_messages = error;
SET migrations.lock_timeout = '50ms'; SET migrations.lock_retries = 0;
SELECT migrations.add('8', 'blocked', 'ALTER TABLE app.t ADD x pg_catalog.int4', 'SELECT 1');
CALL migrations.apply_each();
SELECT migrations.remove('8');
SELECT migrations.add('1', 'cut off', 'CREATE UNIQUE INDEX CONCURRENTLY ON app.t (i); DROP INDEX CONCURRENTLY app.ti', project => 'cut');
CALL migrations.apply_each(project => 'cut');
CALL migrations.apply_each(project => 'cut');
SELECT migrations.retry('1', 'cut'); SELECT migrations.mark_statement_done('1', 'cut');
SELECT * FROM migrations.load('/nowhere');
SELECT migrations.schedule('* * * * *'); SELECT migrations.unschedule();
SQL
while read -r routine; do
    grep -q "migrations\.$routine\b" "$RUN/calls.sql" "$RUN/more_calls.sql" || fail "$routine is not called"
done < <(PGOPTIONS='-c search_path=pg_catalog' sql "SELECT proname FROM pg_proc WHERE pronamespace = 'migrations'::regnamespace AND proname <> 'guard'")
n=0
for path in 'pg_catalog, public' 'public, pg_catalog' 'public'; do
    n=$((n + 1))
    sql_in postgres "CREATE DATABASE security_planted_$n TEMPLATE security_planted"
    out=$(PGDATABASE=security_planted_$n PGOPTIONS="-c search_path=${path// /\\ }" "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -f "$RUN/calls.sql" 2>&1) || fail "with $path: $out"
    sql_in "security_planted_$n" 'INSERT INTO app.t VALUES (1), (1)'
    (sql_in "security_planted_$n" "BEGIN; LOCK TABLE app.t IN SHARE UPDATE EXCLUSIVE MODE; SELECT pg_catalog.pg_sleep(2)" >/dev/null) &
    eventually is_locked "security_planted_$n"
    out=$(PGDATABASE=security_planted_$n PGOPTIONS="-c search_path=${path// /\\ }" "$BIN/psql" -X -q -A -t -f "$RUN/more_calls.sql" 2>&1)
    has "with $path, blocked" 'holds a lock on app.t' "$out"
    has "with $path, cut off" 'could not create unique index' "$out"
    wait
    lacks "with $path" 'LOG:  planted .* ran' "$(log_since)"
    mark_log
done
