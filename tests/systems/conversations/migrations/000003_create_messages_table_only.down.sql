-- A row of the old shape holds one question and one response. What is more than that is
-- lost to it, but not from the copy.
SELECT migrations.keep('messages');

UPDATE conversations c
SET question = coalesce((SELECT m.content FROM messages m
                         WHERE m.conversation_id = c.id AND m.role = 'user' ORDER BY m.position LIMIT 1), ''),
    response = (SELECT m.content FROM messages m
                WHERE m.conversation_id = c.id AND m.role = 'assistant' ORDER BY m.position LIMIT 1)
WHERE question IS NULL;

DROP VIEW conversation_stats;
DROP FUNCTION get_conversation_messages(uuid);
DROP FUNCTION create_conversation_with_messages(uuid, uuid, text, text, jsonb);
DROP FUNCTION add_message_to_conversation(uuid, text, text, jsonb);
DROP TABLE messages;
DROP FUNCTION update_conversation_metadata();
ALTER TABLE conversations
    DROP COLUMN last_message_at,
    DROP COLUMN message_count,
    DROP COLUMN title,
    ALTER COLUMN question SET NOT NULL;
