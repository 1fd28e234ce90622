# The agent marketplace: eight migrations with the requirements of its guide's table, one
# of them the extension vector. First what works on a server without it, then all the rest.
files=$ROOT/tests/systems/marketplace
register() { "$BIN/psql" -X -q -A -t -v folder="$files" -f "$files/register.sql"; }
apply() { sql "SELECT string_agg(version, ' ' ORDER BY step) FROM migrations.apply($1)" 2>/dev/null; }
down() { sql "SELECT string_agg(version, ' ' ORDER BY step) FROM migrations.rollback($1)" 2>/dev/null; }
call() { sql "CALL migrations.$1" 2>/dev/null; }
dump() { dump_schema -n public >"$RUN/market.$1"; }
same() { dump "$1"; diff "$RUN/market.$2" "$RUN/market.$1" || fail "$3"; }
states() { sql "SELECT string_agg(version || ' ' || state, ', ' ORDER BY version) FROM migrations.status()"; }
refused() { # what pattern statement; the pattern begins with the SQLSTATE
    local out
    out=$(error_of "$BIN/psql" -X -q -v VERBOSITY=verbose -c "$3")
    has "$1" "ERROR:  $2" "$out"
}
# The documentation has a last part for servers without that extension.
awk -v last="$RUN/marketplace_without_vector.md" -v first="$RUN/marketplace.md" '/^## Without pgvector/ {on = 1}
    {print >(on ? last : first)}' "$ROOT/docs/systems/marketplace.md"

# without the extension vector
new_database system_marketplace
dump 0
out=$(error_of "$BIN/psql" -X -q -v folder="$files/none" -f "$files/register.sql")
has 'why' 'ERROR:  the folder does not hold the eight migrations' "$out"
is 'none of it is registered' 0 "$(sql 'SELECT count(*) FROM migrations.status()')"
is 'registered' 8 "$(register | grep -c '^added$')"
is 'registered again' 8 "$(register | grep -c '^unchanged$')"
is 'the table of the guide' '002 extension:vector;003 001;004 001,003;005 004;006 003;007 001;008 002,003' \
    "$(sql "SELECT string_agg(version || ' ' || needs, ';' ORDER BY version) FROM (SELECT version, string_agg(needs, ',' ORDER BY needs) AS needs FROM migrations.migration, unnest(requires) needs GROUP BY version) r")"
blocked='001 pending, 002 blocked, 003 pending, 004 pending, 005 pending, 006 pending, 007 pending, 008 blocked'
is 'states' "$blocked" "$(states)"
is 'why' 'requires extension vector, which is not installed|requires 002, which is blocked' \
    "$(sql "SELECT string_agg(message, '|' ORDER BY version) FROM migrations.status() WHERE state = 'blocked'")"
is 'planned' '001 003 004 005 006 007' "$(sql "SELECT string_agg(version, ' ' ORDER BY step) FROM migrations.plan() WHERE step IS NOT NULL")"
for call in 'SELECT * FROM migrations.apply()' "SELECT * FROM migrations.apply(only_version => '008')" 'CALL migrations.apply_each()'; do
    refused "$call" '55000: migration 002 of project "default" is blocked' "$call"
done
has 'what helps' 'HINT:  CREATE EXTENSION vector;' "$(sql 'SELECT * FROM migrations.apply()' 2>&1 || true)"
same 1 0 'a refused run has left something'
is 'still' "$blocked" "$(states)"

# each of the others by itself, up, down and up
former=0
for version in 001 003 004 005 006 007; do
    is "up $version" "$version" "$(apply "only_version => '$version'")"
    dump "$version"
    ! cmp -s "$RUN/market.$version" "$RUN/market.$former" || fail "$version changes nothing"
    is "down $version" "$version" "$(down 1)"
    same back "$former" "the down of $version leaves something"
    is "up $version again" "$version" "$(apply "only_version => '$version'")"
    former=$version
