# The sample application: what its guide lists is in the catalog, each down reverses its
# up, and the schema does what the application relies on.
new_database driver_maicivy
for file in "$ROOT"/migrations/*.sql; do
    content=$(cat "$file")
    "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -v path="$file" -v content="$content" \
        <<<"SELECT migrations.add_file(:'path', :'content')" >/dev/null
done
# pg_dump prints a random key around its output since some minor release.
schema() { "$BIN/pg_dump" -s -n public | grep -v '^.\(un\)\?restrict '; }
up() { sql "SELECT version FROM migrations.apply(${1:-})" >/dev/null 2>&1 || fail "apply(${1:-})"; }
down() { sql "SELECT version FROM migrations.rollback($1)" >/dev/null 2>&1 || fail "rollback($1)"; }

# one by one, up and down and up again
schema >"$RUN/maicivy.0"
for n in 1 2 3 4 5 6; do
    up "'$n'"
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
