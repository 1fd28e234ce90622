-- Questions and responses become messages; then their columns go.
SELECT migrations.keep('conversations');

-- The times of a conversation stay as they are, so the figures are set below.
ALTER TABLE messages DISABLE TRIGGER update_conversation_on_message_insert;

-- What was said since the table is there comes after the old question and response.
UPDATE messages m SET position = m.position + 2
FROM conversations c
WHERE c.id = m.conversation_id AND c.question IS NOT NULL
  AND EXISTS (SELECT FROM messages o WHERE o.conversation_id = c.id AND o.position <= 2);

INSERT INTO messages (conversation_id, position, role, content, metadata, created_at)
SELECT c.id, pair.position, pair.role, pair.content, '{"moved": true}', pair.created_at
FROM conversations c
CROSS JOIN LATERAL (VALUES
    (1, 'user', c.question, c.created_at),
    (2, 'assistant', c.response, c.updated_at)
) AS pair (position, role, content, created_at)
WHERE pair.content IS NOT NULL;

ALTER TABLE messages ENABLE TRIGGER update_conversation_on_message_insert;

UPDATE conversations c
SET title = left(c.question, 80),
    message_count = m.messages,
    last_message_at = m.last_message_at
FROM (SELECT conversation_id, count(*) AS messages, max(created_at) AS last_message_at
      FROM messages GROUP BY conversation_id) m
WHERE m.conversation_id = c.id AND c.question IS NOT NULL;

DO $$
DECLARE
    expected int := (SELECT count(question) + count(response) FROM conversations);
    moved int := (SELECT count(*) FROM messages m JOIN conversations c ON c.id = m.conversation_id
                  WHERE m.metadata @> '{"moved": true}'
                    AND m.content = CASE m.role WHEN 'user' THEN c.question ELSE c.response END);
BEGIN
    IF expected <> moved THEN
        RAISE EXCEPTION '% questions and responses, but % messages', expected, moved;
    END IF;
    RAISE NOTICE '% messages', moved;
END $$;

ALTER TABLE conversations
    DROP COLUMN question,
    DROP COLUMN response,
    DROP COLUMN preview;

SELECT role, count(*) AS messages FROM messages GROUP BY role ORDER BY role DESC;
