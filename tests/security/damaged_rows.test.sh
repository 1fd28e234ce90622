# Attack: rows that none of our functions writes, as a restore of an edited dump or a superuser
# under session_replication_role = replica can put them in. Each column of each table gets each
# value of its type that is odd, and each call is made. It must fail: no call ends in an internal
# error or a panic, none names a file of the build or shows a statement of ours, and the server
# stays up. What is NULL or unreadable is XX001 with the row.

new_database security_damaged_rows
script=$RUN/damaged.sql out=$RUN/damaged.out

sql "SELECT migrations.set_project('p', search_path => 'public', settings => '{\"work_mem\": \"4MB\"}', placeholders => '\${x}');
    SELECT migrations.set_variable('x', '1', 'p');
    SELECT migrations.add('001', 'one', 'SELECT 1', 'SELECT -1', 'p', verify => 'SELECT true');
    SELECT migrations.apply(project => 'p');
    SELECT migrations.add('002', 'two', 'SELECT 2', 'SELECT -2', 'p', requires => '{001}', precondition => 'SELECT true', verify => 'SELECT true', on_fail => 'skip');
    SELECT migrations.add_repeatable('views', 'SELECT 3', 'p');
    SELECT migrations.add_repeatable('hook', 'SELECT 4', 'p', moment => 'after');
    SELECT migrations.add('003', 'index', 'CREATE INDEX CONCURRENTLY i ON t (i); VACUUM t; VACUUM nowhere', 'SELECT 1', 'p');
    CREATE TABLE t (i int);" >/dev/null
# A half-run and failed migration.
! sql "CALL migrations.apply_each(project => 'p')" >/dev/null 2>&1 || fail 'it should fail'
is 'a failure is there' 1 "$(sql 'SELECT count(*) FROM migrations.unfinished')"
is 'a journal is there' t "$(sql 'SELECT count(*) > 0 FROM migrations.journal')"

cat >"$RUN/setup.sql" <<'SQL'
CREATE SCHEMA saved;
CREATE TABLE saved.odd (type text, value text);
INSERT INTO saved.odd VALUES
    ('text', $$''$$), ('text', $$'odd'$$), ('text', $$'001:'$$), ('text', $$repeat('x', 3000)$$), ('text', $$E'a\nb'$$),
    ('bytea', $$'\x'$$), ('bytea', $$'\x00'$$), ('bytea', $$'\xff'$$),
    ('bigint', '-1'), ('bigint', '0'), ('bigint', '9223372036854775807'), ('bigint', '-9223372036854775808'),
    ('integer', '-1'), ('integer', '0'), ('integer', '2147483647'), ('integer', '-2147483648'),
    ('smallint', '-1'), ('smallint', '32767'), ('boolean', 'true'), ('boolean', 'false'),
    ('jsonb', $$'null'$$), ('jsonb', $$'[]'$$), ('jsonb', $$'"x"'$$), ('jsonb', $$'{"a": null}'$$), ('jsonb', $$'{"a": [1]}'$$), ('jsonb', $$'{"": "x"}'$$),
    ('text[]', $$'{NULL}'$$), ('text[]', $$'{""}'$$), ('text[]', $$'{{a,b},{c,NULL}}'$$), ('text[]', $$'{x y}'$$), ('text[]', $$'{p:002,extension:,:}'$$),
    ('oid', '0'), ('oid', '4294967295'), ('oid[]', $$'{NULL}'$$), ('oid[]', $$'{0,4294967295}'$$),
    ('timestamp with time zone', $$'infinity'$$), ('timestamp with time zone', $$'-infinity'$$), ('timestamp with time zone', $$'4714-11-24 00:00:00+00 BC'$$),
    ('interval', $$'1000000 years'$$), ('interval', $$'-1 days'$$),
    ('uuid', $$'00000000-0000-0000-0000-000000000000'$$), ('inet', $$'::/0'$$);
INSERT INTO saved.odd SELECT DISTINCT type, 'NULL' FROM saved.odd;
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint
            WHERE connamespace = 'migrations'::regnamespace AND contype = 'c' LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname);
    END LOOP;
    -- (A column of a primary key cannot be NULL.)
    FOR c IN SELECT attrelid::regclass AS t, attname FROM pg_attribute a JOIN pg_class r ON r.oid = attrelid
            WHERE relnamespace = 'migrations'::regnamespace AND relkind = 'r' AND attnum > 0 AND attnotnull AND attname <> 'id' LOOP
        EXECUTE format('ALTER TABLE %s ALTER %I DROP NOT NULL', c.t, c.attname);
    END LOOP;
    FOR c IN SELECT oid::regclass AS t, relname FROM pg_class WHERE relnamespace = 'migrations'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('CREATE TABLE saved.%I AS SELECT * FROM %s', c.relname, c.t);
    END LOOP;
END
$$;
-- Where a value may be there once only, one row gets it.
CREATE VIEW saved.variants AS
SELECT relname, attname, value, place, attnum
FROM pg_class r JOIN pg_attribute a ON attrelid = r.oid
CROSS JOIN LATERAL (
    SELECT CASE WHEN EXISTS (SELECT FROM pg_index i WHERE indrelid = r.oid AND indisunique AND attnum = ANY (indkey))
                THEN format('ctid = (SELECT %s(ctid) FROM migrations.%s)', w, relname)
                WHEN w = 'min' THEN 'true' END AS place
    FROM unnest('{min, max}'::text[]) w) p
