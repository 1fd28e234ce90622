# A job dashboard of three services: three projects in one database, each with its schema,
# and the same files in three databases. What its guide lists is in the catalog, each down
# reverses its up, and tables, functions and views work as the services need them.
FILES=$ROOT/tests/systems/dashboard
SERVICES='user resume ai'
export PATH=$BIN:$PATH

prepare() { # database
    new_database "$1"
    sql 'CREATE SCHEMA user_service; CREATE SCHEMA resume_service; CREATE SCHEMA ai_service'
}
projects() {
    local service
    for service in $SERVICES; do
        sql "SELECT FROM migrations.set_project('$service-service', search_path => '${service}_service, public')" >/dev/null
        load_folder "$FILES/$service-service" "$service-service"
    done
}
setup() { sh "$FILES/setup_databases.sh" "$@" 2>"$RUN/$PGDATABASE.err" || fail "setup: $(cat "$RUN/$PGDATABASE.err")"; }
schema() { dump_schema -n '*_service'; }
as() { sql "SET search_path = $1_service, public; $2"; } # service query
quiet() { sql "$1" >/dev/null 2>"$RUN/$PGDATABASE.err" || fail "$1: $(cat "$RUN/$PGDATABASE.err")"; }
refused() { # what SQLSTATE service query
    local out
    out=$(error_of "$BIN/psql" -X -q -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -c "SET search_path = $3_service, public" -c "$4")
    has "$1" "ERROR:  $2:" "$out"
}

# version by version: each down takes its up back
prepare dashboard
schema >"$RUN/dashboard.none"
projects
schema >"$RUN/dashboard.was"
diff "$RUN/dashboard.none" "$RUN/dashboard.was" || fail 'registering has changed the schemas'
for version in 001 002 003 004; do
    [ $version = 004 ] && services=resume || services=$SERVICES
    for service in $services; do quiet "SELECT FROM migrations.apply('$version', '$service-service')"; done
    schema >"$RUN/dashboard.is"
    for service in $services; do
        has "what $version of $service makes" "^> CREATE .* ${service}_service\\." "$(diff "$RUN/dashboard.was" "$RUN/dashboard.is" || true)"
        quiet "SELECT FROM migrations.rollback(1, '$service-service')"
    done
    schema | diff "$RUN/dashboard.was" - || fail "a down of $version leaves something"
    for service in $services; do quiet "SELECT FROM migrations.apply('$version', '$service-service')"; done
    mv "$RUN/dashboard.is" "$RUN/dashboard.was"
done
schema >"$RUN/dashboard.all"
for service in $SERVICES; do quiet "SELECT FROM migrations.reset('$service-service', confirm => '$service-service')"; done
schema | diff "$RUN/dashboard.none" - || fail 'all downs leave something'
is 'one call for all' 'user-service 3, resume-service 4, ai-service 3' \
    "$(sql "SELECT string_agg(project || ' ' || n, ', ' ORDER BY first) FROM (SELECT project, count(*) AS n, min(step) AS first FROM migrations.apply_all(ARRAY['user-service', 'resume-service', 'ai-service']) GROUP BY project) p" 2>/dev/null)"
schema | diff "$RUN/dashboard.all" - || fail 'up again is another schema'
is 'nothing to do' '' "$(sql 'SELECT version FROM migrations.apply_all()' 2>/dev/null)"

