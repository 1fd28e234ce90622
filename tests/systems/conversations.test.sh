# Conversations and messages: rows with a question and a response become conversations with
# messages, in a database with sixteen other tables that must not notice. Its guide's steps,
# checks and problems, applied as a whole and one by one.
SYSTEM=$ROOT/tests/systems/conversations
OTHERS='analytics_cache billing_plans daily_openai_summary dashboard_stats_lite dashboard_stats_snapshot
    monthly_invoices monthly_usage_tracking openai_api_calls openai_costs_cache openai_usage quota_audit_log
    server_performance_metrics statistics_cache system_errors user_billing_info user_sessions'

file() { "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -f "$1" 2>&1; }
add() { # version name files [verify]: registers FILES.up.sql and FILES.down.sql
    "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -v version="$1" -v name="$2" -v up="$(cat "$3.up.sql")" \
        -v down="$(cat "$3.down.sql")" -v verify="${4:+$(cat "$4")}" >/dev/null \
        <<<"SELECT migrations.add(:'version', :'name', :'up', :'down', verify => nullif(:'verify', ''), replace => true)"
}
database() { # name: another legacy database with all migrations registered
    sql_in postgres "CREATE DATABASE $1 TEMPLATE system_conversations"
    export PGDATABASE=$1
}
quietly() { sql "$1" 2>/dev/null || fail "$1"; }
refused() { # sql: gives the error
    if "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -c "$1" 2>&1; then fail "not refused: $1"; fi
}
shape() { dump_schema -n public; }
legacy_data() {
    sql 'SELECT * FROM conversations ORDER BY created_at; SELECT * FROM invitations ORDER BY id;
         SELECT * FROM invitations_cache; SELECT * FROM questions_cache ORDER BY id'
}
others() { # their rows, who wrote them, and which files they are in
    local table rows=
    for table in $OTHERS; do rows+="SELECT pg_relation_filenode('$table'), xmin, t.* FROM $table t ORDER BY 3;"; done
    sql "$rows"
}
others_shape() {
    local table tables=()
    for table in $OTHERS; do tables+=("--table=public.$table"); done
    dump_schema "${tables[@]}"
}
whole() { shape && legacy_data && others; }
states() { sql "SELECT string_agg(version || ' ' || state, ', ' ORDER BY version) FROM migrations.status()"; }

new_database system_conversations
file "$SYSTEM/legacy.sql" >/dev/null
load_folder "$SYSTEM/migrations"
# a file can't carry a verify script
add 000005 verify_migration_complete "$SYSTEM/migrations/000005_verify_migration_complete" "$SYSTEM/verify_migration_complete.sql"
is 'sixteen other tables' 16 "$(wc -w <<<"$OTHERS")"
is 'tables of the legacy database' 20 "$(sql "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")"

# Problem 2: the messages table before the types are right
database conversations_atomic
shape >"$RUN/conversations.shape"
whole >"$RUN/conversations.before"
{ others && others_shape; } >"$RUN/conversations.others"
error=$(refused "SELECT * FROM migrations.apply(only_version => '000003')")
has 'the very error' '^ERROR:  42804: foreign key constraint "messages_conversation_id_fkey" cannot be implemented$' "$error"
has 'why' '^DETAIL:  Key columns "conversation_id" .*"id".* incompatible types: uuid and text\.$' "$error"
has 'where' '^CONTEXT:  migration 000003 \(create_messages_table_only\) of project default, statement 1 of [0-9]+, line 3$' "$error"
whole | diff "$RUN/conversations.before" - || fail 'a failed apply leaves something'
is 'nothing is applied' '' "$(sql 'SELECT migrations.version()')"

# steps 1 to 6 in one transaction; what each has to say
"$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -c "SELECT version || ' ' || unnest(messages) FROM migrations.apply()" >"$RUN/conversations.told" 2>/dev/null
told=$(cat "$RUN/conversations.told")
is 'what step 1 reports' '000001 {"finding":"column id","value":"text"}
000001 {"finding":"column session_id","value":"text"}
000001 {"finding":"column question","value":"text"}
000001 {"finding":"column response","value":"text"}
000001 {"finding":"column preview","value":"text"}
000001 {"finding":"conversations","value":"5"}
000001 {"finding":"ids that are no UUIDs","value":"0"}
000001 {"finding":"session ids that are no UUIDs","value":"0"}' "$(grep '^000001' <<<"$told")"
is 'what step 2 has counted' '000002 NOTICE: 5 conversations checked' "$(grep '^000002' <<<"$told")"
is 'what was moved' '000004 NOTICE: 9 messages
000004 {"role":"user","messages":5}
000004 {"role":"assistant","messages":4}' "$(grep '^000004' <<<"$told")"
is 'what step 5 says' '000005 NOTICE: MIGRATION COMPLETE AND FUNCTIONAL
000005 {"conversations":5,"messages":9}' "$(grep '^000005' <<<"$told")"
shape >"$RUN/conversations.after"

# the catalog
is 'tables of the guide, and nothing else' "$(tr -s ' \n' '\n\n' <<<"$OTHERS conversations messages" | sort | paste -sd' ')" \
    "$(sql "SELECT string_agg(relname, ' ' ORDER BY relname COLLATE \"C\") FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")"
is 'functions' 'add_message_to_conversation create_conversation_with_messages get_conversation_messages update_conversation_metadata' \
    "$(sql "SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc WHERE pronamespace = 'public'::regnamespace")"
is 'views' conversation_stats "$(sql "SELECT string_agg(relname, ' ') FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace")"
is 'triggers' 'messages.update_conversation_on_message_insert O' "$(sql "SELECT string_agg(tgrelid::regclass || '.' || tgname || ' ' || tgenabled::text, ' ') FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text IN ('messages', 'conversations')")"
is 'indexes' 'conversations_pkey idx_conversations_session_id idx_conversations_user_id_created_at idx_messages_conversation_id_created_at idx_messages_created_at idx_messages_user_content messages_conversation_id_position_key messages_pkey' \
    "$(sql "SELECT string_agg(indexrelid::regclass::text, ' ' ORDER BY indexrelid::regclass::text COLLATE \"C\") FROM pg_index WHERE indisvalid AND indrelid IN ('messages'::regclass, 'conversations'::regclass)")"
is 'foreign key' 'messages_conversation_id_fkey messages conversations c t' "$(sql "SELECT conname, conrelid::regclass, confrelid::regclass, confdeltype, convalidated FROM pg_constraint WHERE contype = 'f' AND conrelid = 'messages'::regclass" | tr '|' ' ')"
is 'types' 'conversation_id uuid, id uuid, id uuid, session_id uuid' "$(sql "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attname) FROM pg_attribute WHERE attrelid IN ('messages'::regclass, 'conversations'::regclass) AND attname IN ('id', 'session_id', 'conversation_id')")"
is 'the old columns are gone' 0 "$(sql "SELECT count(*) FROM pg_attribute WHERE attrelid = 'conversations'::regclass AND attname IN ('question', 'response', 'preview')")"
{ others && others_shape; } | diff "$RUN/conversations.others" - || fail 'another table was touched'
is 'backups' 'conversations 000002 5, conversations 000004 5, invitations 000006 2, invitations_cache 000006 1, questions_cache 000006 2' \
    "$(sql "SELECT string_agg(concat_ws(' ', replace(copied_from, 'public.', ''), version, rows), ', ' ORDER BY version, copied_from COLLATE \"C\") FROM migrations.backups")"
