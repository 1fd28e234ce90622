# ALTER EXTENSION pg_migrations UPDATE. There is no former version yet, so one is made up
# here (0.0.9: the present SQL without two functions and a column, and with another
# comment), with a script that leads from it to the present one, and a later one
# (99.0.0). A comparison of both installations shows all that a script may forget.
extensions=$("$BIN/pg_config" --sharedir)/extension
version=$(sed -n "s/^default_version = '\(.*\)'$/\1/p" "$extensions/pg_migrations.control")
present=$extensions/pg_migrations--$version.sql
trap 'rm -f "$extensions"/pg_migrations--{0.0.9,*--98.0.0,*--99.0.0,0.0.9--*}.sql' EXIT
source "$ROOT/tests/drivers/full_database.sh"

part() { # function: its declaration and comment, from the present SQL
    sed -n "/^CREATE FUNCTION migrations\.$1(/,/;\$/p; /^COMMENT ON FUNCTION migrations\.$1(/p" "$present"
}
at_least 'lines of version()' 3 "$(part version | wc -l)"
{
    sed "/^CREATE FUNCTION migrations\.\(next_\)\?version(/,/;\$/d; /^COMMENT ON FUNCTION migrations\.\(next_\)\?version(/d
        s/^\(    secrets text.*\),$/\1/; /^    created_at timestamptz/d; /^COMMENT ON COLUMN migrations\.project\.created_at /d
        s/^COMMENT ON TABLE migrations\.project IS .*/COMMENT ON TABLE migrations.project IS 'as it was';/" "$present"
} >"$extensions/pg_migrations--0.0.9.sql"
at_least 'lines that were removed' 11 "$(diff "$present" "$extensions/pg_migrations--0.0.9.sql" | grep -c '^[<>]')"
{
    # Waits for calls that are under way, and keeps later ones waiting.
    echo 'LOCK TABLE migrations.project IN ACCESS EXCLUSIVE MODE;'
    echo 'ALTER TABLE migrations.project ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();'
    echo "SET LOCAL session_replication_role = replica; UPDATE migrations.project SET settings = settings || '{\"lock_timeout\": \"4s\"}' WHERE name = 'billing';"
    grep '^COMMENT ON COLUMN migrations\.project\.created_at ' "$present" || true
    grep '^COMMENT ON TABLE migrations\.project ' "$present"
    part next_version
    part version
    # Of these two alone: rights that users have given must not become the extension's own.
    echo 'REVOKE ALL ON FUNCTION migrations.version(text), migrations.next_version(text, int) FROM PUBLIC;'
} >"$extensions/pg_migrations--0.0.9--$version.sql"

