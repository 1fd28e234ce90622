# The sample application: what its guide lists is in the catalog, each down reverses its
# up, and the schema does what the application relies on. Then what its team did with
# golang-migrate: version, force, create, a database that the tool has migrated.
new_database driver_maicivy
for file in "$ROOT"/migrations/*.sql; do
    content=$(cat "$file")
    "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -v path="$file" -v content="$content" \
        <<<"SELECT migrations.add_file(:'path', :'content')" >/dev/null
done
schema() { dump_schema -n public; }
quiet() { PGOPTIONS='-c client_min_messages=warning' sql "$1"; }
refused() { # what pattern query; the pattern begins with the SQLSTATE
    local out
    out=$(error_of "$BIN/psql" -X -q -v VERBOSITY=verbose -v ON_ERROR_STOP=1 -c "$3")
    has "$1" "ERROR:  $2" "$out"
}
states() { sql "SELECT string_agg(count || ' ' || state, ', ' ORDER BY state) FROM (SELECT state, count(*) FROM migrations.status() GROUP BY state) s"; }
up() { sql "SELECT version FROM migrations.apply(${1:-})" >/dev/null 2>&1 || fail "apply(${1:-})"; }
down() { sql "SELECT version FROM migrations.rollback($1)" >/dev/null 2>&1 || fail "rollback($1)"; }

is 'no version yet' '' "$(sql 'SELECT migrations.version()')"

# one by one, up and down and up again
schema >"$RUN/maicivy.0"
for n in 1 2 3 4 5 6; do
    up "'$n'"
    is 'version' "00000$n" "$(sql 'SELECT migrations.version()')"
    schema >"$RUN/maicivy.$n"
    ! cmp -s "$RUN/maicivy.$n" "$RUN/maicivy.$((n - 1))" || fail "$n changes nothing"
    down 1
    schema | diff "$RUN/maicivy.$((n - 1))" - || fail "the down of $n leaves something"
    up "'$n'"
done
down 6
schema | diff "$RUN/maicivy.0" - || fail 'all downs leave something'
is 'the setting of the database is gone' '' "$(sql "SELECT setconfig FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase WHERE datname = current_database()")"
up
schema | diff "$RUN/maicivy.6" - || fail 'all at once is another schema than one by one'
is 'nothing to do' '' "$(sql 'SELECT version FROM migrations.apply()' 2>/dev/null)"

# up, down and up again, tried before it is committed
is 'tried: up' 6 "$(quiet "SELECT count(*) FROM migrations.reset('default', confirm => 'default')")"
is 'up, down, up' '6|6|6|000006' "$("$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 2>/dev/null <<'SQL' | paste -sd '|'
BEGIN;
SELECT count(*) FROM migrations.apply();
SELECT count(*) FROM migrations.rollback(6);
SELECT count(*) FROM migrations.apply();
SELECT migrations.version();
ROLLBACK;
SQL
)"
schema | diff "$RUN/maicivy.0" - || fail 'what was tried stays'
is 'and is not on record' '6 pending' "$(states)"
up

# meanwhile, in other databases
elsewhere() {
    # a transaction for each
    new_database driver_maicivy_each
    load_folder "$ROOT/migrations"
    is 'up' 6 "$(quiet 'CALL migrations.apply_each()' | cut -d'|' -f1)"
    schema | diff "$RUN/maicivy.6" - || fail "apply_each: another schema than apply's"
    is 'down' 6 "$(quiet 'CALL migrations.rollback_each(6)' | cut -d'|' -f1)"
    schema | diff "$RUN/maicivy.0" - || fail 'rollback_each leaves something'
    is 'up again' 6 "$(quiet 'CALL migrations.apply_each()' | cut -d'|' -f1)"
    schema | diff "$RUN/maicivy.6" - || fail 'apply_each, the second time: another schema'

    # the next pair, which fails since one of its columns is there already
    cp -R "$ROOT/migrations" "$RUN/maicivy"
    pair=$(sh "$ROOT/pg_migrations.sh" new "$RUN/maicivy" github_figures)
    is 'the next pair' "$RUN/maicivy/000007_github_figures.up.sql $RUN/maicivy/000007_github_figures.down.sql" "${pair//$'\n'/ }"
    echo 'ALTER TABLE projects ADD COLUMN github_watchers int NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN github_stars int NOT NULL DEFAULT 0;' >"${pair%%$'\n'*}"
    echo 'ALTER TABLE projects DROP COLUMN github_watchers;' >"${pair#*$'\n'}"
    load_folder "$RUN/maicivy"
    refused 'it fails' '42701: column "github_stars" of relation "projects" already exists' 'CALL migrations.apply_each()'
    is 'on record' '6 applied, 1 failed' "$(states)"
    is 'where' 'column "github_stars" of relation "projects" already exists (42701), statement 2, line 2' "$(sql "SELECT message FROM migrations.status() WHERE state = 'failed'")"
    is 'nothing of it is there' '000006' "$(sql 'SELECT migrations.version()')"
    schema | diff "$RUN/maicivy.6" - || fail 'the failed one leaves something'

    # force, as the tool has it, when the rest is done by hand; forced back, and mended instead
    sql 'ALTER TABLE projects ADD COLUMN github_watchers int NOT NULL DEFAULT 0'
    is 'force 7' '000007|mark_applied' "$(sql "SELECT version, action FROM migrations.force('7', reason => 'done by hand')")"
    is 'version' '000007|7 applied' "$(sql 'SELECT migrations.version()')|$(states)"
    is 'nothing to do' '' "$(quiet 'SELECT version FROM migrations.apply()')"
    sql 'ALTER TABLE projects DROP COLUMN github_watchers'
    is 'force 6' '000007|mark_pending' "$(sql "SELECT version, action FROM migrations.force('6')")"
    is 'version' '000006|6 applied, 1 pending' "$(sql 'SELECT migrations.version()')|$(states)"
    is 'both are in the history' '000007 mark_applied done by hand, 000007 mark_pending -' "$(sql "SELECT string_agg(concat_ws(' ', version, action, coalesce(reason, '-')), ', ' ORDER BY id) FROM migrations.history WHERE action LIKE 'mark%'")"
    sed -i /stars/d "${pair%%$'\n'*}"
    out=$(error_of load_folder "$RUN/maicivy")
    has 'another text has to be asked for' 'migration 000007 of project "default" is already registered with another content' "$out"
    (cd "$RUN" && PATH=$BIN:$PATH sh "$ROOT/pg_migrations.sh" load maicivy -r >/dev/null)
    is 'it goes on' 1 "$(quiet 'CALL migrations.apply_each()' | cut -d'|' -f1)"
    is 'version' 000007 "$(sql 'SELECT migrations.version()')"
    is 'and back' 1 "$(quiet 'CALL migrations.rollback_each(1)' | cut -d'|' -f1)"
    schema | diff "$RUN/maicivy.6" - || fail 'the down of 7 leaves something'

    # a database that golang-migrate has migrated, up to 4, and then left dirty
    new_database driver_maicivy_adopted
    cat "$ROOT"/migrations/00000[1-4]_*.up.sql | "$BIN/psql" -X -q -v ON_ERROR_STOP=1
    sql 'CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL); INSERT INTO schema_migrations VALUES (4, false)'
    refused 'adopted before there are files' '55000: golang-migrate is at version 4, which is not registered' "SELECT * FROM migrations.adopt('golang-migrate')"
    load_folder "$ROOT/migrations"
    sql 'UPDATE schema_migrations SET dirty = true'
    refused 'dirty' '55000: golang-migrate has left migration 4 half done \(dirty\)' "SELECT * FROM migrations.adopt('golang-migrate')"
    is 'nothing is on record' '6 pending' "$(states)"
    sql 'UPDATE schema_migrations SET dirty = false'
    is 'adopted' '000001 000002 000003 000004' "$(sql "SELECT string_agg(version, ' ') FROM migrations.adopt('golang-migrate', reason => 'moved') WHERE action = 'baseline'")"
    is 'version' 000004 "$(sql 'SELECT migrations.version()')"
    is 'adopted again' '' "$(quiet "SELECT version FROM migrations.adopt('golang-migrate')")"
    is 'the rest' '000005 000006' "$(quiet "SELECT string_agg(version, ' ' ORDER BY step) FROM migrations.apply()")"
    sql 'DROP TABLE schema_migrations'
    schema | diff "$RUN/maicivy.6" - || fail 'another schema than without the tool'
    # What was there before is a baseline: it stays, unless it is said to be ordinary.
    is 'what it has made stays' 2 "$(quiet "SELECT count(*) FROM migrations.reset('default', confirm => 'default')")"
    quiet "SELECT migrations.mark_pending(version) FROM migrations.status() WHERE state = 'applied'" >/dev/null
    is 'its migrations have their downs' 4 "$(quiet "SELECT FROM migrations.force('4')" >/dev/null; quiet "SELECT count(*) FROM migrations.reset('default', confirm => 'default')")"
    schema | diff "$RUN/maicivy.0" - || fail 'the downs leave something'

    # who may do what: nothing at first, then look, then all that the README grants
    sql 'CREATE ROLE maicivy_reader; CREATE ROLE maicivy_deployer; GRANT CREATE ON SCHEMA public TO maicivy_deployer'
    as() { quiet "SET ROLE maicivy_$1; $2"; } # role query
    refused 'nothing' '42501: permission denied for schema migrations' 'SET ROLE maicivy_reader; SELECT * FROM migrations.status()'
    sql 'GRANT USAGE ON SCHEMA migrations TO maicivy_reader;
        GRANT EXECUTE ON FUNCTION migrations.status, migrations.plan, migrations.version TO maicivy_reader;
        GRANT SELECT ON migrations.history TO maicivy_reader'
    is 'looks' '6 000001 0' "$(as reader "SELECT concat_ws(' ', (SELECT count(*) FROM migrations.plan()), (SELECT min(version) FROM migrations.status()), (SELECT count(*) FROM migrations.history WHERE version = '000007'))")"
    for call in 'SELECT * FROM migrations.apply()' 'CALL migrations.apply_each()' "SELECT migrations.add('8', 'x', 'SELECT 1')" "SELECT * FROM migrations.force('6')"; do
        refused "$call" "42501: permission denied for (function|procedure) $(sed 's/.*migrations.\([a-z_]*\).*/\1/' <<<"$call")" "SET ROLE maicivy_reader; $call"
    done
    refused 'the tables' '42501: permission denied for table migration' 'SET ROLE maicivy_reader; SELECT * FROM migrations.migration'
    sql "$(awk '/^CREATE ROLE deployer LOGIN;$/ {on = 1; next} /^```$/ {on = 0} on' "$ROOT/README.md" | sed 's/deployer/maicivy_deployer/')"
    refused 'the timezone of a database is its owner'"'"'s' '42501: must be owner of database' 'SET ROLE maicivy_deployer; SELECT * FROM migrations.apply()'
    is 'nothing has run' '6 pending' "$(states)"
    sql 'ALTER DATABASE driver_maicivy_adopted OWNER TO maicivy_deployer'
    is 'deploys' 6 "$(as deployer 'SELECT count(*) FROM migrations.apply()')"
    is 'who' 'maicivy_deployer 6' "$(sql "SELECT concat_ws(' ', tableowner, (SELECT count(*) FROM migrations.history WHERE effective_role = tableowner AND action = 'apply')) FROM pg_tables WHERE tablename = 'visitors'")"
    is 'and back' 6 "$(as deployer 'SELECT count(*) FROM migrations.rollback(6)')"
    sql 'ALTER DATABASE driver_maicivy_adopted OWNER TO postgres; DROP OWNED BY maicivy_reader, maicivy_deployer; DROP ROLE maicivy_reader, maicivy_deployer'
    schema | diff "$RUN/maicivy.0" - || fail 'the deployer leaves something'
}
meanwhile elsewhere

