# No state of a session or transaction gets from one migration into the next, although apply() runs
# all of them in one transaction. Each migration of a pair leaves one kind of state, and a third one
# shows what it finds. The three are run by apply(), by apply_each() and by psql with BEGIN and
# COMMIT around each: the error or the rows are the same. The few differences are listed below,
# and in docs/limits.md.
new_database driver_transaction_state
sql "CREATE ROLE each_role" >/dev/null
"$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
CREATE TABLE states (name text PRIMARY KEY, text text);
INSERT INTO states VALUES
    ('nothing', 'SELECT 1'),
    ('temp', 'CREATE TEMP TABLE t0 AS SELECT 1 AS i'),
    ('temp_preserve', 'CREATE TEMP TABLE t1 (i int) ON COMMIT PRESERVE ROWS; INSERT INTO t1 VALUES (1)'),
    ('temp_drop', 'CREATE TEMP TABLE t2 ON COMMIT DROP AS SELECT 1 AS i'),
    ('temp_drop_block', 'DO ''BEGIN CREATE TEMP TABLE t2 (i int) ON COMMIT DROP; END'''),
    ('temp_delete', 'CREATE TEMP TABLE IF NOT EXISTS t3 (i int PRIMARY KEY) ON COMMIT DELETE ROWS; INSERT INTO t3 VALUES (1)'),
    ('discard_temp', 'DISCARD TEMP'),
    ('cursor', 'DECLARE c1 CURSOR FOR SELECT * FROM s.t'),
    ('refcursor', 'SELECT s.open()'),
    ('cursor_hold', 'DECLARE c2 CURSOR WITH HOLD FOR SELECT 1'),
    ('cursor_hold_table', 'DECLARE c3 CURSOR WITH HOLD FOR SELECT * FROM s.t'),
    ('close_all', 'CLOSE ALL'),
    ('alter', 'ALTER TABLE s.t ALTER j DROP DEFAULT; ALTER TABLE s.k ALTER late DROP DEFAULT'),
    ('set', 'SET work_mem = ''7MB'''),
    ('set_local', 'SET LOCAL work_mem = ''9MB'''),
    ('set_config', 'SELECT set_config(''work_mem'', ''6MB'', false)'),
    ('search_path', 'SET search_path = s'),
    ('statement_timeout', 'SET statement_timeout = ''9min'''),
    ('role', 'SET ROLE each_role'),
    ('local_role', 'SET LOCAL ROLE each_role'),
    ('reset_all', 'RESET ALL'),
    ('constraints', 'SET CONSTRAINTS s.late IMMEDIATE; SET CONSTRAINTS s.soon DEFERRED'),
    ('constraints_all', 'SET CONSTRAINTS ALL IMMEDIATE'),
    ('constraints_deferred', 'SET CONSTRAINTS ALL DEFERRED; INSERT INTO s.k (soon) VALUES (7); INSERT INTO s.t VALUES (7) ON CONFLICT DO NOTHING'),
    ('constraints_block', 'DO ''BEGIN SET CONSTRAINTS ALL DEFERRED; END'''),
    ('pending', 'INSERT INTO s.k (late) VALUES (8); INSERT INTO s.t VALUES (8) ON CONFLICT DO NOTHING'),
    ('violation', 'INSERT INTO s.k (late) VALUES (99)'),
    ('soon', 'INSERT INTO s.k (soon) VALUES (98); INSERT INTO s.t VALUES (98)'),
    ('listen', 'LISTEN each'),
    ('prepare', 'PREPARE p1 AS SELECT 1'),
    ('deallocate', 'DEALLOCATE ALL'),
    ('lock', 'SELECT pg_advisory_lock(777)'),
    ('lock_xact', 'SELECT pg_advisory_xact_lock(778)'),
    ('level', 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE'),
    ('savepoint', 'SAVEPOINT a'),
    ('large_object', 'SELECT lo_create(4711)'),
    ('nextval', 'SELECT nextval(''s.n'')'),
    ('currval', 'SELECT currval(''s.n'')'),
    ('discard_sequences', 'DISCARD SEQUENCES');
-- What is to be seen in the third transaction.
INSERT INTO states VALUES ('look', $$INSERT INTO s.seen SELECT concat_ws(' ',
    (SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'),
    CASE WHEN to_regclass('pg_temp.t3') IS NOT NULL THEN (xpath('//i', query_to_xml('SELECT count(*) AS i FROM pg_temp.t3', true, false, '')))[1] END,
    (SELECT string_agg(name, ',' ORDER BY name) FROM pg_cursors WHERE name ~ '^[cr]'),
    (SELECT string_agg(name, ',' ORDER BY name) FROM pg_prepared_statements),
    current_setting('work_mem'), current_setting('search_path'), current_setting('statement_timeout'), current_user,
    s.modes(), (SELECT count(*) FROM s.k), (SELECT count(*) FROM pg_largeobject_metadata),
    (SELECT string_agg(channel, ',') FROM pg_listening_channels() channel),
    (SELECT string_agg(objid::text, ',' ORDER BY objid) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objsubid < 3 AND objid IN (777, 778)))$$);
CREATE SCHEMA s;
CREATE SEQUENCE s.n;
CREATE TABLE s.t (i int PRIMARY KEY, j int);
CREATE TABLE s.k (late int CONSTRAINT late REFERENCES s.t DEFERRABLE INITIALLY DEFERRED, soon int CONSTRAINT soon REFERENCES s.t DEFERRABLE);
CREATE TABLE s.seen (seen text);
CREATE FUNCTION s.open() RETURNS refcursor LANGUAGE plpgsql AS 'DECLARE r1 refcursor := ''r1''; BEGIN OPEN r1 FOR SELECT * FROM s.t; RETURN r1; END';
CREATE FUNCTION s.modes() RETURNS text LANGUAGE plpgsql AS $m$
DECLARE found text := ''; c text;
BEGIN
    FOREACH c IN ARRAY ARRAY['late', 'soon'] LOOP
        BEGIN
            EXECUTE format('INSERT INTO s.k (%s) VALUES (99)', c);
            RAISE division_by_zero;
        EXCEPTION WHEN division_by_zero THEN found := found || c || ':d ';
            WHEN foreign_key_violation THEN found := found || c || ':i ';
        END;
    END LOOP;
    RETURN found;
END $m$;
GRANT USAGE ON SCHEMA s TO each_role;
GRANT ALL ON ALL TABLES IN SCHEMA s TO each_role;
GRANT ALL ON ALL SEQUENCES IN SCHEMA s TO each_role;
CREATE PROCEDURE fresh() LANGUAGE plpgsql AS $f$
BEGIN
    TRUNCATE s.k, s.t, s.seen;
    PERFORM lo_unlink(oid) FROM pg_largeobject_metadata;
END $f$;
SELECT count(migrations.add(n::text, t.name, t.text, project => a.name || '.' || b.name || '.' || mode))
FROM states a, states b, unnest(ARRAY['apply', 'each']) mode,
    LATERAL (VALUES (1, a.name, a.text), (2, b.name, b.text), (3, 'look', (SELECT text FROM states WHERE name = 'look'))) t (n, name, text)
WHERE 'look' NOT IN (a.name, b.name);
SQL

states=$(sql "SELECT name FROM states WHERE name <> 'look' ORDER BY name")
pairs() { # mode
    local a b
    for a in $states; do
        for b in $states; do
            echo 'ROLLBACK;'
            echo 'DISCARD ALL;'
            echo 'CALL fresh();'
            case $1 in
            apply) echo "SELECT count(*) FROM migrations.apply(project => '$a.$b.apply') \\gset" ;;
            each) echo "CALL migrations.apply_each(project => '$a.$b.each') \\gset" ;;
            psql)
                echo "SELECT 'BEGIN; ' || text || '; COMMIT' FROM states WHERE name = '$a' \\gexec"
                echo '\if :ERROR'
                echo '\else'
                echo "SELECT 'BEGIN; ' || text || '; COMMIT' FROM public.states WHERE name = '$b' \\gexec"
                echo '\if :ERROR'
                echo '\else'
                echo "SELECT 'BEGIN; ' || text || '; COMMIT' FROM public.states WHERE name = 'look' \\gexec"
                echo '\endif'
                echo '\endif'
                ;;
            esac
            echo '\if :ERROR'
            echo "\\echo @ $a $b: :SQLSTATE"
            echo '\else'
            echo "SELECT seen FROM s.seen \\gset"
            echo "\\echo @ $a $b: :seen"
            echo '\endif'
        done
    done
}
for mode in psql apply each; do
    pairs $mode >"$RUN/$mode.sql"
    "$BIN/psql" -X -A -t -f "$RUN/$mode.sql" 2>/dev/null | sed -n 's/^@ //p' >"$RUN/$mode.out"
    is "$mode ran all" "$(wc -w <<<"$states" | awk '{print $1 * $1}')" "$(wc -l <"$RUN/$mode.out")"
