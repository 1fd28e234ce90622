# The declarations that are compiled into the library are those of the catalog: names, arguments
# with their names, types, order and defaults, results with their columns, volatility. And each
# function has a comment.
#
# A C symbol that is called through another declaration than its own refuses the call and says
# what it is declared as. So each symbol of the library is called that way.
new_database driver_declarations
library=$RUN/root$("$PG_CONFIG" --pkglibdir)/pg_migrations.so
symbols=$(nm -D --defined-only "$library" | sed -n 's/.* T \(migrations_.*\)/\1/p')
[ "$(wc -l <<<"$symbols")" -gt 30 ] || fail "few symbols: $symbols"

sql "
CREATE SCHEMA probe;
-- What a symbol says to a call that no function of the extension makes.
CREATE FUNCTION probe.compiled(symbol text) RETURNS SETOF text LANGUAGE plpgsql AS \$\$
DECLARE
    detail text;
BEGIN
    EXECUTE format('CREATE FUNCTION probe.%I(boolean) RETURNS oid LANGUAGE c AS ''\$libdir/pg_migrations'', %L', symbol, symbol);
    BEGIN
        EXECUTE format('SELECT probe.%I(true)', symbol);
    EXCEPTION
        WHEN invalid_function_definition THEN
            GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
            RETURN QUERY SELECT line FROM string_to_table(detail, E'\n') WITH ORDINALITY t(line, n) WHERE n > 1;
            RETURN;
    END;
    RETURN NEXT symbol || ' was called';
END \$\$;

CREATE FUNCTION probe.columns(of regtype) RETURNS text LANGUAGE sql AS \$\$
    SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
    FROM pg_attribute JOIN pg_type t ON t.typrelid = attrelid
    WHERE t.oid = of AND attnum > 0 AND NOT attisdropped
\$\$;

CREATE VIEW probe.catalog AS
SELECT p.oid, p.prosrc AS symbol, format('%s migrations.%s(%s)%s%s',
    CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, p.proname,
    (SELECT string_agg(
        CASE coalesce(p.proargmodes[n], 'i') WHEN 'i' THEN '' WHEN 'b' THEN 'INOUT ' ELSE p.proargmodes[n]::text || ' ' END
        || coalesce(p.proargnames[n], '') || ' ' || format_type(kind, NULL)
        -- Without the cast of the constant.
        || coalesce(' DEFAULT ' || regexp_replace(pg_get_function_arg_default(p.oid, n::int), '::[a-z]+(\[\])?\$', ''), ''),
        ', ' ORDER BY n)
     FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY a(kind, n)),
    CASE WHEN p.prokind = 'p' THEN ''
         WHEN p.proretset THEN format(' RETURNS SETOF %s(%s)', format_type(p.prorettype, NULL), probe.columns(p.prorettype))
         ELSE ' RETURNS ' || format_type(p.prorettype, NULL) END,
    CASE p.provolatile WHEN 's' THEN ' STABLE' WHEN 'i' THEN ' IMMUTABLE' ELSE '' END) AS line
FROM pg_proc p
WHERE p.pronamespace = 'migrations'::regnamespace" >/dev/null

# The trigger has no arguments, and reads nothing of a call that is not a trigger's.
compiled=$(sql "SELECT line FROM unnest('{$(grep -v '^migrations_guard$' <<<"$symbols" | paste -sd,)}'::text[]) s(symbol), probe.compiled(symbol) c(line) ORDER BY line COLLATE \"C\"")
catalog=$(sql "SELECT line FROM probe.catalog WHERE symbol <> 'migrations_guard' ORDER BY line COLLATE \"C\"")
diff <(echo "$catalog") <(echo "$compiled") || fail 'sql/functions.sql (<) and the library (>) declare different functions'
is 'the trigger' 'FUNCTION migrations.guard() RETURNS trigger' "$(sql "SELECT line FROM probe.catalog WHERE symbol = 'migrations_guard'")"
sql "CREATE FUNCTION probe.guard(int) RETURNS int LANGUAGE c AS '\$libdir/pg_migrations', 'migrations_guard'" >/dev/null
out=$(sql 'SELECT probe.guard(1)' 2>&1) && fail 'the trigger was called'
has 'no trigger' 'migrations.guard\(\) was not called as a trigger' "$out"

# Other declarations with arguments or results that are right in part.
refused() { # declaration call
    local out
    sql "CREATE $1" >/dev/null
    out=$("$BIN/psql" -X -q -A -t -v VERBOSITY=verbose -c "$2" 2>&1) || true
    has "$2" '^ERROR: +42P13: the declaration of migrations\.[a-z0-9_]+ is not that of pg_migrations' "$out"
}
c="LANGUAGE c AS '\$libdir/pg_migrations'"
refused "FUNCTION probe.version(text) RETURNS int $c, 'migrations_version'" "SELECT probe.version('p')"
refused "FUNCTION probe.version(text, text) RETURNS text $c, 'migrations_version'" "SELECT probe.version('p', 'p')"
refused "FUNCTION probe.version(int) RETURNS text $c, 'migrations_version'" 'SELECT probe.version(1)'
refused "FUNCTION probe.version() RETURNS SETOF text $c, 'migrations_version'" 'SELECT probe.version()'
refused "FUNCTION probe.status(text) RETURNS SETOF migrations.changed_record $c, 'migrations_status'" "SELECT * FROM probe.status('p')"
refused "FUNCTION probe.status2(text) RETURNS migrations.migration_status $c, 'migrations_status'" "SELECT * FROM probe.status2('p')"
refused "FUNCTION probe.each(text, text, text, int, uuid) RETURNS text $c, 'migrations_apply_each'" 'SELECT probe.each(NULL, NULL, NULL, NULL, NULL)'
refused "PROCEDURE probe.each2(text, text, text, INOUT uuid, INOUT int) $c, 'migrations_apply_each'" 'CALL probe.each2(NULL, NULL, NULL, NULL, NULL)'
refused "PROCEDURE probe.redo(version text, project text) $c, 'migrations_version_for_number'" "CALL probe.redo('1', 'p')"

is 'each has a comment' '' "$(sql "SELECT line FROM probe.catalog WHERE obj_description(oid, 'pg_proc') IS NULL")"