done
is 'one at a time' '001 applied, 002 blocked, 003 applied, 004 applied, 005 applied, 006 applied, 007 applied, 008 blocked' "$(states)"
is 'nothing to do' '' "$(apply "only_version => '007'")"
is 'all down' '007 006 005 004 003 001' "$(down 6)"
same back 0 'all downs leave something'
is 'what 003 requires' '001 003' "$(apply "only_version => '003'")"
is 'what 005 requires' '004 005' "$(apply "only_version => '005'")"
is 'the last ones' '006 007' "$(apply "only_version => '006'") $(apply "only_version => '007'")"
same again 007 'up again is another schema'

totals() { # tables views functions indexes triggers foreign keys, of the schema public
    sql "WITH mine AS (SELECT * FROM pg_class WHERE relnamespace = 'public'::regnamespace)
        SELECT count(*) FILTER (WHERE relkind = 'r'), count(*) FILTER (WHERE relkind = 'v'),
            (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace),
            count(*) FILTER (WHERE relkind = 'i'),
            (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM mine)),
            (SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid IN (SELECT oid FROM mine))
        FROM mine"
}
is 'totals without 002 and 008' '9|2|5|28|5|9' "$(totals)"
is 'each table is closed to the REST interface, and described' 9 \
    "$(sql "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relrowsecurity AND obj_description(oid) IS NOT NULL")"
is 'functions of everyone are triggers only' 'count_message set_updated_at' \
    "$(sql "SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND has_function_privilege('public', oid, 'EXECUTE')")"

# users and keys
people() {
    sql "INSERT INTO users (email, full_name) VALUES ('alice@example.com', 'Alice'), ('bob@example.com', 'Bob');
        INSERT INTO api_keys (user_id, name, key_prefix, key_hash, rate_limit_per_minute, is_active, expires_at)
        SELECT u.id, k.name, 'mk_' || k.name, encode(sha256(('mk_' || k.name)::bytea), 'hex'), k.rate, k.active, k.until
        FROM (VALUES ('alice', 'shop', 2, true, NULL), ('alice', 'old', 60, true, now() - interval '1 day'),
                     ('alice', 'off', 60, false, NULL), ('bob', 'docs', 60, true, now() + interval '1 day')) k (owner, name, rate, active, until)
        JOIN users u ON u.email = k.owner || '@example.com'"
}
people
is 'updated_at is kept' t "$(sql "UPDATE users SET updated_at = '2000-01-01' WHERE email LIKE 'bob%' RETURNING updated_at > '2020-01-01'")"
refused 'an address twice' '23505:.*idx_users_email' "INSERT INTO users (email) VALUES ('ALICE@example.com')"
refused 'a key that is no hash' '23514:.*api_keys_key_hash_check' "INSERT INTO api_keys (user_id, name, key_prefix, key_hash) SELECT id, 'x', 'x', 'mk_secret' FROM users LIMIT 1"
refused 'a scope that is none' '23514:.*api_keys_scopes_check' "UPDATE api_keys SET scopes = '{root}'"
is 'a key' '{chat}|2|alice@example.com' "$(sql "SELECT v.scopes, v.rate_limit_per_minute, u.email FROM validate_api_key('mk_shop') v JOIN users u ON u.id = v.user_id")"
is 'only its use is noted' shop "$(sql 'SELECT name FROM api_keys WHERE last_used_at IS NOT NULL')"
is 'expired, switched off, unknown, none' 0 "$(sql "SELECT count(*) FROM unnest('{mk_old,mk_off,mk_none,NULL}'::text[]) k, validate_api_key(k)")"
sql 'CREATE ROLE marketplace_gateway; GRANT EXECUTE ON FUNCTION validate_api_key(text) TO marketplace_gateway'
is 'the gateway checks keys' 1 "$(sql "SET ROLE marketplace_gateway; SELECT count(*) FROM validate_api_key('mk_docs')")"
refused 'and cannot read them' '42501: permission denied for table api_keys' 'SET ROLE marketplace_gateway; SELECT * FROM api_keys'
sql 'DROP OWNED BY marketplace_gateway; DROP ROLE marketplace_gateway'

