# Documents that are to be complete: the reference has what the catalog has, the list of
# errors has every SQLSTATE of the source, the history all actions and columns, and the importers all
# conventions and options.
new_database driver_complete
docs=$ROOT/docs

# A line for each argument, result column, view column and setting. Calls that always fail have
# a list of their own.
sql "LOAD 'pg_migrations'; SET search_path = pg_catalog;
SELECT format('%s argument %s %s %s', p.proname, a.name, format_type(a.type, NULL),
    coalesce(regexp_replace(pg_get_function_arg_default(p.oid, a.n::int), '::[a-z]+(\[\])?', ''), 'required'))
FROM pg_proc p, unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargnames, p.proargmodes) WITH ORDINALITY AS a(type, name, mode, n)
WHERE p.pronamespace = 'migrations'::regnamespace AND p.prorettype <> 'trigger'::regtype AND coalesce(a.mode, 'i') = 'i'
    AND p.prosrc NOT IN ('migrations_version_for_number', 'migrations_ambiguous_version')
UNION ALL
SELECT format('%s returns %s', p.proname, CASE WHEN t.typrelid <> 0 AND p.prorettype <> 'record'::regtype
    THEN (SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = t.typrelid AND attnum > 0) || ' ' || t.typname::text
    WHEN p.prorettype = 'record'::regtype
    THEN (SELECT string_agg(a.name, ' ' ORDER BY a.n) FROM unnest(p.proargnames, p.proargmodes) WITH ORDINALITY AS a(name, mode, n) WHERE a.mode <> 'i')
    ELSE t.typname::text END)
FROM pg_proc p JOIN pg_type t ON t.oid = p.prorettype
WHERE p.pronamespace = 'migrations'::regnamespace AND p.prorettype <> 'trigger'::regtype
    AND p.prosrc NOT IN ('migrations_version_for_number', 'migrations_ambiguous_version')
UNION ALL
SELECT format('call that fails: %s(%s)', p.proname, (SELECT string_agg(a.name, ', ' ORDER BY a.n)
    FROM unnest(p.proargnames, p.proargmodes) WITH ORDINALITY AS a(name, mode, n) WHERE coalesce(a.mode, 'i') = 'i'))
FROM pg_proc p WHERE p.pronamespace = 'migrations'::regnamespace AND p.prosrc IN ('migrations_version_for_number', 'migrations_ambiguous_version')
UNION ALL
SELECT format('%s returns %s', viewname, (SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = ('migrations.' || quote_ident(viewname))::regclass AND attnum > 0))
FROM pg_views WHERE schemaname = 'migrations'
UNION ALL
SELECT format('%s column %s %s', c.relname, attname, replace(format_type(atttypid, NULL), 'timestamp with time zone', 'timestamptz'))
FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
WHERE relnamespace = 'migrations'::regnamespace AND relkind = 'c' AND attnum > 0
UNION ALL
SELECT format('setting %s %s', name, current_setting(name)) FROM pg_settings WHERE name LIKE 'migrations.%'" |
    LC_ALL=C sort >"$RUN/catalog"