# meanwhile, in other databases: a transaction for each, and a database for each
elsewhere() {
    each_up() { for service in $SERVICES; do quiet "CALL migrations.apply_each(project => '$service-service')"; done; }
    each_down() { for n in 'user 3' 'resume 4' 'ai 3'; do quiet "CALL migrations.rollback_each(${n#* }, '${n% *}-service')"; done; }
    prepare dashboard_each
    projects
    each_up
    schema | diff "$RUN/dashboard.all" - || fail "apply_each: another schema than apply's"
    each_down
    schema | diff "$RUN/dashboard.none" - || fail 'rollback_each leaves something'

    # with pgvector, or where the server has none a type that stands in for it meanwhile
    share=$(pg_config --sharedir)/extension
    if [ ! -e "$share/vector.control" ]; then
        trap 'rm -f "$share/vector.control" "$share/vector--0.sql"' EXIT
        echo "default_version = '0'" >"$share/vector.control"
        cat >"$share/vector--0.sql" <<'SQL'
CREATE TYPE vector;
CREATE FUNCTION vector_in(cstring) RETURNS vector LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION vector_out(vector) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE vector (INPUT = vector_in, OUTPUT = vector_out, TYPMOD_IN = varchartypmodin, LIKE = text);
SQL
        chmod a+r "$share"/vector*
    fi
    quiet 'CREATE EXTENSION vector SCHEMA public'
    quiet "SELECT FROM migrations.apply('001', 'ai-service')"
    is 'an embedding with pgvector' vector "$(as ai "SELECT typname FROM pg_attribute a JOIN pg_type t ON t.oid = atttypid WHERE attrelid = 'embeddings'::regclass AND attname = 'embedding'")"
    quiet "SELECT FROM migrations.rollback(1, 'ai-service')"
    schema | diff "$RUN/dashboard.none" - || fail 'with pgvector the down leaves something'
    quiet 'DROP EXTENSION vector'
    each_up
    schema | diff "$RUN/dashboard.all" - || fail 'apply_each, the second time: another schema'

    # three databases, tables in public
    setup >/dev/null
    for n in 'user 7 3 2' 'resume 7 6 4' 'ai 11 8 5'; do
        set -- $n
        is "$1_service_db" "$2|$3|$4" "$(sql_in "$1_service_db" "SELECT (SELECT count(*) FROM pg_tables WHERE schemaname = 'public'), (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prorettype <> 'trigger'::regtype), (SELECT count(*) FROM pg_views WHERE schemaname = 'public')")"
    done
    is 'the functions find their tables there, too' local "$(sql_in resume_service_db "SET search_path = ''; SELECT name FROM public.get_storage_config()")"
}
meanwhile elsewhere

# the script does it all, and can be run again
setup dashboard_script >/dev/null
PGDATABASE=dashboard_script
schema | diff "$RUN/dashboard.all" - || fail 'the script makes another schema'
has 'the script again changes nothing' '^\(0 rows\)' "$(setup dashboard_script | tail -n 2)"
PGDATABASE=dashboard

