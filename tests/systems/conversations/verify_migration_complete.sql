-- The seven checks. What the last one makes is taken back with the script.
CREATE TEMPORARY TABLE checks (n int GENERATED ALWAYS AS IDENTITY, "check" text NOT NULL, ok boolean NOT NULL) ON COMMIT DROP;

INSERT INTO checks ("check", ok) VALUES
    ('conversations.id is of type uuid',
     EXISTS (SELECT FROM information_schema.columns
             WHERE (table_schema, table_name, column_name, data_type) = ('public', 'conversations', 'id', 'uuid'))),
    ('table messages exists', to_regclass('public.messages') IS NOT NULL),
    ('foreign key messages.conversation_id -> conversations.id exists',
     EXISTS (SELECT FROM pg_constraint
             WHERE conrelid = to_regclass('public.messages') AND confrelid = to_regclass('public.conversations')
               AND contype = 'f' AND convalidated AND conname = 'messages_conversation_id_fkey')),
    ('the 4 helper functions exist',
     4 = (SELECT count(*) FROM pg_proc
          WHERE pronamespace = 'public'::regnamespace
            AND proname IN ('create_conversation_with_messages', 'add_message_to_conversation',
                            'get_conversation_messages', 'update_conversation_metadata'))),
    ('trigger update_conversation_on_message_insert exists, and is enabled',
     EXISTS (SELECT FROM pg_trigger
             WHERE tgrelid = to_regclass('public.messages') AND tgname = 'update_conversation_on_message_insert'
               AND tgenabled = 'O')),
    ('view conversation_stats exists',
     EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('public.conversation_stats') AND relkind = 'v'));

DO $$
DECLARE
    missing text := (SELECT string_agg("check", '; ' ORDER BY n) FROM checks WHERE NOT ok);
    made uuid;
BEGIN
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'migration is not complete: this does not hold: %', missing;
    END IF;
    made := create_conversation_with_messages(gen_random_uuid(), gen_random_uuid(), 'a question', 'a response');
    PERFORM add_message_to_conversation(made, 'user', 'another question');
    INSERT INTO checks ("check", ok)
    SELECT 'a conversation can be made, continued, read and counted',
           (SELECT (message_count, title) = (3, 'a question') FROM conversations WHERE id = made)
           AND (SELECT array_agg(content) = '{a question,a response,another question}' FROM get_conversation_messages(made))
           AND (SELECT (messages, user_messages, assistant_messages) = (3, 2, 1) FROM conversation_stats WHERE conversation_id = made);
    IF EXISTS (SELECT FROM checks WHERE NOT ok) THEN
        RAISE EXCEPTION 'migration is not functional: what create_conversation_with_messages() makes is not what is read';
    END IF;
    -- Of a script like this one apply shows the notices, verify() its rows as well.
    RAISE NOTICE 'MIGRATION COMPLETE AND FUNCTIONAL';
END $$;

SELECT ok, "check" FROM (
    SELECT n, ok, "check" FROM checks
    UNION ALL
    SELECT 8, bool_and(ok) AND count(*) = 7, 'MIGRATION COMPLETE AND FUNCTIONAL' FROM checks
) report ORDER BY n;
