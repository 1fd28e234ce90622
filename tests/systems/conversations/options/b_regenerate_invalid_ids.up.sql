-- Option B: keys that are no UUIDs get new ones. The map says which, for all that names
-- a conversation or session by its old key.
SELECT migrations.keep('conversations');

CREATE TABLE conversation_id_map (
    kind text NOT NULL CONSTRAINT conversation_id_map_kind_check CHECK (kind IN ('conversation', 'session')),
    old_id text NOT NULL,
    new_id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT conversation_id_map_new_id_key UNIQUE,
    PRIMARY KEY (kind, old_id)
);
COMMENT ON TABLE conversation_id_map IS 'the UUIDs of conversations and sessions that had another key before';

INSERT INTO conversation_id_map (kind, old_id)
SELECT 'conversation', id FROM conversations WHERE id !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
UNION
SELECT 'session', session_id FROM conversations WHERE session_id !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';

UPDATE conversations c SET id = m.new_id::text
FROM conversation_id_map m WHERE m.kind = 'conversation' AND m.old_id = c.id;
UPDATE conversations c SET session_id = m.new_id::text
FROM conversation_id_map m WHERE m.kind = 'session' AND m.old_id = c.session_id;

SELECT kind, count(*) AS new_ids FROM conversation_id_map GROUP BY kind ORDER BY kind;