is 'named so' 'text|0B1C2D3E-0003-4000-8000-00000000000A' "$(sql "SELECT pg_typeof(id), id FROM migrations_backup.conversations__default_000002 WHERE id ~ 'A'")"

# data: the old rows, and new ones
OLD=0b1c2d3e-0001-4000-8000-000000000001
is 'a moved pair' '1|user|What is the weight of a broiler at 35 days?
2|assistant|About 2.2 kg for a mixed flock.' "$(sql "SELECT position, role, content FROM get_conversation_messages('$OLD')")"
is 'its conversation' 't|2|t|1' "$(sql "SELECT title = 'What is the weight of a broiler at 35 days?', message_count, updated_at = '2025-09-01 08:00:05+00', feedback FROM conversations WHERE id = '$OLD'")"
is 'a question without a response' '1|1|0' "$(sql "SELECT messages, user_messages, assistant_messages FROM conversation_stats WHERE conversation_id = '0b1c2d3e-0004-4000-8000-000000000004'")"
NEW=$(sql "SELECT create_conversation_with_messages('0a000000-0000-4000-8000-000000000009', '5e550000-0000-4000-8000-000000000009', 'Which litter?', 'Wood shavings.', '{\"model\": \"gpt-4o\"}')")
is 'made with two messages' 'user 1 {}, assistant 2 {"model": "gpt-4o"}' "$(sql "SELECT string_agg(concat_ws(' ', role, position, metadata), ', ' ORDER BY position) FROM messages WHERE conversation_id = '$NEW'")"
sql "SELECT add_message_to_conversation('$NEW', 'user', 'How deep?')" >/dev/null
is 'the trigger counts, and keeps the title' 'Which litter?|3|t|t' "$(sql "SELECT title, message_count, last_message_at = (SELECT max(created_at) FROM messages WHERE conversation_id = c.id), updated_at > created_at FROM conversations c WHERE id = '$NEW'")"
is 'the view counts' '3|2|1|36' "$(sql "SELECT messages, user_messages, assistant_messages, characters FROM conversation_stats WHERE conversation_id = '$NEW'")"
has 'no empty message' 'ERROR:  23514: a message must not be empty' "$(refused "SELECT add_message_to_conversation('$NEW', 'user', '  ')")"
has 'no message without a conversation' 'ERROR:  23503: conversation 0.* does not exist' "$(refused "SELECT add_message_to_conversation('00000000-0000-4000-8000-000000000000', 'user', 'x')")"
has 'nor past the function' 'ERROR:  23503: .*messages_conversation_id_fkey' "$(refused "INSERT INTO messages (conversation_id, position, role, content) VALUES ('00000000-0000-4000-8000-000000000000', 1, 'user', 'x')")"
has 'no other role' 'ERROR:  23514: .*messages_role_check' "$(refused "SELECT add_message_to_conversation('$NEW', 'robot', 'x')")"
has 'no position twice' 'ERROR:  23505: .*messages_conversation_id_position_key' "$(refused "INSERT INTO messages (conversation_id, position, role, content) VALUES ('$NEW', 1, 'user', 'x')")"
has 'no id but a UUID' 'ERROR:  22P02: ' "$(refused "INSERT INTO conversations (id, user_id) VALUES ('conv-1', gen_random_uuid())")"
is 'messages go with their conversation' '3|0' "$(sql "BEGIN; SELECT count(*) FROM messages WHERE conversation_id = '$NEW'; DELETE FROM conversations WHERE id = '$NEW'; SELECT count(*) FROM messages WHERE conversation_id = '$NEW'; ROLLBACK" | paste -sd'|')"