# what the guide lists
tables() { sql "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = '$1'::regnamespace"; }
is 'tables of users' 'email_verifications password_resets refresh_tokens user_preferences user_profiles user_sessions users' "$(tables user_service)"
is 'tables of resumes' 'optimization_feedback resume_analyses resume_optimizations resume_version_changes resume_versions resumes storage_configs' "$(tables resume_service)"
is 'tables of ai' 'ai_models ai_processing_sessions content_analyses embeddings job_match_analyses model_performance_history optimization_history optimization_templates resume_optimizations skill_analyses user_optimization_preferences' "$(tables ai_service)"
# The 17 functions are those that can be called; trigger functions come on top.
functions() { sql "SELECT count(*) || ': ' || string_agg(proname, ' ' ORDER BY proname) FROM pg_proc WHERE pronamespace = '$1_service'::regnamespace AND (prorettype = 'trigger'::regtype) = $2"; }
is 'functions of users' '3: cleanup_expired_auth_data get_complete_user_profile revoke_user_sessions' "$(functions user false)"
is 'functions of resumes' '6: compare_resume_versions create_resume_version get_optimization_statistics get_resume_optimization_history get_resume_version_history get_storage_config' "$(functions resume false)"
is 'functions of ai' '8: get_analysis_statistics get_model_performance get_model_performance_trends get_optimization_history_statistics get_optimization_statistics get_session_statistics get_user_optimization_insights record_model_performance' "$(functions ai false)"
is 'trigger functions of users' '1: update_updated_at_column' "$(functions user true)"
is 'trigger functions of resumes' '5: create_initial_resume_version number_resume_version update_updated_at_column validate_resume_file validate_storage_config' "$(functions resume true)"
is 'trigger functions of ai' '2: learn_user_preferences update_updated_at_column' "$(functions ai true)"
views() { sql "SELECT string_agg(viewname, ' ' ORDER BY viewname) FROM pg_views WHERE schemaname = '$1_service'"; }
is 'views of users' 'active_sessions_summary user_search_view' "$(views user)"
is 'views of resumes' 'optimization_performance resume_analytics resume_version_summary storage_usage' "$(views resume)"
is 'views of ai' 'model_performance_metrics optimization_analytics processing_session_summary template_performance user_ai_activity' "$(views ai)"
for n in 'user 20' 'resume 25' 'ai 30'; do
    is "indexes of ${n% *}" t "$(sql "SELECT count(*) >= ${n#* } FROM pg_indexes WHERE schemaname = '${n% *}_service'")"
done
is 'each column updated_at has its trigger' 0 "$(sql "SELECT count(*) FROM information_schema.columns c JOIN pg_class t ON t.relname = table_name AND t.relnamespace = table_schema::regnamespace AND relkind = 'r' WHERE table_schema LIKE '%\_service' AND column_name = 'updated_at' AND NOT EXISTS (SELECT FROM pg_trigger g JOIN pg_proc p ON p.oid = tgfoid WHERE tgrelid = t.oid AND proname = 'update_updated_at_column')")"
is 'columns updated_at' '4 3 10' "$(sql "SELECT string_agg(count::text, ' ' ORDER BY table_schema DESC) FROM (SELECT table_schema, count(*) FROM information_schema.columns JOIN pg_tables ON schemaname = table_schema AND tablename = table_name WHERE table_schema LIKE '%\_service' AND column_name = 'updated_at' GROUP BY 1) c")"
is 'UUID keys, made by the database' 25 "$(sql "SELECT count(*) FROM information_schema.columns WHERE table_schema LIKE '%\_service' AND column_name = 'id' AND data_type = 'uuid' AND column_default = 'gen_random_uuid()'")"

# users
U1=00000000-0000-4000-8000-000000000001 U2=00000000-0000-4000-8000-000000000002
as user "INSERT INTO users (id, email, username, password_hash, first_name, last_name, professional_title, location) VALUES
        ('$U1', 'ann@example.com', 'ann', '\$2b\$12\$h', 'Ann', 'Lee', 'Data Engineer', 'Oslo'), ('$U2', 'bob@example.com', 'bob', '\$2b\$12\$h', 'Bob', 'Ray', 'Nurse', 'Turin');
    INSERT INTO user_profiles (user_id, skills, is_public) VALUES ('$U1', '{rust,postgresql}', true), ('$U2', '{triage}', false);
    INSERT INTO user_preferences (user_id, remote_preference) VALUES ('$U1', 'remote');
    INSERT INTO user_sessions (id, user_id, session_token_hash, ip_address, created_at, expires_at) VALUES
        ('$U1', '$U1', 's1', '10.0.0.1', now(), now() + interval '1 day'),
        ('$U2', '$U1', 's2', '10.0.0.2', now() - interval '2 days', now() - interval '1 day');
    INSERT INTO refresh_tokens (user_id, session_id, token_hash, created_at, expires_at) VALUES
        ('$U1', '$U1', 'r1', now(), now() + interval '30 days'), ('$U1', '$U2', 'r2', now() - interval '31 days', now() - interval '1 day');
    INSERT INTO refresh_tokens (user_id, token_hash, created_at, revoked_at) VALUES ('$U2', 'r3', now(), now() - interval '8 days'), ('$U2', 'r4', now(), now());
    INSERT INTO password_resets (user_id, token_hash, created_at, expires_at) VALUES ('$U1', 'p1', now() - interval '2 hours', now() - interval '1 hour'), ('$U1', 'p2', now(), now() + interval '1 hour');
    INSERT INTO email_verifications (user_id, email, token_hash, created_at, expires_at, verified_at) VALUES
        ('$U1', 'ann@example.com', 'e1', now() - interval '3 days', now() - interval '2 days', now() - interval '3 days'),
        ('$U2', 'bob@example.com', 'e2', now() - interval '3 days', now() - interval '2 days', NULL)"
refused 'the address in capitals' 23505 user "INSERT INTO users (email, username, password_hash) VALUES ('ANN@example.com', 'anna', 'h')"
refused 'an address that is none' 23514 user "UPDATE users SET email = 'ann'"
refused 'paid without an end' 23514 user "UPDATE users SET subscription_tier = 'premium'"
refused 'less at most than at least' 23514 user "UPDATE user_preferences SET salary_min = 2, salary_max = 1"
is 'updated_at is kept' t "$(as user "UPDATE users SET updated_at = '2000-01-01' WHERE username = 'ann' RETURNING updated_at > '2020-01-01'")"
is 'logged in' 'ann|1|1' "$(as user 'SELECT username, active_sessions, addresses FROM active_sessions_summary')"
is 'what is cleaned up, whatever the search_path' 'refresh_tokens 2, user_sessions 1, password_resets 1, email_verifications 1' \
    "$(sql "SELECT string_agg(table_name || ' ' || deleted, ', ') FROM user_service.cleanup_expired_auth_data()")"
is 'what is left' 'e1 p2 r1 r4 s1' "$(as user "SELECT string_agg(h, ' ' ORDER BY h) FROM (SELECT session_token_hash AS h FROM user_sessions UNION ALL SELECT token_hash FROM refresh_tokens UNION ALL SELECT token_hash FROM password_resets UNION ALL SELECT token_hash FROM email_verifications) t")"
is 'and nothing more' 0 "$(as user 'SELECT sum(deleted) FROM cleanup_expired_auth_data()')"
is 'sessions end' 1 "$(as user "SELECT revoke_user_sessions('$U1', 'stolen')")"
is 'with their tokens' '0|0|stolen' "$(as user "SELECT (SELECT count(*) FROM active_sessions_summary), count(*) FILTER (WHERE revoked_at IS NULL), max(revoked_reason) FROM refresh_tokens WHERE user_id = '$U1'")"
is 'the profile, without the password' 'Oslo|["rust", "postgresql"]|remote|f' "$(as user "SELECT p -> 'user' ->> 'location', p -> 'profile' ->> 'skills', p -> 'preferences' ->> 'remote_preference', p::text LIKE '%2b%' FROM get_complete_user_profile('$U1') p")"
is 'found by title and skill; private profiles are not' 'Ann Lee' "$(as user "SELECT full_name FROM user_search_view WHERE search @@ to_tsquery('simple', 'engineer & rust | triage')")"
is 'cascade' 0 "$(as user "BEGIN; DELETE FROM users WHERE id = '$U1'; SELECT (SELECT count(*) FROM user_profiles WHERE user_id = '$U1') + (SELECT count(*) FROM user_sessions) + (SELECT count(*) FROM password_resets); ROLLBACK")"

# resumes: one that was there before there were versions
quiet "SELECT FROM migrations.rollback_to('001', 'resume-service')"
is 'seeds: storage' 'local local t t, railway railway t f, s3 s3 f f' "$(as resume "SELECT string_agg(concat_ws(' ', name, provider, is_active, is_default), ', ' ORDER BY name) FROM storage_configs")"
as resume "INSERT INTO resumes (id, user_id, title, content) VALUES ('$U1', '$U1', 'Engineer', '{\"summary\": \"old\", \"skills\": [\"rust\"]}')"
quiet "SELECT FROM migrations.apply(project => 'resume-service')"
is 'it got its version 1' '1|1|initial|old' "$(as resume "SELECT current_version, version_number, source, v.content ->> 'summary' FROM resumes r JOIN resume_versions v ON v.resume_id = r.id")"
as resume "INSERT INTO resumes (id, user_id, title, content) VALUES ('$U2', '$U2', 'Nurse', '{\"summary\": \"care\"}')"
is 'so has a new one' '1|Initial version' "$(as resume "SELECT version_number, change_summary FROM resume_versions WHERE resume_id = '$U2'")"
is 'numbers are given; no change, no version' '2|2|3' "$(as resume "SELECT create_resume_version('$U1', '{\"summary\": \"new\", \"languages\": [\"no\"]}', 'rewritten')")|$(as resume "SELECT create_resume_version('$U1', (SELECT content FROM resumes WHERE id = '$U1'))")|$(as resume "SELECT create_resume_version('$U1', '{\"summary\": \"newer\", \"languages\": [\"no\"]}', NULL, NULL, 'optimization')")"
is 'compared' 'languages added, skills removed, summary modified' "$(as resume "SELECT string_agg(section || ' ' || change_type, ', ') FROM compare_resume_versions('$U1', 1, 2)")"
is 'backwards' 'languages removed, skills added, summary modified' "$(as resume "SELECT string_agg(section || ' ' || change_type, ', ') FROM compare_resume_versions('$U1', 2, 1)")"
refused 'a version that is not there' P0002 resume "SELECT compare_resume_versions('$U1', 1, 9)"
is 'history' '3 optimization 1, 2 manual 3, 1 initial 0' "$(as resume "SELECT string_agg(concat_ws(' ', version_number, source, changes), ', ') FROM get_resume_version_history('$U1')")"
is 'summary' '3|3|1' "$(as resume "SELECT current_version, versions, optimized_versions FROM resume_version_summary WHERE resume_id = '$U1'")"
refused 's3 without a bucket' 23514 resume "UPDATE storage_configs SET config = '{}' WHERE name = 's3'"
refused 'a second default' 23505 resume "UPDATE storage_configs SET is_default = true WHERE name = 'railway'"
is 'the default storage, and an inactive one' 'local|0' "$(as resume "SELECT (SELECT name FROM get_storage_config()), (SELECT count(*) FROM get_storage_config('s3'))")"
file() { echo "UPDATE resumes SET (storage_config_id, file_name, file_path, file_size, mime_type) = (SELECT id, 'r', '/r', $2, '$3' FROM storage_configs WHERE name = '$1')"; }
refused 'a type that is not allowed' 23514 resume "$(file railway 10 image/png)"
refused 'too large for railway' 23514 resume "$(file railway 5242881 application/pdf)"
refused 'too many of a user' 23514 resume "UPDATE storage_configs SET max_files_per_user = 1 WHERE name = 'railway'; $(file railway 10 application/pdf) WHERE id = '$U1'; INSERT INTO resumes (user_id, title, storage_config_id, file_name, file_path, file_size, mime_type) SELECT user_id, 'x', storage_config_id, 'x', '/x', 1, 'text/plain' FROM resumes WHERE id = '$U1'"
as resume "$(file local 5242881 application/pdf)"
is 'large enough elsewhere' 'local 2 10485762, railway 0 0, s3 0 0' "$(as resume "SELECT string_agg(concat_ws(' ', name, files, bytes), ', ' ORDER BY name) FROM storage_usage")"
as resume "INSERT INTO resume_optimizations (id, resume_id, user_id, optimization_type, status, score_before, score_after, completed_at, tokens_used, created_at) VALUES
        ('$U1', '$U1', '$U1', 'ats', 'completed', 60, 75, now(), 100, '2026-01-01'), ('$U2', '$U1', '$U1', 'content', 'completed', 75, 80, now(), 50, '2026-01-02');
    INSERT INTO resume_optimizations (resume_id, user_id, optimization_type, status) VALUES ('$U2', '$U2', 'ats', 'failed');
    INSERT INTO optimization_feedback (optimization_id, user_id, rating) VALUES ('$U1', '$U1', 5), ('$U1', '$U2', 4);
    INSERT INTO resume_analyses (resume_id, analysis_type, overall_score, created_at) VALUES ('$U1', 'ats', 90, '2026-01-01'), ('$U1', 'ats', 80, '2026-01-02')"
is 'statistics of all' '3|2|1|66.7|10.00|4.50|150' "$(as resume 'SELECT * FROM get_optimization_statistics()')"
is 'of one user' '1|0|1|0.0|||0' "$(as resume "SELECT * FROM get_optimization_statistics('$U2')")"
is 'history of optimizations' 'content 5.00 -, ats 15.00 4.50' "$(as resume "SELECT string_agg(concat_ws(' ', optimization_type, improvement, coalesce(rating::text, '-')), ', ') FROM get_resume_optimization_history('$U1')")"
is 'performance' 'ats 2 1 15.00, content 1 1 5.00' "$(as resume "SELECT string_agg(concat_ws(' ', optimization_type, attempts, completed, average_improvement), ', ' ORDER BY optimization_type) FROM optimization_performance")"
is 'analytics' '2|80.00|90.00|2|15.00' "$(as resume "SELECT analyses, latest_score, best_score, optimizations, best_improvement FROM resume_analytics WHERE resume_id = '$U1'")"
refused 'completed without scores' 23514 resume "UPDATE resume_optimizations SET status = 'completed'"

# ai
is 'seeds: models and templates' '4 1|4' "$(as ai "SELECT count(*) FILTER (WHERE model_type = 'chat') || ' ' || count(*) FILTER (WHERE model_type = 'embedding'), (SELECT count(*) FROM optimization_templates) FROM ai_models")"
is 'each variable of a template stands in it' 0 "$(as ai "SELECT count(*) FROM optimization_templates, unnest(variables) v WHERE strpos(prompt_template, '{{' || v || '}}') = 0")"
as ai "INSERT INTO ai_processing_sessions (id, user_id, model_id, session_type, status, prompt_tokens, completion_tokens, processing_ms, error_message, created_at)
    SELECT ('00000000-0000-4000-8000-00000000000' || n)::uuid, '$U1', m.id, t, s, p, c, ms, e, d::timestamptz FROM (VALUES
        (1, 'resume_optimization', 'completed', 1000, 500, 2000, NULL, '2026-01-01 12:00Z'), (2, 'job_match', 'completed', 1000, 500, 1000, NULL, '2026-01-02 12:00Z'),
        (3, 'job_match', 'completed', 0, 0, 2000, NULL, '2026-01-02 13:00Z'), (4, 'content_analysis', 'failed', 0, 0, NULL, 'no answer', '2026-01-02 14:00Z')) AS v (n, t, s, p, c, ms, e, d), ai_models m WHERE m.name = 'gpt-4';
    INSERT INTO resume_optimizations (id, session_id, user_id, resume_id, optimization_type, original_content, optimized_content, keywords_added, score_before, score_after) VALUES ('$U1', '$U1', '$U1', '$U1', 'ats', '{}', '{}', '{sql,etl}', 60, 75);
    INSERT INTO job_match_analyses (session_id, user_id, resume_id, job_title, required_skills, matching_skills, missing_skills) VALUES
        ('$U2', '$U1', '$U1', 'Data Engineer', '{rust,postgresql,kafka}', '{rust,postgresql}', '{kafka}'),
        ('00000000-0000-4000-8000-000000000003', '$U1', '$U1', 'SRE', '{go,kafka}', '{}', '{go,kafka}')"
refused 'a skill that neither matches nor is missing' 23514 ai "UPDATE job_match_analyses SET missing_skills = '{}'"
is 'sessions' 'content_analysis 1 0 1 0, job_match 2 2 0 1500, resume_optimization 1 1 0 1500' "$(as ai "SELECT string_agg(concat_ws(' ', session_type, sessions, completed, failed, total_tokens), ', ') FROM get_session_statistics('$U1')")"
is 'models' 'gpt-4|4|75.0|1667|3000|0.1200' "$(as ai "SELECT * FROM get_model_performance() WHERE sessions > 0")"
is 'optimizations' 'ats|1|15.00|15.00|2' "$(as ai 'SELECT * FROM get_optimization_statistics()')"
is 'job matches' '2|33.34|Data Engineer|kafka|0|0|' "$(as ai "SELECT * FROM get_analysis_statistics('$U1')")"
is 'summary of sessions' '15.00 66.67 0.00 -' "$(as ai "SELECT string_agg(coalesce(result_score::text, '-'), ' ' ORDER BY created_at) FROM processing_session_summary WHERE model = 'gpt-4'")"
is 'activity' '4|3|3|3000' "$(as ai "SELECT sessions, completed, kinds, total_tokens FROM user_ai_activity")"
as ai "INSERT INTO optimization_history (optimization_id, template_id, user_id, optimization_type, score_before, score_after, was_accepted, user_rating)
    SELECT '$U1', id, '$U1', 'ats', 60, 75, true, 5 FROM optimization_templates WHERE name = 'ATS check';
    INSERT INTO optimization_history (user_id, optimization_type, score_before, score_after, was_accepted) VALUES ('$U1', 'content', 50, 70, NULL), ('$U1', 'ats', 60, 65, true)"
as ai "UPDATE optimization_history SET was_accepted = false WHERE optimization_type = 'content' OR score_after = 65"
is 'learned' 'ats 1 1 50.00, content 0 1 0.00' "$(as ai "SELECT string_agg(concat_ws(' ', optimization_type, accepted, rejected, acceptance_rate), ', ' ORDER BY optimization_type) FROM user_optimization_preferences")"
is 'history' '3|13.33|33.3|5.00' "$(as ai 'SELECT * FROM get_optimization_history_statistics()')"
is 'insights' 'ats|50.00|content|20.00' "$(as ai "SELECT * FROM get_user_optimization_insights('$U1')")"
is 'templates' '1|15.00|5.00' "$(as ai "SELECT uses, average_improvement, average_rating FROM template_performance WHERE template = 'ATS check'")"
is 'analytics' 'ats 2 1, content 1 0' "$(as ai "SELECT string_agg(concat_ws(' ', optimization_type, optimizations, accepted), ', ' ORDER BY optimization_type) FROM optimization_analytics")"
is 'days are kept, once each' '1|1|1' "$(as ai "SELECT record_model_performance('2026-01-01')")|$(as ai "SELECT record_model_performance('2026-01-02')")|$(as ai "SELECT record_model_performance('2026-01-02')")"
is 'trends' '2026-01-01 1 100.0 2000.00, 2026-01-02 3 66.7 1500.00 -500.00' "$(as ai "SELECT string_agg(concat_ws(' ', day, sessions, success_rate, average_ms, change_ms), ', ') FROM get_model_performance_trends('gpt-4')")"
is 'metrics' '2026-01-02|3|1' "$(as ai "SELECT last_day, sessions, failed FROM model_performance_metrics WHERE model = 'gpt-4'")"
embed() { echo "INSERT INTO embeddings (content_type, content_id, model_id, content_hash, embedding) SELECT 'resume', '$U1', id, 'h', array_fill(0.5::real, ARRAY[$1]) FROM ai_models WHERE model_type = 'embedding'"; }
is 'an embedding without pgvector' 'real[]' "$(as ai "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'embeddings'::regclass AND attname = 'embedding'")"
refused 'too few dimensions' 23514 ai "$(embed 3)"
as ai "$(embed 1536)"

# backup in the middle, restore, go on
PGDATABASE=dashboard_script
for service in $SERVICES; do quiet "SELECT FROM migrations.rollback_to('002', '$service-service')"; done
as resume "INSERT INTO resumes (user_id, title, content) VALUES ('$U1', 'kept', '{\"summary\": \"kept\"}')"
state() { sql "SELECT project, seq, version, action, outcome, run_id, started_at FROM migrations.history ORDER BY id; SELECT project, version, state, applied_at, checksum_ok FROM migrations.status('user-service') UNION ALL SELECT project, version, state, applied_at, checksum_ok FROM migrations.status('resume-service') UNION ALL SELECT project, version, state, applied_at, checksum_ok FROM migrations.status('ai-service')"; }
state >"$RUN/dashboard.state"
# The server writes some conditions differently once it has read its own writing of them.
conditions_apart() { sed 's/ CHECK (.*/ CHECK/; /^CREATE .*INDEX/s/ WHERE (.*/ WHERE/'; }
conditions_apart <"$RUN/dashboard.all" >"$RUN/dashboard.bare"
is 'applied so far' 6 "$(grep -c '|applied|.*|t$' "$RUN/dashboard.state")"
for format in plain custom; do
    pg_dump -F "$format" -f "$RUN/dashboard.dump" dashboard_script
    sql_in postgres "CREATE DATABASE dashboard_$format"
    PGDATABASE=dashboard_$format
    if [ $format = plain ]; then psql -X -q -v ON_ERROR_STOP=1 -f "$RUN/dashboard.dump" >/dev/null
    else pg_restore -e -d "$PGDATABASE" "$RUN/dashboard.dump"; fi
    state | diff "$RUN/dashboard.state" - || fail "$format: another state and history"
    is "$format: what is left runs" 'ai-service 003, resume-service 003, resume-service 004, user-service 003' \
        "$(sql "SELECT string_agg(project || ' ' || version, ', ' ORDER BY step) FROM migrations.apply_all()" 2>/dev/null)"
    schema | conditions_apart | diff "$RUN/dashboard.bare" - || fail "$format: another schema than without a restore"
    is "$format: the data" 'kept|1' "$(as resume 'SELECT title, versions FROM resume_version_summary')"
done

join_meanwhile

# VACUUM as a migration: not in a transaction, and again when its text changes
PGDATABASE=dashboard
quiet "SELECT migrations.add_repeatable('vacuum', 'VACUUM ANALYZE', project => 'maintenance')"
out=$(error_of psql -X -v VERBOSITY=verbose -c "SELECT * FROM migrations.apply(project => 'maintenance')")
has 'refused' '^ERROR:  25001:' "$out"
has 'with what to do' '^HINT:  Run it in transactions of its own: CALL migrations.apply_each' "$out"
is 'never analyzed' t "$(sql "SELECT reltuples = -1 FROM pg_class WHERE oid = 'ai_service.skill_analyses'::regclass")"
quiet "CALL migrations.apply_each(project => 'maintenance')"
is 'analyzed' t "$(sql "SELECT reltuples = 0 FROM pg_class WHERE oid = 'ai_service.skill_analyses'::regclass")"

# the documentation, whose maintenance runs twice more
# Which table is the larger one, and which index was used how often, is the server's business.
check_document "$ROOT/docs/systems/dashboard.md" dashboard '/^ (user|resume|ai)_service \|/d'
is 'maintenance ran three times' 3 "$(sql "SELECT sum(times) FROM migrations.history WHERE project = 'maintenance' AND action = 'apply' AND outcome = 'success'")"
is 'what was tried is taken back' 3 "$(as ai 'SELECT count(*) FROM optimization_history')"