# what the guide lists
is 'tables' 'analytics_events experiences generated_letters projects skills visitors' \
    "$(sql "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname IN ('experiences', 'skills', 'projects', 'visitors', 'generated_letters', 'analytics_events')")"
is 'UUID keys, made by the database, and soft deletes, on each of them' 6 \
    "$(sql "SELECT count(*) FROM information_schema.columns c JOIN information_schema.columns d USING (table_name) WHERE c.table_name IN ('experiences', 'skills', 'projects', 'visitors', 'generated_letters', 'analytics_events') AND c.column_name = 'id' AND c.data_type = 'uuid' AND c.column_default = 'gen_random_uuid()' AND d.column_name = 'deleted_at' AND d.is_nullable = 'YES'")"
while read -r index; do
    is "index on $index" t "$(sql "SELECT count(*) > 0 FROM pg_indexes WHERE schemaname = 'public' AND indexdef LIKE '%ON public.${index%% *} USING btree (${index#* })'")"
done <<'INDEXES'
experiences category
experiences deleted_at
skills category
skills level
skills deleted_at
projects category
projects featured
projects deleted_at
visitors session_id
visitors ip_hash
visitors profile_detected
visitors deleted_at
generated_letters visitor_id
generated_letters letter_type
generated_letters created_at
generated_letters deleted_at
analytics_events visitor_id
analytics_events event_type
analytics_events created_at
analytics_events deleted_at
analytics_events event_type, created_at
INDEXES
is 'session_id is unique' t "$(sql "SELECT indisunique FROM pg_index WHERE indexrelid = 'idx_visitors_session_id'::regclass")"
is 'updated_at triggers' 6 "$(sql "SELECT count(DISTINCT tgrelid) FROM pg_trigger JOIN pg_proc p ON p.oid = tgfoid WHERE proname = 'update_updated_at_column' AND tgrelid::regclass::text <> 'letter_feedback'")"
is 'keys that cascade' 'analytics_events generated_letters' "$(sql "SELECT string_agg(conrelid::regclass::text, ' ' ORDER BY conrelid::regclass::text) FROM pg_constraint WHERE contype = 'f' AND confrelid = 'visitors'::regclass AND confdeltype = 'c'")"
is 'types' 'ARRAY ARRAY jsonb jsonb' "$(sql "SELECT string_agg(data_type, ' ' ORDER BY data_type) FROM information_schema.columns WHERE (table_name, column_name) IN (('experiences', 'technologies'), ('projects', 'technologies'), ('generated_letters', 'company_info'), ('analytics_events', 'event_data'))")"
is 'UTC' UTC "$(sql 'SHOW timezone')"