# conversations and feedback
sql "WITH c AS (INSERT INTO conversations (user_id, api_key_id, title) SELECT user_id, id, name FROM api_keys WHERE name IN ('shop', 'docs') RETURNING id)
    INSERT INTO messages (conversation_id, role, content, created_at) SELECT id, role, role || ' says', at FROM c, (VALUES ('user', timestamptz '2024-05-01 10:00Z'), ('assistant', '2024-05-01 10:01Z')) m (role, at) ORDER BY at"
is 'messages are counted' '2 2024-05-01 10:01:00|2 2024-05-01 10:01:00' "$(sql "SELECT string_agg(message_count || ' ' || last_message_at AT TIME ZONE 'UTC', '|') FROM conversations")"
sql "DELETE FROM messages m USING conversations c WHERE c.id = conversation_id AND title = 'docs' AND role = 'user'"
is 'and counted down' 1 "$(sql "SELECT message_count FROM conversations WHERE title = 'docs'")"
refused 'a role that is none' '23514:.*messages_role_check' "INSERT INTO messages (conversation_id, role, content) SELECT id, 'robot', 'x' FROM conversations"
sql "INSERT INTO feedback (conversation_id, message_id, rating) SELECT conversation_id, m.id, CASE title WHEN 'shop' THEN 1 ELSE -1 END FROM messages m JOIN conversations c ON c.id = conversation_id WHERE role = 'assistant'"
refused 'thumbs alone' '23514:.*feedback_rating_check' 'UPDATE feedback SET rating = 5'
refused 'once for each answer' '23505:.*feedback_message_id_key' 'INSERT INTO feedback (conversation_id, message_id, rating) SELECT conversation_id, message_id, 1 FROM feedback'
is 'satisfaction' 'docs 1 0 0.00|shop 1 1 1.00' "$(sql "SELECT string_agg(concat_ws(' ', name, answers, liked, satisfaction), '|' ORDER BY name) FROM feedback_by_key f JOIN api_keys k ON k.id = f.api_key_id")"

# usage and limits
log_call() { sql "INSERT INTO usage_logs (api_key_id, endpoint, status_code, prompt_tokens, completion_tokens, created_at) SELECT id, '/v1/chat', $1, 100, 20, $2 FROM api_keys WHERE name = 'shop'"; }
log_call 200 "'2024-05-01 23:30Z'"
log_call 500 "'2024-05-01 23:45Z'"
log_call 200 'now()'
is 'a day of usage' '2|1|240' "$(sql "SELECT calls, failed, tokens FROM usage_by_day WHERE day = '2024-05-01'")"
is 'within the limit' t "$(sql "SELECT within_rate_limit(id) FROM api_keys WHERE name = 'shop'")"
log_call 200 'now()'
is 'the limit' 'docs true, shop false' "$(sql "SELECT string_agg(name || ' ' || within_rate_limit(id), ', ' ORDER BY name) FROM api_keys WHERE name IN ('shop', 'docs')")"
is 'no key' t "$(sql 'SELECT within_rate_limit(gen_random_uuid()) IS NULL')"
refused 'tokens are counted by the server' '428C9:' 'UPDATE usage_logs SET total_tokens = 0'