awk -F ' *\\| *' '
    /^```/ {code = !code}
    code {next}
    /^## / {group = $0; next}
    /^### / {name = substr($0, 5); table = ""; next}
    /^\| argument \|/ {table = "argument"; next}
    /^\| column \|/ {table = "column"; next}
    /^\| call \|$/ {table = "call"; next}
    /^\|---/ || !/^\|/ && !/^Returns / && !/^Default /  {if (!/^\|/) table = ""; if (reading && !/^$/) text = text " " $0; else if (reading) result(); next}
    /^\|/ {gsub(/`/, "")}
    table == "argument" {print name, table, $2, $3, $4}
    table == "column" {print name, table, $2, $3}
    table == "call" {print "call that fails: " $2}
    group == "## Settings" && /^Default / {split($0, part, "`"); print "setting", name, part[2]}
    /^Returns / && group != "## Settings" {text = $0; reading = 1}
    # What is returned: a type; or names in quotes up to the colon, and the type of rows in a link.
    function result(   list, n, i, words) {
        reading = 0
        sub(/:.*/, "", text)
        sub(/^Returns /, "", text)
        if (text !~ /`/) {print name, "returns", text; return}
        list = ""
        n = split(text, words, "`")
        for (i = 2; i <= n; i += 2) list = list " " words[i]
        if (match(text, /\[[a-z_]+\]/)) list = list " " substr(text, RSTART + 1, RLENGTH - 2)
        print name, "returns" list
    }' "$docs/reference.md" | sed -E "s/ returns bigint$/ returns int8/" | LC_ALL=C sort >"$RUN/reference"
diff "$RUN/catalog" "$RUN/reference" || fail 'docs/reference.md (>) and the catalog (<) differ'

# The columns of the history in its document, and the actions, as the comment of the column has them.
is 'columns of the history' "$(sql "SELECT string_agg(attname || ' ' || format_type(atttypid, NULL), ',' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = 'migrations.history'::regclass AND attnum > 0" | sed 's/timestamp with time zone/timestamptz/')" \
    "$(awk -F ' *[|] *' '/^## / {on = ($0 == "## Columns")} on && /^\| `/ {gsub(/`/, ""); print $2, $3}' "$docs/history.md" | paste -sd,)"
is 'actions of the history' "$(sql "SELECT regexp_replace(col_description('migrations.event'::regclass, attnum), '^what was done: ', '')
    FROM pg_attribute WHERE attrelid = 'migrations.event'::regclass AND attname = 'action'" | sed 's/ or /, /' | tr -d ' ' | tr , '\n' | sort)" \
    "$(awk -F '`' '/^## / {on = ($0 == "## Actions")} on && /^\| `/ {print $2}' "$docs/history.md" | sort)"

# Conventions and their options, as the HINTs of errors list them.
hint() { { sql "SELECT migrations.add_file('1_x.sql', '', convention => '$1', options => '{\"none\": \"\"}')" 2>&1 || true; } | sed -n 's/^HINT: .*: \(.*\)\.$/\1/p' | sed 's/, /\n/g'; }
conventions=$(hint none)
is 'conventions' "$conventions" "$(sed -n '/^## /{s/^## //;p;}' "$docs/importers.md" | grep -v '^[A-Z]')"
for convention in $conventions; do
    is "options of $convention" "$(hint "$convention" | sort)" "$(awk -v wanted="## $convention" '
        /^## / {on = $0 == wanted || $0 == "## Options"; table = ""}
        /^\|/ {if (table == "") table = $2 == "option"}
        !/^\|/ {table = ""}
        on && table && /^\| `/ {split($0, part, "`"); print part[2]}' "$docs/importers.md" | sort)"
done

# SQLSTATEs: every one that the source names is in the list.
sed -n "s/^#define \(ERRCODE_[A-Z_0-9]*\)[ \t]*MAKE_SQLSTATE('\(.\)','\(.\)','\(.\)','\(.\)','\(.\)').*/\1 \2\3\4\5\6/p" \
    "$("$PG_CONFIG" --includedir-server)/utils/errcodes.h" | sort >"$RUN/errcodes"
[ "$(wc -l <"$RUN/errcodes")" -gt 200 ] || fail 'errcodes.h was not read'
{
    grep -rhoE 'ERRCODE_[A-Z_0-9]+' "$ROOT/src" | sort -u | join - "$RUN/errcodes" | cut -d ' ' -f 2
    grep -hoE "ERRCODE = '[a-z_]+'" "$ROOT"/sql/*.sql | sed "s/.*'\(.*\)'/ERRCODE_\1/" | tr '[:lower:]' '[:upper:]' |
        sort -u | join - "$RUN/errcodes" | cut -d ' ' -f 2
    grep -rhoE '"[0-9][0-9A-Z]{4}"' "$ROOT/src" | tr -d '"' | sort -u | grep -xFf <(cut -d ' ' -f 2 "$RUN/errcodes")
} | sort -u >"$RUN/raised"
awk -F '[|]' '/^## / {on = /^## (SQLSTATEs|Errors of the server)/} /^### / {on = 0} on && /^\|/ && $2 ~ /[0-9]/ {print $2}' "$docs/errors.md" |
    grep -oE '[0-9A-Z]{5}' | sort -u >"$RUN/listed"
is 'SQLSTATEs of the source that docs/errors.md lacks' '' "$(comm -23 "$RUN/raised" "$RUN/listed")"
[ "$(wc -l <"$RUN/raised")" -gt 20 ] || fail "the source names too few SQLSTATEs: $(paste -sd, "$RUN/raised")"
