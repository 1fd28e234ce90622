ALTER TABLE conversations
    ADD COLUMN question text,
    ADD COLUMN response text,
    ADD COLUMN preview text;

UPDATE conversations c
SET question = q.content,
    response = (SELECT r.content FROM messages r
                WHERE r.conversation_id = c.id AND r.role = 'assistant' AND r.metadata @> '{"moved": true}')
FROM messages q
WHERE q.conversation_id = c.id AND q.role = 'user' AND q.metadata @> '{"moved": true}';

-- No message has them.
UPDATE conversations c SET preview = b.preview
FROM migrations_backup.conversations__default_000004 b
WHERE b.id = c.id AND b.preview IS NOT NULL;

-- What was said since stays in messages.
DELETE FROM messages WHERE metadata @> '{"moved": true}';
UPDATE conversations c
SET title = NULL,
    message_count = (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id),
    last_message_at = (SELECT max(m.created_at) FROM messages m WHERE m.conversation_id = c.id)
WHERE question IS NOT NULL;
