-- The keys of conversations become UUIDs: a column of type text can't be the target of a
-- foreign key from one of type uuid.

-- The copy stays when this migration is rolled back. From here on nobody else writes.
SELECT migrations.keep('conversations');

DO $$
DECLARE
    pattern CONSTANT text := '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
    wrong int;
    total int;
    first_ones text;
BEGIN
    SELECT count(*) FILTER (WHERE id !~* pattern OR session_id !~* pattern), count(*)
    INTO wrong, total FROM conversations;
    IF wrong > 0 THEN
        SELECT string_agg(format('%s (session %s)', id, coalesce(session_id, 'none')), ', ' ORDER BY id)
        INTO first_ones
        FROM (SELECT id, session_id FROM conversations
              WHERE id !~* pattern OR session_id !~* pattern
              ORDER BY id LIMIT 10) t;
        RAISE EXCEPTION 'migration impossible: % of % conversations have an id or session_id that is not a valid UUID', wrong, total
            USING ERRCODE = 'invalid_text_representation',
                DETAIL = 'The first ones: ' || first_ones || '.',
                HINT = 'Register one of these as version 000001.1, and apply again: option A, delete_invalid_conversations, or option B, regenerate_invalid_ids.';
    END IF;
END $$;

ALTER TABLE conversations
    ALTER COLUMN id DROP DEFAULT,
    ALTER COLUMN id TYPE uuid USING id::uuid,
    ALTER COLUMN id SET DEFAULT gen_random_uuid(),
    ALTER COLUMN session_id TYPE uuid USING session_id::uuid;

-- Every row is still there, with the same content.
DO $$
DECLARE
    before int := (SELECT count(*) FROM migrations_backup.conversations__default_000002);
    same int := (SELECT count(*)
                 FROM migrations_backup.conversations__default_000002 b
                 JOIN conversations c ON c.id = b.id::uuid AND c.session_id IS NOT DISTINCT FROM b.session_id::uuid
                 WHERE (c.user_id, c.question, c.created_at) = (b.user_id, b.question, b.created_at)
                   AND c.response IS NOT DISTINCT FROM b.response);
    after int := (SELECT count(*) FROM conversations);
BEGIN
    IF before <> same OR before <> after THEN
        RAISE EXCEPTION 'rows differ: % before, % after, % the same', before, after, same;
    END IF;
    RAISE NOTICE '% conversations checked', after;
END $$;