new_database upgrade_fresh
export PGDATABASE=upgrade_old
sql_in postgres 'CREATE DATABASE upgrade_old'
sql "CREATE EXTENSION pg_migrations VERSION '0.0.9'"
shape() { "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -d "$1" -f "$ROOT/tests/drivers/installed_objects.sql"; }
shape upgrade_fresh >"$RUN/fresh.shape"
for kind in extension config member relation column constraint index sequence view rule trigger function type right 'initial right' comment; do
    grep -q "^$kind|" "$RUN/fresh.shape" || fail "no $kind is seen"
done

# The library is newer than what is installed: every call says so, whatever its arguments.
calls() { # sqlstate that each call is to give
    sql "DO \$\$
    DECLARE call text; state text; hint text; n int := 0;
    BEGIN
        FOR call IN
            SELECT format(CASE prokind WHEN 'p' THEN 'CALL %s(%s)' ELSE 'SELECT * FROM %s(%s)' END, oid::regproc,
                (SELECT string_agg('NULL::' || t::regtype, ', ' ORDER BY o) FROM unnest(coalesce(proallargtypes, proargtypes::oid[])) WITH ORDINALITY u(t, o)
                 WHERE proargmodes IS NULL OR proargmodes[o] IN ('i', 'b')))
            FROM pg_proc WHERE pronamespace = 'migrations'::regnamespace AND prorettype <> 'trigger'::regtype
        LOOP
            n := n + 1;
            BEGIN
                EXECUTE call;
                RAISE WARNING 'succeeded: %', call;
            EXCEPTION WHEN OTHERS THEN
                GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, hint = PG_EXCEPTION_HINT;
                IF state <> '55000' OR hint NOT LIKE '%ALTER EXTENSION pg_migrations UPDATE;%' THEN
                    RAISE WARNING '% %: %', call, state, SQLERRM;
                END IF;
            END;
        END LOOP;
        IF n < 30 THEN RAISE WARNING 'only % calls', n; END IF;
    END \$\$" 2>&1
}
is 'each call on an older version' '' "$(calls)"
has 'that would notice a call that runs' 'succeeded|migrations' "$(PGDATABASE=upgrade_fresh calls)"
has 'which versions' 'the library of pg_migrations is version .*, the extension in this database is 0.0.9' "$(sql 'SELECT migrations.status()' 2>&1 || true)"

# What is in it stays: all that there can be, and the rights that the README gives. It was
# made with the present version, and put into the former one's tables.
make_full_database upgrade_full
export PGDATABASE=upgrade_old
sql_in postgres 'DROP DATABASE upgrade_old'
sql_in postgres 'CREATE DATABASE upgrade_old TEMPLATE upgrade_full'
sql "DROP EXTENSION pg_migrations; CREATE EXTENSION pg_migrations VERSION '0.0.9';
    GRANT USAGE ON SCHEMA migrations TO full_deployer;
    GRANT EXECUTE ON ALL ROUTINES IN SCHEMA migrations TO full_deployer;
    GRANT SELECT ON migrations.history, migrations.backups TO full_deployer"
sql "SELECT relname, (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)
    FROM pg_class c WHERE relnamespace = 'migrations'::regnamespace AND relkind = 'r'" | while IFS='|' read -r table columns; do
    sql_in upgrade_full "COPY (SELECT $columns FROM migrations.$table) TO STDOUT" | sql "COPY migrations.$table ($columns) FROM STDIN"
done
sql_in upgrade_full "SELECT format('SELECT setval(''migrations.%I'', %s);', sequencename, last_value) FROM pg_sequences WHERE schemaname = 'migrations' AND last_value IS NOT NULL" |
    "$BIN/psql" -X -q -v ON_ERROR_STOP=1 >"$RUN/upgrade.sequences"
# But for the column, which is new, and for the right to what is new, which nobody has.
record() { # database
    picture "$1" | grep -v '^project|\|^function migrations'
    sql_in "$1" 'SELECT id, name, complete_seq, complete_time, search_path, out_of_order, placeholders, variables FROM migrations.project ORDER BY id'
}
record upgrade_full | grep -v '^\(schema\|table\|view\) .*full_deployer' >"$RUN/old.record"
at_least 'lines of the record' 61 "$(wc -l <"$RUN/old.record")"
same_record() { # what database
    is "$1" '' "$(diff "$RUN/old.record" <(record "$2" | grep -v '^\(schema\|table\|view\) .*full_deployer') || true)"
    is "$1: what the script has changed" '4s' "$(sql_in "$2" "SELECT settings ->> 'lock_timeout' FROM migrations.project WHERE name = 'billing'")"
}
rights="SELECT count(*) FILTER (WHERE has_function_privilege('full_deployer', oid, 'EXECUTE')) || ' of ' || count(*) FROM pg_proc WHERE pronamespace = 'migrations'::regnamespace"
granted=$(sql "$rights")
has 'all of its rights' '^([0-9]+) of \1$' "$granted"
"$BIN/pg_dump" -Fc upgrade_old -f "$RUN/old.dump"

# A session that was open keeps working.
sql_in postgres 'CREATE DATABASE upgrade_open TEMPLATE upgrade_old'
out=$(PGDATABASE=upgrade_open "$BIN/psql" -X -q -A -t 2>&1 <<SQL
SELECT count(*) FROM migrations.status();
\\! $BIN/psql -X -q -c 'ALTER EXTENSION pg_migrations UPDATE'
SELECT count(*) FROM migrations.status();
SELECT migrations.version();
SQL
)
has 'before' 'ERROR: .*is 0.0.9' "$out"
is 'after, in the same session' '6 003' "$(tail -2 <<<"$out" | tr '\n' ' ' | sed 's/ $//')"
same_record 'updated' upgrade_open
is 'its rights stay' "${granted% of *} of $((${granted% of *} + 2))" "$(sql_in upgrade_open "$rights")"
has 'for pg_dump, too' 'GRANT ALL ON FUNCTION migrations.status\(project text\) TO full_deployer' "$("$BIN/pg_dump" -s upgrade_open)"

# A script that revokes from PUBLIC on all there is would have lost them in a dump.
sql_in postgres 'CREATE DATABASE upgrade_revoked TEMPLATE upgrade_open'
echo 'REVOKE ALL ON ALL ROUTINES IN SCHEMA migrations FROM PUBLIC;' >"$extensions/pg_migrations--$version--98.0.0.sql"
sql_in upgrade_revoked "ALTER EXTENSION pg_migrations UPDATE TO '98.0.0'"
lacks 'the reason for that rule' 'TO full_deployer.*status|status.*TO full_deployer' "$("$BIN/pg_dump" -s upgrade_revoked)"

# Fresh and updated are the same.
sql_in postgres 'CREATE DATABASE upgrade_updated'
sql_in upgrade_updated "CREATE EXTENSION pg_migrations VERSION '0.0.9'; ALTER EXTENSION pg_migrations UPDATE"
is 'shapes' '' "$(diff "$RUN/fresh.shape" <(shape upgrade_updated) || true)"
sql 'REVOKE ALL ON SCHEMA migrations FROM full_deployer; REVOKE ALL ON ALL ROUTINES IN SCHEMA migrations FROM full_deployer;
    REVOKE ALL ON migrations.history, migrations.backups FROM full_deployer'
sql 'ALTER EXTENSION pg_migrations UPDATE'
is 'shapes, after rights were given and taken' '' "$(diff "$RUN/fresh.shape" <(shape upgrade_old) || true)"
# And the comparison sees what a script may forget.
while IFS='|' read -r kind planted; do
    sql_in postgres 'CREATE DATABASE upgrade_planted TEMPLATE upgrade_fresh'
    sql_in upgrade_planted "$planted" >/dev/null
    grep -q "^[<>] $kind|" < <(diff "$RUN/fresh.shape" <(shape upgrade_planted)) || fail "not seen as $kind: $planted"
    sql_in postgres 'DROP DATABASE upgrade_planted'
done <<'PLANTED'
member|ALTER EXTENSION pg_migrations DROP FUNCTION migrations.keep(regclass)
member|CREATE TABLE migrations.more (); ALTER EXTENSION pg_migrations ADD TABLE migrations.more
extension|UPDATE pg_extension SET extrelocatable = true WHERE extname = 'pg_migrations'
config|UPDATE pg_extension SET extcondition[1] = 'WHERE id > 1' WHERE extname = 'pg_migrations'
config|UPDATE pg_extension SET extconfig = extconfig[2:], extcondition = extcondition[2:] WHERE extname = 'pg_migrations'
relation|ALTER TABLE migrations.event ENABLE ROW LEVEL SECURITY
relation|ALTER TABLE migrations.event SET (fillfactor = 50)
relation|ALTER TABLE migrations.event FORCE ROW LEVEL SECURITY
relation|ALTER TABLE migrations.migration SET (toast.autovacuum_enabled = off)
index|ALTER TABLE migrations.event CLUSTER ON event_pkey
column|ALTER TABLE migrations.event ALTER COLUMN name SET STATISTICS 1
column|ALTER TABLE migrations.event ADD COLUMN more int
column|ALTER TABLE migrations.journal ALTER COLUMN statement_no TYPE bigint
column|ALTER TABLE migrations.event ALTER COLUMN times SET DEFAULT 2
column|ALTER TABLE migrations.journal ALTER COLUMN command DROP NOT NULL
column|ALTER TABLE migrations.migration ALTER COLUMN up SET STORAGE EXTENDED
constraint|ALTER TABLE migrations.project ADD CHECK (id > 0)
constraint|ALTER TABLE migrations.project DROP CONSTRAINT project_placeholders_check
index|CREATE INDEX ON migrations.event (name)
sequence|ALTER SEQUENCE migrations.event_id_seq CACHE 5
sequence|ALTER SEQUENCE migrations.event_id_seq OWNED BY NONE
view|CREATE OR REPLACE VIEW migrations.history AS SELECT e.id, p.name AS project, e.seq, e.run_id, e.version, e.name, e.action, e.outcome, e.started_at, e.duration, e.session_role, e.effective_role, e.application_name, e.client_addr, encode(e.digest, 'hex') AS digest, e.sqlstate, e.message, e.statement_no, e.line_no, e.reason, encode(e.former_digest, 'hex') AS former_digest, e.times FROM migrations.event e LEFT JOIN migrations.project p ON p.id = e.project_id
rule|CREATE RULE more AS ON DELETE TO migrations.event DO INSTEAD NOTHING
trigger|DROP TRIGGER guard_rows ON migrations.event
trigger|ALTER TABLE migrations.event DISABLE TRIGGER guard_rows
function|ALTER FUNCTION migrations.status(text) STRICT
function|CREATE OR REPLACE FUNCTION migrations.version(project text DEFAULT 'x') RETURNS text LANGUAGE c AS '$libdir/pg_migrations', 'migrations_version'
function|CREATE OR REPLACE FUNCTION migrations.version(project text DEFAULT NULL) RETURNS text LANGUAGE sql AS 'SELECT 1::text'
function|CREATE FUNCTION migrations.version(project text, more int) RETURNS text LANGUAGE sql AS 'SELECT 1::text'
type|CREATE TYPE migrations.more AS ENUM ()
right|GRANT EXECUTE ON FUNCTION migrations.status(text) TO PUBLIC
right|GRANT SELECT ON migrations.event TO pg_monitor
right|REVOKE USAGE ON TYPE migrations.planned_step FROM PUBLIC
initial right|DELETE FROM pg_init_privs WHERE objoid = 'migrations.keep(regclass)'::regprocedure
comment|COMMENT ON COLUMN migrations.event.times IS 'other'
comment|COMMENT ON FUNCTION migrations.keep(regclass) IS NULL
PLANTED

# A dump of the older version is restored as the present one, and works; so does what was
# updated.
sql_in postgres 'CREATE DATABASE upgrade_restored'
"$BIN/pg_restore" --exit-on-error -1 -d upgrade_restored "$RUN/old.dump"
is 'restored' "$version" "$(sql_in upgrade_restored "SELECT extversion FROM pg_extension WHERE extname = 'pg_migrations'")"
sql_in upgrade_restored "UPDATE pg_settings SET setting = 'replica' WHERE name = 'session_replication_role'; UPDATE migrations.project SET settings = '{\"lock_timeout\": \"4s\"}' WHERE name = 'billing'" >/dev/null
same_record 'restored' upgrade_restored
is 'and its rights' "${granted% of *} of $((${granted% of *} + 2))" "$(sql_in upgrade_restored "$rights")"
for database in upgrade_restored upgrade_updated_full; do
    [ "$database" = upgrade_restored ] || sql_in postgres "CREATE DATABASE $database TEMPLATE upgrade_open"
    # What is new is for its owner alone.
    sql_in "$database" 'GRANT EXECUTE ON FUNCTION migrations.version(text) TO full_deployer; REVOKE EXECUTE ON FUNCTION migrations.add FROM full_deployer'
    goes_on "$database"
done

# What is installed is newer than the library, as in a session that was open while the
# server's files were replaced. (99.0.0 has a table that the library doesn't know, and lacks one that it does.)
later=99.0.0
echo 'LOCK TABLE migrations.project IN ACCESS EXCLUSIVE MODE; CREATE TABLE migrations.more (); ALTER TABLE migrations.journal RENAME TO journal_of_later;' \
    >"$extensions/pg_migrations--$version--$later.sql"
export PGDATABASE=upgrade_open
out=$("$BIN/psql" -X -q -A -t 2>&1 <<SQL
SELECT migrations.version();
ALTER EXTENSION pg_migrations UPDATE TO '$later';
SELECT migrations.version();
SQL
)
has 'it worked' '^003$' "$out"
has 'a table is missing, and it still says why' "ERROR: .*the extension in this database is $later" "$out"
has 'what to do' 'HINT: .*ALTER EXTENSION pg_migrations UPDATE;' "$out"
is 'each call on a newer version' '' "$(calls)"

# An update waits for the migration that runs, and the stepwise run ends after it.
new_database upgrade_stepwise
sql "SELECT migrations.add('1', 'waits', 'CREATE TABLE one (); SELECT pg_advisory_xact_lock(4712)');
     SELECT migrations.add('2', 'next', 'CREATE TABLE two ()')" >/dev/null
sql 'SELECT pg_advisory_lock(4712); SELECT pg_sleep(60)' >/dev/null 2>&1 &
waiting() { # locktype granted objid
    wait_for "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE datname = current_database() AND $1)"
}
waiting "locktype = 'advisory' AND granted AND objid = 4712"
"$BIN/psql" -X -q -A -t -c 'CALL migrations.apply_each()' >"$RUN/upgrade.run" 2>&1 &
runner=$!
waiting "locktype = 'advisory' AND NOT granted AND objid = 4712"
sql "ALTER EXTENSION pg_migrations UPDATE TO '$later'" &
update=$!
waiting "locktype = 'relation' AND NOT granted AND mode = 'AccessExclusiveLock'"
sql "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(60)'" >/dev/null
wait $update || fail 'the update'
wait $runner && fail 'the run went on over an update'
has 'the first one is finished' 'applied 1' "$(cat "$RUN/upgrade.run")"
has 'the second was not begun' "ERROR: .*the extension in this database is $later" "$(cat "$RUN/upgrade.run")"
is 'what is there' '1 one ' "$(sql "SELECT (SELECT string_agg(version, ',') FROM migrations.applied), to_regclass('one'), to_regclass('two')" | tr '|' ' ')"

# A migration that updates the extension is refused, openly or in disguise.
new_database upgrade_inside
sql "SELECT migrations.add('1', 'open', 'ALTER EXTENSION pg_migrations UPDATE', project => 'open');
     SELECT migrations.add('1', 'hidden', 'DO \$b\$BEGIN EXECUTE ''ALTER EXTENSION pg_migrations UPDATE TO ''''$later''''''; END\$b\$')" >/dev/null
has 'open' 'ERROR: .*ALTER EXTENSION' "$(sql "SELECT FROM migrations.apply(project => 'open')" 2>&1 || true)"
has 'hidden' "DETAIL: .*was updated to version $later" "$(sql 'SELECT FROM migrations.apply()' 2>&1 || true)"
is 'not updated' "$version" "$(sql "SELECT extversion FROM pg_extension WHERE extname = 'pg_migrations'")"

# Old SQL stays loadable: the library has each C symbol that a released version names. The
# list is empty as long as nothing is released, so one that isn't there is planted.
library=$("$BIN/pg_config" --pkglibdir)/pg_migrations.so
missing() { # list
    local symbol
    while read -r symbol; do
        case $symbol in '' | '#'*) continue ;; esac
        nm -D --defined-only "$library" | grep -q " T $symbol\$" || echo "$symbol"
    done <"$1"
}
is 'released symbols' '' "$(missing "$ROOT/sql/released-symbols")"
{ sed -n "s/.*AS 'MODULE_PATHNAME', '\(.*\)'.*/\1/p" "$present"; echo migrations_gone; } >"$RUN/symbols"
at_least 'symbols that were found' 31 "$(wc -l <"$RUN/symbols")"
is 'planted' migrations_gone "$(missing "$RUN/symbols")"

# Released SQL doesn't change: scripts that a tag has are the same now, and so is all SQL
# while the version is still the tag's. There are no tags yet, so a repository with one is
# made, in which it is seen.
changed() { # repository
    local tag file
    tag=v$(sed -n 's/^version = "\(.*\)"/\1/p' "$1/Cargo.toml" | head -n 1)
    if [ -n "$(git -C "$1" tag -l "$tag")" ]; then
        git -C "$1" diff --name-only --diff-filter=MD "$tag" -- sql | sed "s/^/$tag is the version still: /"
    fi
    git -C "$1" tag | while read -r tag; do
        git -C "$1" ls-tree -r --name-only "$tag" sql | grep -E '^sql/pg_migrations--.*\.sql$|^sql/released-symbols$' | while read -r file; do
            case $file in
            *released-symbols) git -C "$1" show "$tag:$file" | grep -v '^#' | grep -vxFf "$1/$file" | sed "s/^/$tag: lost /" || true ;;
            *) git -C "$1" show "$tag:$file" | cmp -s - "$1/$file" || echo "$tag: $file" ;;
            esac
        done
    done
}
if command -v git >/dev/null && git -C "$ROOT" rev-parse --git-dir >/dev/null 2>&1; then
    is 'released SQL' '' "$(changed "$ROOT")"
    if [ -z "$(git -C "$ROOT" tag)" ]; then
        skip 'no tags: whether released SQL has changed (in a repository made for it alone)'
    elif ! grep -q '^[^#]' "$ROOT/sql/released-symbols"; then
        fail 'there is a released version, and sql/released-symbols is empty'
    fi
else
    skip 'no git: whether released SQL has changed'
fi
if command -v git >/dev/null; then
    rm -rf "$RUN/released"
    git init -q "$RUN/released"
    mkdir "$RUN/released/sql"
    echo 'SELECT 1;' >"$RUN/released/sql/pg_migrations--0.0.9--0.1.0.sql"
    echo 'SELECT 1;' >"$RUN/released/sql/tables.sql"
    echo 'version = "0.1.0"' >"$RUN/released/Cargo.toml"
    printf '# a list\nmigrations_a\nmigrations_b\n' >"$RUN/released/sql/released-symbols"
    git -C "$RUN/released" add .
    git -C "$RUN/released" -c user.name=t -c user.email=t@localhost commit -qm release
    git -C "$RUN/released" tag v0.1.0
    is 'unchanged' '' "$(changed "$RUN/released")"
    echo 'SELECT 2;' >"$RUN/released/sql/pg_migrations--0.1.0--0.2.0.sql"
    echo migrations_c >>"$RUN/released/sql/released-symbols"
    sed -i 's/0.1.0/0.2.0/' "$RUN/released/Cargo.toml"
    echo 'SELECT 2;' >"$RUN/released/sql/tables.sql"
    is 'more is no change' '' "$(changed "$RUN/released")"
    sed -i 's/0.2.0/0.1.0/' "$RUN/released/Cargo.toml"
    has 'without another version it is' 'v0.1.0 is the version still: sql/tables.sql' "$(changed "$RUN/released")"
    sed -i 's/0.1.0/0.2.0/' "$RUN/released/Cargo.toml"
    echo 'SELECT 3;' >"$RUN/released/sql/pg_migrations--0.0.9--0.1.0.sql"
    sed -i /migrations_a/d "$RUN/released/sql/released-symbols"
    is 'changes are seen' 'v0.1.0: sql/pg_migrations--0.0.9--0.1.0.sql,v0.1.0: lost migrations_a' "$(changed "$RUN/released" | paste -sd,)"
fi