JOIN saved.odd o ON type = format_type(atttypid, atttypmod)
WHERE relnamespace = 'migrations'::regnamespace AND relkind = 'r' AND attnum > 0 AND place IS NOT NULL
    AND NOT (attname = 'id' AND value = 'NULL');
SQL
"$BIN/psql" -X -q -v ON_ERROR_STOP=1 -f "$RUN/setup.sql"
sql "SELECT format(E'\\\\echo # %s.%s = %s\nSET session_replication_role = replica; UPDATE migrations.%s SET %s = %s WHERE %s; RESET session_replication_role;\n\\\\i $RUN/calls.sql',
    relname, attname, value, relname, attname, value, place) FROM saved.variants ORDER BY relname, attnum, value, place" >"$script"
variants=$(grep -c '^.echo' "$script")
at_least 'variants' 301 "$variants"

{
    for call in 'SELECT * FROM migrations.status(:p)' 'SELECT * FROM migrations.plan(NULL, :p)' "SELECT * FROM migrations.plan('003', :p)" \
        "SELECT * FROM migrations.plan(project => :p, only_version => '002')" 'SELECT migrations.version(:p)' \
        'SELECT migrations.next_version(:p)' 'SELECT * FROM migrations.verify(NULL, :p)' "SELECT * FROM migrations.verify('001', :p)" \
        'SELECT migrations.export_bundle(:p)' 'SELECT * FROM migrations.import_bundle(migrations.export_bundle(:p), :p)' \
        'SELECT * FROM migrations.history' 'SELECT * FROM migrations.apply(NULL, :p)' "SELECT * FROM migrations.apply('002', :p)" \
        'SELECT * FROM migrations.apply_all()' 'SELECT * FROM migrations.rollback(1, :p)' "SELECT * FROM migrations.rollback_to('001', :p)" \
        'SELECT * FROM migrations.redo(1, :p)' 'SELECT * FROM migrations.reset(:p, :p)' \
        "SELECT migrations.add('001', 'one', 'SELECT 1', 'SELECT -1', :p, verify => 'SELECT true')" \
        "SELECT migrations.add('002', 'two', 'SELECT 22', project => :p, replace => true)" "SELECT migrations.add('004', 'four', 'SELECT 4', project => :p)" \
        "SELECT migrations.add_repeatable('views', 'SELECT 33', :p)" "SELECT migrations.add_file('002_two.sql', 'SELECT 22', :p, true)" \
        'SELECT * FROM migrations.set_project(:p)' "SELECT * FROM migrations.set_project(:p, out_of_order => 'allow')" "SELECT migrations.set_variable('y', '2', :p)" \
        "SELECT * FROM migrations.mark_applied('002', :p)" "SELECT * FROM migrations.mark_pending('001', :p)" "SELECT * FROM migrations.mark_pending('003', :p)" \
        "SELECT * FROM migrations.force('002', :p)" "SELECT * FROM migrations.baseline('002', :p)" "SELECT * FROM migrations.accept_changes('001', :p)" \
        "SELECT * FROM migrations.accept_all_changes(:p, confirm => 0)" "SELECT * FROM migrations.mark_statement_done('003', :p)" "SELECT * FROM migrations.retry('003', :p)" \
        "SELECT migrations.remove('002', :p)" "SELECT migrations.remove_repeatable('views', :p)"; do
        echo "BEGIN;"
        echo "$call;"
        echo "ROLLBACK;"
    done
    echo "CALL migrations.apply_each(project => :p);"
    echo "CALL migrations.rollback_each(1, :p);"
    echo "SET session_replication_role = replica;"
    for table in project migration applied event unfinished journal; do
        echo "DELETE FROM migrations.$table; INSERT INTO migrations.$table SELECT * FROM saved.$table;"
    done
    echo "DROP INDEX IF EXISTS i; RESET session_replication_role;"
} | sed "s/:p\b/'p'/g" >"$RUN/calls.sql"

"$BIN/psql" -X -q -v VERBOSITY=verbose -f "$script" >"$out" 2>&1 || true
is 'all were tried' "$variants" "$(grep -ac '^# ' "$out")"
is 'it is whole again' t "$(sql "SELECT bool_and(state IN ('applied', 'pending', 'failed')) FROM migrations.status('p')")"
for never in 'XX000' '\.rs\b' 'panicked' 'internal error' 'server closed' 'SQL statement' '^(LINE|QUERY).*migrations\.' 'backtrace' 'overflow'; do
    ! grep -anE -- "$never" "$out" >"$RUN/found" || fail "$never: $(head -5 "$RUN/found"); the variant: $(head -n "$(cut -d: -f1 "$RUN/found" | head -1)" "$out" | grep -a '^# ' | tail -1)"
done
at_least 'rows that are found to be damaged' 201 "$(grep -ac 'XX001' "$out")"
# One as a user meets it.
sql "SET session_replication_role = replica; UPDATE migrations.migration SET requires = '{NULL}' WHERE version = '002'" >/dev/null
has 'the row is named' 'ERROR:  XX001: the record of pg_migrations is damaged: "requires" holds no valid value.*version 002.*HINT' \
    "$("$BIN/psql" -X -v VERBOSITY=verbose -c "SELECT * FROM migrations.status('p')" 2>&1 | tr '\n' ' ')"