# subscriptions
subscribe() { # id plan status
    echo "INSERT INTO subscriptions (user_id, stripe_customer_id, stripe_subscription_id, plan, status, current_period_start, current_period_end) SELECT id, 'cus_alice', '$1', '$2', '$3', now() - interval '1 day', now() + interval '29 days' FROM users WHERE email LIKE 'alice%'"
}
plan() { sql "SELECT current_plan(id) FROM users WHERE email LIKE 'alice%'"; }
is 'before' free "$(plan)"
sql "$(subscribe sub_1 pro active)"
is 'subscribed' pro "$(plan)"
refused 'one at a time' '23505:.*idx_subscriptions_current' "$(subscribe sub_2 enterprise trialing)"
refused 'a status that Stripe has not' '23514:.*subscriptions_status_check' "UPDATE subscriptions SET status = 'sleeping'"
refused "another's number" '23514:.*subscriptions_stripe_customer_id_check' "UPDATE subscriptions SET stripe_customer_id = 'alice'"
sql "UPDATE subscriptions SET status = 'canceled'"
is 'canceled' free "$(plan)"
sql "$(subscribe sub_2 enterprise trialing)"
is 'the next one' enterprise "$(plan)"
is 'an event that comes twice' 1 "$(sql "INSERT INTO stripe_events (id, type, payload) VALUES ('evt_1', 'invoice.paid', '{}'); INSERT INTO stripe_events (id, type, payload) VALUES ('evt_1', 'invoice.paid', '{}') ON CONFLICT DO NOTHING; SELECT count(*) FROM stripe_events")"

# what goes with a key, and with a user
sql "DELETE FROM api_keys WHERE name = 'shop'"
is 'conversations outlive the key, usage does not' '2|1|0' "$(sql 'SELECT count(*), count(api_key_id), (SELECT count(*) FROM usage_logs) FROM conversations')"
sql "DELETE FROM users WHERE email LIKE 'alice%'"
is "only Bob's things are left" '1|1|1|1|1|0' "$(sql 'SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM api_keys), (SELECT count(*) FROM conversations), (SELECT count(*) FROM messages), (SELECT count(*) FROM feedback), (SELECT count(*) FROM subscriptions)')"

# a transaction for each
new_database system_marketplace_each
register >/dev/null
for version in 005 006 007; do
    call "apply_each(only_version => '$version')" >/dev/null
done
same each 007 'apply_each makes another schema'
is 'rolled back' 6 "$(call 'rollback_each(6)' | cut -d '|' -f 1)"
same each 0 'rollback_each leaves something'
check_document "$RUN/marketplace_without_vector.md"

if [ "$(sql "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")" = 0 ]; then
    skip 'no extension vector: 002, 008 and the documentation'
    exit 0
fi

# with the extension vector, where the platform has it
vector_database() {
    new_database "$1"
    sql "CREATE SCHEMA extensions; CREATE EXTENSION vector SCHEMA extensions; ALTER DATABASE $1 SET search_path = public, extensions"
    register >/dev/null
}
vector_database system_marketplace_vector
dump v0
is 'nothing is blocked' 8 "$(sql "SELECT count(*) FROM migrations.status() WHERE state = 'pending'")"
refused 'no documents yet' '55000: precondition of migration 002 \(match_documents\)' "SELECT * FROM migrations.apply(only_version => '002')"
same v1 v0 'a refused run has left something'

# 008 replaces two functions, and its down brings the former ones back
functions() { sql "SELECT pg_get_functiondef(oid), proacl, obj_description(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname IN ('match_documents', 'validate_api_key') ORDER BY proname"; }
columns() { sql "SELECT string_agg(concat_ws(' ', column_name, data_type, column_default, is_nullable), ', ' ORDER BY table_name, ordinal_position) FROM information_schema.columns WHERE (table_name, column_name) IN (('api_keys', 'model_id'), ('api_keys', 'system_prompt'), ('api_keys', 'rag_enabled'), ('api_keys', 'agent_name'), ('documents', 'api_key_id'))"; }
is 'before 008' '001 002 003' "$(apply "'003'")"
dump v3
functions >"$RUN/market.functions"
is 'two functions' 2 "$(grep -c '^CREATE OR REPLACE FUNCTION' "$RUN/market.functions")"
is '008 alone' 008 "$(apply "only_version => '008'")"
is 'its columns' "model_id character varying 'mistral-large-latest'::character varying NO, system_prompt text YES, rag_enabled boolean true NO, agent_name character varying YES, api_key_id uuid YES" "$(columns)"
is 'still two functions' 2 "$(functions | grep -c '^CREATE OR REPLACE FUNCTION')"
is 'both are new' 2 "$(functions | grep -cE 'p_api_key_id uuid|model_id character varying, system_prompt text, rag_enabled boolean, agent_name')"
is 'down' 008 "$(down 1)"
diff "$RUN/market.functions" <(functions) || fail 'the functions are not the former ones'
is 'no columns' '' "$(columns)"
same v4 v3 'the down of 008 leaves something'

