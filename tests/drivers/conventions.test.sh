# Migration folders of other tools: each folder of tests/conventions is loaded on the server and
# from the client, applied, and rolled back if all its migrations have a down. The expected
# results are in files beside it: NAME.expected (the registry, and what was ignored) and
# NAME.schema (the catalog). NAME.options are the options that it needs.
# psql reports a script without statements in other words.
export PGOPTIONS="-c client_min_messages=error"
expected=$ROOT/tests/conventions
results=${CARGO_TARGET_DIR:-$ROOT/target}/results/conventions
mkdir -p "$results"
loader() { PATH=$BIN:$PATH sh "$ROOT/pg_migrations.sh" "$@"; }

registry() { # project
    sql "SELECT coalesce(version, '-'), m.name,
            CASE WHEN down IS NULL THEN 'no down' ELSE 'down' END,
            CASE WHEN verify IS NULL THEN '' ELSE 'verify' END,
            'requires {' || array_to_string(requires, ',') || '}',
            CASE transactional WHEN true THEN 'transactional' WHEN false THEN 'not transactional' ELSE '' END,
            nullif(moment, 'changed')
        FROM migrations.migration m JOIN migrations.project p ON p.id = project_id
        WHERE p.name = '$1' ORDER BY version_key"
}
texts() { # project
    sql "SELECT version_key, up_checksum, down_checksum, md5(verify)
        FROM migrations.migration m JOIN migrations.project p ON p.id = project_id
        WHERE p.name = '$1' ORDER BY version_key"
}

# Relations with their columns, functions, types and triggers that belong to no extension.
catalog() {
    sql "SELECT x FROM (
            SELECT c.oid, 'pg_class'::regclass AS class, c.relkind::text || ' ' || c.relname || coalesce(
                '(' || (SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
                    FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND relkind <> 'i') || ')', '') AS x
            FROM pg_class c WHERE relnamespace::regnamespace::text !~ '^(pg_|information_schema|migrations)' AND relkind NOT IN ('t', 'S')
        UNION ALL
            SELECT oid, 'pg_proc'::regclass, 'function ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL
            SELECT oid, 'pg_type'::regclass, 'type ' || typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
        UNION ALL
            SELECT oid, 'pg_trigger'::regclass, 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text !~ '^migrations'
        UNION ALL
            SELECT oid, 'pg_constraint'::regclass, 'constraint ' || conname FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
        ) AS made
        WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = class AND d.objid = made.oid AND d.deptype = 'e')
        ORDER BY x COLLATE \"C\""
}

for folder in "$expected"/*/; do
    name=$(basename "$folder")
    # A name with a point is a variant of the tool's files.
    tool=${name%%.*}
    # The server's user may have no access to the folder of the sources.
    copy=$RUN/conventions/$name
    mkdir -p "$RUN/conventions"
    cp -R "$folder" "$copy"
    options='{}'
    [ ! -f "$expected/$name.options" ] || options=$(cat "$expected/$name.options")

    new_database "conventions_${name//[-.]/_}"
    rows=$(sql "SELECT file || ' ' || result FROM migrations.load('$copy', options => '$options')" 2>&1) || fail "$tool: $rows"
    { registry default; grep ' ignored: ' <<<"$rows" || true; } >"$results/$name.expected"
    diff "$expected/$name.expected" "$results/$name.expected" >&2 || fail "$tool: the registry isn't as expected; it is in $results/$name.expected"
    sql "SELECT FROM migrations.load('$copy', 'named', convention => '$tool', options => '$options')"
    is "$tool: the convention is detected" "$(texts default)" "$(texts named)"
    is "$tool: again" unchanged "$(sql "SELECT DISTINCT result FROM migrations.load('$copy', options => '$options') WHERE version IS NOT NULL")"

    if [ "$(sql 'SELECT bool_and(transactional) FROM migrations.plan()')" = t ]; then
        out=$(sql 'SELECT count(*) FROM migrations.apply()' 2>&1) || fail "$tool: $out"
    else
        out=$(sql 'CALL migrations.apply_each()' 2>&1) || fail "$tool: $out"
    fi
    catalog >"$results/$name.schema"
    diff "$expected/$name.schema" "$results/$name.schema" >&2 || fail "$tool: the schema isn't as expected; it is in $results/$name.schema"
    is "$tool: all is applied" applied "$(sql 'SELECT DISTINCT state FROM migrations.status()')"
    if [ "$(sql "SELECT bool_and(has_down) FROM migrations.status()")" = t ]; then
        out=$(sql "CALL migrations.rollback_each($(sql 'SELECT count(*) FROM migrations.status()'))" 2>&1) || fail "$tool: $out"
        is "$tool: all is rolled back" '' "$(catalog)"
        out=$(sql 'CALL migrations.apply_each()' 2>&1) || fail "$tool, again: $out"
        diff "$expected/$name.schema" <(catalog) >&2 || fail "$tool: the schema isn't the same again"
    fi
    before=$(registry default; texts default)

    new_database "conventions_client_${name//[-.]/_}"
    given=$(loader load "$folder" -o "$options" 2>&1) || fail "$tool: $given"
    has "$tool: totals" '^[0-9]+ added, 0 unchanged' "$(tail -n 1 <<<"$given")"
    given=$(sed '$d' <<<"$given")
    is "$tool: the same from the client" "$rows" "$given"
    is "$tool: the same registry from the client" "$before" "$(registry default; texts default)"
done