# the checks again, at any time
rows=$(sql 'SELECT count(*) FROM messages')
is 'the seven checks' '7 of 7' "$(sql "SELECT count(*) FILTER (WHERE m::json ->> 'ok' = 'true') || ' of ' || count(*) FROM migrations.verify(), unnest(messages) m WHERE m LIKE '{%' AND m NOT LIKE '%COMPLETE%'")"
is 'and the last row' '000005|t|{"ok":true,"check":"MIGRATION COMPLETE AND FUNCTIONAL"}' "$(sql 'SELECT version, ok, messages[cardinality(messages)] FROM migrations.verify()')"
is 'its test is taken back' "$rows" "$(sql 'SELECT count(*) FROM messages')"
for broken in 'DROP VIEW conversation_stats#view conversation_stats exists' \
    'ALTER TABLE messages DISABLE TRIGGER update_conversation_on_message_insert#trigger update_conversation_on_message_insert exists, and is enabled' \
    'ALTER TABLE messages DROP CONSTRAINT messages_conversation_id_fkey#foreign key messages.conversation_id -> conversations.id exists' \
    'DROP FUNCTION get_conversation_messages#the 4 helper functions exist'; do
    is "without it: ${broken%#*}" "f|migration is not complete: this does not hold: ${broken#*#} (P0001)" \
        "$(sql "BEGIN; ${broken%#*}; SELECT ok, message FROM migrations.verify(); ROLLBACK")"
done
is 'not functional' 'f|migration is not functional: what create_conversation_with_messages() makes is not what is read (P0001)' \
    "$(sql "BEGIN; CREATE OR REPLACE FUNCTION update_conversation_metadata() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; SELECT ok, message FROM migrations.verify(); ROLLBACK")"

# what the documentation shows runs
check_document "$ROOT/docs/systems/conversations.md"
shape | diff "$RUN/conversations.after" - || fail 'the documentation leaves something'

# down, and up again
sql "DELETE FROM conversations WHERE id = '$NEW'"
quietly 'SELECT version FROM migrations.rollback(6)' >/dev/null
whole | diff "$RUN/conversations.before" - || fail 'all downs leave something'
is 'the next number' 4 "$(sql "INSERT INTO questions_cache (question_hash, answer) VALUES ('x', 'y') RETURNING id")"
sql "DELETE FROM questions_cache WHERE id = 4"
quietly 'SELECT version FROM migrations.apply()' >/dev/null
shape | diff "$RUN/conversations.after" - || fail 'up again is another schema'
is 'messages again' 9 "$(sql 'SELECT count(*) FROM messages')"
is 'older backups made way' 'migrations_backup.conversations__default_000002 migrations_backup.conversations__default_000002_2' \
    "$(sql "SELECT string_agg(backup::text, ' ' ORDER BY backup::text COLLATE \"C\") FROM migrations.backups WHERE version = '000002'")"

# what was said since: it fits the old shape as far as that goes, and the rest is kept
NEW=$(sql "SELECT create_conversation_with_messages('0a000000-0000-4000-8000-000000000009', NULL, 'Which litter?', 'Wood shavings.')")
sql "SELECT add_message_to_conversation('$NEW', 'user', 'How deep?'); SELECT add_message_to_conversation('$OLD', 'user', 'And at 42?')" >/dev/null
quietly 'SELECT version FROM migrations.rollback(4)' >/dev/null
is 'a new conversation in the old shape' 'Which litter?|Wood shavings.|' "$(sql "SELECT question, response, preview FROM conversations WHERE id = '$NEW'")"
is 'an old one' 'About 2.2 kg for a mixed flock.|About 2.2 kg' "$(sql "SELECT response, preview FROM conversations WHERE id = '$OLD'")"
is 'kept on the way down' '4|And at 42?, How deep?' "$(sql "SELECT count(*), string_agg(content, ', ' ORDER BY content) FILTER (WHERE position > 2) FROM migrations_backup.messages__default_000003_down")"
quietly 'SELECT version FROM migrations.apply()' >/dev/null
is 'and up once more' '11|2' "$(sql "SELECT count(*), count(*) FILTER (WHERE conversation_id = '$NEW') FROM messages")"

# the same with a transaction for each step
database conversations_each
is 'applied' 6 "$(quietly 'CALL migrations.apply_each()' | cut -d'|' -f1)"
shape >"$RUN/conversations.after_each"; diff "$RUN/conversations.after" "$RUN/conversations.after_each" || fail 'apply_each makes another schema than apply'
is 'runs' 't|9' "$(sql 'SELECT (SELECT ok FROM migrations.verify()), count(*) FROM messages')"
is 'rolled back' 6 "$(quietly 'CALL migrations.rollback_each(6)' | cut -d'|' -f1)"
shape | diff "$RUN/conversations.shape" - || fail 'rollback_each leaves something'
legacy_data | diff <(PGDATABASE=system_conversations legacy_data) - || fail 'the legacy data is another'
is 'applied again' 6 "$(quietly 'CALL migrations.apply_each()' | cut -d'|' -f1)"
shape | diff "$RUN/conversations.after" - || fail 'up again is another schema'

# Problem 1: ids that aren't UUIDs stop step 2, which says which, and nothing is changed
database conversations_a
file "$SYSTEM/invalid.sql" >/dev/null
whole >"$RUN/conversations.invalid"
legacy_data >"$RUN/conversations.rows"
error=$(refused 'SELECT * FROM migrations.apply()')
has 'how many' '^ERROR:  22P02: migration impossible: 3 of 8 conversations have an id or session_id that is not a valid UUID$' "$error"
has 'which' '^DETAIL:  The first ones: 0b1c2d3e-0006-4000-8000-000000000006 \(session browser-7\), conv-42 \(session 5e550000-0000-4000-8000-000000000001\), conv-43 \(session browser-7\)\.$' "$error"
has 'what to do' '^HINT:  .*option A, delete_invalid_conversations, or option B, regenerate_invalid_ids\.$' "$error"
has 'where it was' '^migration 000002 \(fix_conversations_id_type\) of project default, statement 2 of 4, line 7$' "$error"
whole | diff "$RUN/conversations.invalid" - || fail 'a failed apply leaves something'
is 'no backup either' 0 "$(sql 'SELECT count(*) FROM migrations.backups')"

# option A: they are deleted
add 000001.1 delete_invalid_conversations "$SYSTEM/options/a_delete_invalid_conversations"
is 'it comes before step 2' '000001 000001.1 000002' "$(sql "SELECT string_agg(version, ' ' ORDER BY step) FROM migrations.plan() WHERE step <= 3")"
is 'which were deleted' 'conv-42 conv-43 0b1c2d3e-0006-4000-8000-000000000006' \
    "$(quietly "SELECT string_agg(m::json ->> 'id', ' ') FROM migrations.apply(), unnest(messages) m WHERE version = '000001.1'")"
is 'it goes on' '000006|5|9' "$(sql 'SELECT migrations.version(), (SELECT count(*) FROM conversations), (SELECT count(*) FROM messages)')"
is 'complete' t "$(sql 'SELECT ok FROM migrations.verify()')"
quietly 'SELECT version FROM migrations.rollback(7)' >/dev/null
whole | diff "$RUN/conversations.invalid" - || fail 'the deleted conversations are not back'

# option B, one by one: they get new ids, and a map
database conversations_b
file "$SYSTEM/invalid.sql" >/dev/null
error=$(refused 'CALL migrations.apply_each()')
has 'the same error' 'ERROR:  22P02: migration impossible: 3 of 8' "$error"
is 'step 1 stays, step 2 has failed' '000001 applied, 000002 failed, 000003 pending, 000004 pending, 000005 pending, 000006 pending' "$(states)"
is 'the history says so' 'failure|22P02|2' "$(sql "SELECT outcome, sqlstate, statement_no FROM migrations.history WHERE version = '000002' AND action = 'apply'")"
add 000001.1 regenerate_invalid_ids "$SYSTEM/options/b_regenerate_invalid_ids"
is 'it goes on' 6 "$(quietly 'CALL migrations.apply_each()' | cut -d'|' -f1)"
is 'nothing was lost' '8|15|t' "$(sql 'SELECT (SELECT count(*) FROM conversations), (SELECT count(*) FROM messages), (SELECT ok FROM migrations.verify())')"
is 'the map' 'conversation conv-42, conversation conv-43, session browser-7' "$(sql "SELECT string_agg(kind || ' ' || old_id, ', ' ORDER BY kind, old_id) FROM conversation_id_map")"
is 'an API call finds its conversation' 'gpt-4o-mini|Does it work?' \
    "$(sql "SELECT a.model, c.title FROM openai_api_calls a JOIN conversation_id_map m ON m.kind = 'conversation' AND m.old_id = a.conversation_id JOIN conversations c ON c.id = m.new_id")"
is 'one session is still one' 2 "$(sql "SELECT count(*) FROM conversations c JOIN conversation_id_map m ON m.kind = 'session' AND m.new_id = c.session_id")"
is 'rolled back' 7 "$(quietly 'CALL migrations.rollback_each(7)' | cut -d'|' -f1)"
shape | diff "$RUN/conversations.shape" - || fail 'the map is still there'
legacy_data | diff "$RUN/conversations.rows" - || fail 'the old ids are not back'