# what 008 requires comes with it, and nothing else
is 'all down' '003 002 001' "$(down 3)"
is '008 from nothing' '001 002 003 008' "$(apply "only_version => '008'")"
is '008 again' '' "$(apply "only_version => '008'")"
has 'nothing to do' 'NOTICE:  nothing to do' "$(sql "SELECT * FROM migrations.apply(only_version => '008')" 2>&1)"
is 'one run' '4|1' "$(sql "SELECT count(*), count(DISTINCT run_id) FROM migrations.history WHERE action = 'apply' AND seq > (SELECT max(seq) FROM migrations.history WHERE action = 'rollback')")"
refused 'the others are late' '55000: migrations 004, 005, 006, 007 of project "default" are pending below version 008' 'SELECT * FROM migrations.apply()'
down 4 >/dev/null
refused '003 is required' '2BP01: cannot remove migration 003 of project "default": 004, 006, 008 require it' "SELECT migrations.remove('003')"
same v1 v0 'all downs leave something'

# all of them
is 'all up' '001 002 003 004 005 006 007 008' "$(apply '')"
dump v8
is 'totals' '9|2|6|30|5|10' "$(totals)"
is 'nothing to do' '' "$(apply '')"
is 'all down' '008 007 006 005 004 003 002 001' "$(down 8)"
same v1 v0 'all downs leave something'
is 'all up again' '001 002 003 004 005 006 007 008' "$(apply '')"
same v9 v8 'up again is another schema'
is 'verified' '008|t' "$(sql 'SELECT version, ok FROM migrations.verify()')"

# agents and their documents
people
sql "CREATE SCHEMA test; CREATE FUNCTION test.axis(n int) RETURNS vector LANGUAGE sql AS 'SELECT array_agg((i = n)::int ORDER BY i)::vector FROM generate_series(1, 1024) i';
    UPDATE api_keys SET agent_name = 'Shop Helper', system_prompt = 'Be brief.', model_id = 'mistral-small-latest', rag_enabled = false WHERE name = 'shop';
    INSERT INTO documents (user_id, title, content, metadata, embedding, api_key_id)
    SELECT u.id, d.title, d.title, jsonb_build_object('lang', d.lang), test.axis(d.axis) + test.axis(3), k.id
    FROM (VALUES ('shared', 'en', 1, NULL), ('returns', 'en', 1, 'shop'), ('retours', 'fr', 1, 'shop'), ('far', 'en', 2, 'shop'), ('manual', 'en', 1, 'docs')) d (title, lang, axis, agent)
    LEFT JOIN api_keys k ON k.name = d.agent JOIN users u ON u.id = k.user_id OR k.id IS NULL AND u.email LIKE 'bob%'"