# data
sql "INSERT INTO visitors (session_id, ip_hash) VALUES ('s1', 'h1'), ('s2', 'h2');
     INSERT INTO analytics_events (visitor_id, event_type, event_data, created_at) SELECT id, 'page_view', '{\"path\": \"/\"}', '2024-02-03' FROM visitors;
     INSERT INTO generated_letters (visitor_id, company_name, letter_type, content, ai_model) SELECT id, 'ACME', 'motivation', 'Dear', 'm' FROM visitors;
     INSERT INTO projects (title, category, slug, technologies) VALUES ('Face Finder', 'ai', 'face-finder', '{Rust}')"
is 'updated_at is kept' t "$(sql "UPDATE visitors SET updated_at = '2000-01-01' RETURNING updated_at > '2020-01-01'" | sort -u)"
! sql "INSERT INTO visitors (session_id, ip_hash) VALUES ('s1', 'h3')" 2>/dev/null || fail 'session_id twice'
! sql "INSERT INTO skills (name, level, category) VALUES ('x', 'guru', 'y')" 2>/dev/null || fail 'a level that is none'
sql "UPDATE visitors SET deleted_at = now() WHERE session_id = 's1'"
is 'soft delete goes on' '1|1' "$(sql "SELECT (SELECT count(*) FROM generated_letters WHERE deleted_at IS NOT NULL), (SELECT count(*) FROM analytics_events WHERE deleted_at IS NOT NULL)")"
sql "UPDATE visitors SET deleted_at = NULL"
is 'and back' '0' "$(sql "SELECT count(*) FROM generated_letters WHERE deleted_at IS NOT NULL")"
is 'search' 'face-finder' "$(sql "SELECT slug FROM projects WHERE search @@ to_tsquery('simple', 'rust & face')")"
is 'rolled up' 2 "$(sql "SELECT roll_up_analytics('2024-03-01')")"
is 'figures of the day' '2|2' "$(sql 'SELECT events, visitors FROM daily_analytics')"
sql "DELETE FROM visitors WHERE session_id = 's2'"
is 'cascade' 1 "$(sql 'SELECT count(*) FROM generated_letters')"

# a migration that has data to bring along: slugs of projects that are there already
down 5
sql "INSERT INTO projects (title, category, created_at) VALUES ('Face Finder', 'ai', '2030-01-01'), ('Été à Paris!', 'art', now())"
up
is 'slugs' 'face-finder face-finder-2 t-paris' "$(sql "SELECT string_agg(slug, ' ' ORDER BY slug) FROM projects")"

# the SQL of the documentation
schema >"$RUN/maicivy.now"
check_document "$ROOT/docs/systems/maicivy.md"
schema | diff "$RUN/maicivy.now" - || fail 'the SQL of the documentation leaves something'
join_meanwhile