done

mkdir -p "$CARGO_TARGET_DIR/results/transaction_state"; cp "$RUN"/{psql,apply,each}.out "$CARGO_TARGET_DIR/results/transaction_state/"

# Settings and roles are put back after each migration, and a savepoint is refused.
of_ours='\<(set|set_config|search_path|statement_timeout|role|reset_all|savepoint)\>'
# A transaction has one level and one lifetime of its locks, and LISTEN begins with its commit; a
# mode of all constraints that a block sets can't be put back; a cursor WITH HOLD that isn't
# read to its end yet uses its table.
of_one='\<(level|lock_xact|listen|constraints_block)\>|cursor_hold_table alter'
differing() { # file file exceptions
    diff "$1" "$2" | sed -n 's/^[<>] //p' | sed 's/:.*//' | grep -vE "$3" || true
}
got=$(differing "$RUN/apply.out" "$RUN/each.out" "$of_one")
[ -z "$got" ] || fail "apply() and apply_each() differ: $got
$(diff "$RUN/apply.out" "$RUN/each.out" | grep -vE "$of_one")"
# psql 18 does not say with which SQLSTATE one of several statements of a query has failed.
if grep -qE ': $' "$RUN/psql.out"; then
    sed -Ei 's/: ([0-9A-Z]{5})?$/: an error/' "$RUN/psql.out" "$RUN/each.out"
fi
got=$(differing "$RUN/psql.out" "$RUN/each.out" "$of_ours|level")
[ -z "$got" ] || fail "psql and apply_each() differ: $got
$(diff "$RUN/psql.out" "$RUN/each.out" | grep -vE "$of_ours|level")"