is 'an agent as configured' 'mistral-small-latest|Be brief.|f|Shop Helper' "$(sql "SELECT model_id, system_prompt, rag_enabled, agent_name FROM validate_api_key('mk_shop')")"
is 'an agent by default' 'mistral-large-latest||t|docs' "$(sql "SELECT model_id, system_prompt, rag_enabled, agent_name FROM validate_api_key('mk_docs')")"
is 'still no expired keys' 0 "$(sql "SELECT count(*) FROM validate_api_key('mk_old')")"
refused 'no model' '23502:.*model_id' 'UPDATE api_keys SET model_id = NULL'
found() { sql "SELECT string_agg(title, ' ' ORDER BY similarity DESC, title) FROM match_documents(test.axis(1)$1)"; }
key() { echo "p_api_key_id => (SELECT id FROM api_keys WHERE name = '$1')"; }
is 'of no agent' shared "$(found '')"
is "the shop's" 'retours returns' "$(found ", $(key shop)")"
is "the manual's" manual "$(found ", $(key docs)")"
is 'nearer ones alone' '' "$(found ", match_threshold => 0.8, $(key shop)")"
is 'farther ones, too' 'retours returns far' "$(found ", match_threshold => -0.1, $(key shop)")"
is 'by metadata' retours "$(found ", filter => '{\"lang\": \"fr\"}', $(key shop)")"
is 'how near' 0.7071 "$(sql "SELECT round(similarity::numeric, 4) FROM match_documents(test.axis(1))")"
is 'the first ones' 1 "$(sql "SELECT count(*) FROM match_documents(test.axis(1), match_threshold => -0.1, match_count => 1, $(key shop))")"
refused 'another number of dimensions' '22000: expected 1024 dimensions' "UPDATE documents SET embedding = '[1,2,3]'"
refused 'an agent that is none' '23503:.*documents_api_key_id_fkey' 'UPDATE documents SET api_key_id = gen_random_uuid()'
sql "DELETE FROM api_keys WHERE name = 'shop'"
refused "the guide's own rollback leaves functions that fail" '42703: column k.model_id does not exist' "ALTER TABLE api_keys DROP COLUMN model_id, DROP COLUMN system_prompt, DROP COLUMN rag_enabled, DROP COLUMN agent_name; SELECT * FROM validate_api_key('mk_docs')"
is "an agent's documents go with it" 'manual shared' "$(sql "SELECT string_agg(title, ' ' ORDER BY title) FROM documents")"
is 'down, with data' 008 "$(down 1)"
is 'what is left is found' 'manual shared' "$(found '')"
is 'keys are valid' '{chat}' "$(sql "SELECT scopes FROM validate_api_key('mk_docs')")"

# the documentation
apply '' >/dev/null
check_document "$RUN/marketplace.md"

# pasted into a web editor: one query of several statements; the rows of the last one are shown
people
down 1 >/dev/null
paste="SELECT migrations.remove('008');
    SELECT migrations.add('008', 'agent_config', requires => '{003, 002}',
        up => \$up\$$(cat "$files/008_agent_config.sql")\$up\$, down => \$down\$$(cat "$files/008_agent_config.down.sql")\$down\$);
    SELECT version, name, direction FROM migrations.apply(only_version => '008');
    SELECT count(*) FROM migrations.status() WHERE state = 'applied'"
is 'pasted' 'removed added 008|agent_config|up 8' "$(sql "$paste" 2>/dev/null | tr '\n' ' ' | sed 's/ $//')"
is 'pasted again, but for the removal' 'unchanged 8' "$(sql "${paste#*;}" 2>/dev/null | tr '\n' ' ' | sed 's/ $//')"
is 'agents by default, for keys that there were' 'mistral-large-latest t' "$(sql "SELECT DISTINCT model_id, rag_enabled FROM api_keys" | tr '|' ' ')"
refused 'a procedure is a query by itself' '25001:' "SELECT 1; CALL migrations.apply_each()"
same v9 v8 'pasted, it is another schema'

# a transaction for each
vector_database system_marketplace_vector_each
is 'applied' 8 "$(call 'apply_each()' | cut -d '|' -f 1)"
same v9 v8 'apply_each makes another schema'
is 'rolled back' 8 "$(call 'rollback_each(8)' | cut -d '|' -f 1)"
same v1 v0 'rollback_each leaves something'
is 'from nothing' 4 "$(call "apply_each(only_version => '008')" | cut -d '|' -f 1)"
