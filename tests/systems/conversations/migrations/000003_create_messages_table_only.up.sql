-- Messages get a table of their own, and conversations the figures that lists show.

CREATE TABLE messages (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    conversation_id uuid NOT NULL
        CONSTRAINT messages_conversation_id_fkey REFERENCES conversations (id) ON DELETE CASCADE,
    position int NOT NULL CONSTRAINT messages_position_check CHECK (position > 0),
    role text NOT NULL CONSTRAINT messages_role_check CHECK (role IN ('user', 'assistant', 'system')),
    content text NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT messages_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Deferrable, so that a statement may move several messages on.
    CONSTRAINT messages_conversation_id_position_key UNIQUE (conversation_id, position) DEFERRABLE
);
CREATE INDEX idx_messages_conversation_id_created_at ON messages (conversation_id, created_at);
CREATE INDEX idx_messages_created_at ON messages (created_at DESC);
CREATE INDEX idx_messages_user_content ON messages USING gin (to_tsvector('simple', content)) WHERE role = 'user';
COMMENT ON TABLE messages IS 'what was said in a conversation, in the order of position';
COMMENT ON COLUMN messages.metadata IS 'model, tokens, sources and the like';

ALTER TABLE conversations
    -- Only the old rows have one.
    ALTER COLUMN question DROP NOT NULL,
    ADD COLUMN title text,
    ADD COLUMN message_count int NOT NULL DEFAULT 0
        CONSTRAINT conversations_message_count_check CHECK (message_count >= 0),
    ADD COLUMN last_message_at timestamptz;

CREATE FUNCTION update_conversation_metadata() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE conversations
    SET message_count = message_count + 1,
        last_message_at = greatest(last_message_at, NEW.created_at),
        title = coalesce(title, CASE NEW.role WHEN 'user' THEN left(NEW.content, 80) END),
        updated_at = now()
    WHERE id = NEW.conversation_id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION update_conversation_metadata() IS 'trigger: keeps title, figures and times of a conversation';

CREATE TRIGGER update_conversation_on_message_insert AFTER INSERT ON messages
    FOR EACH ROW EXECUTE FUNCTION update_conversation_metadata();

CREATE FUNCTION add_message_to_conversation(
    p_conversation_id uuid, p_role text, p_content text, p_metadata jsonb DEFAULT '{}'
) RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
    message_id uuid;
BEGIN
    IF coalesce(btrim(p_content), '') = '' THEN
        RAISE EXCEPTION 'a message must not be empty' USING ERRCODE = 'check_violation';
    END IF;
    -- One after the other, so that positions are without gaps.
    PERFORM FROM conversations WHERE id = p_conversation_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'conversation % does not exist', p_conversation_id
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    INSERT INTO messages (conversation_id, position, role, content, metadata, created_at)
    SELECT p_conversation_id, coalesce(max(position), 0) + 1, p_role, p_content, p_metadata, clock_timestamp()
    FROM messages WHERE conversation_id = p_conversation_id
    RETURNING id INTO message_id;
    RETURN message_id;
END $$;
COMMENT ON FUNCTION add_message_to_conversation(uuid, text, text, jsonb) IS 'adds a message at the end of a conversation';

CREATE FUNCTION create_conversation_with_messages(
    p_user_id uuid, p_session_id uuid, p_question text, p_response text, p_metadata jsonb DEFAULT '{}'
) RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
    conversation_id uuid;
BEGIN
    INSERT INTO conversations (user_id, session_id) VALUES (p_user_id, p_session_id)
    RETURNING id INTO conversation_id;
    PERFORM add_message_to_conversation(conversation_id, 'user', p_question);
    PERFORM add_message_to_conversation(conversation_id, 'assistant', p_response, p_metadata);
    RETURN conversation_id;
END $$;
COMMENT ON FUNCTION create_conversation_with_messages(uuid, uuid, text, text, jsonb) IS 'makes a conversation with a question and its answer';

CREATE FUNCTION get_conversation_messages(p_conversation_id uuid)
RETURNS TABLE (id uuid, "position" int, role text, content text, metadata jsonb, created_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT m.id, m.position, m.role, m.content, m.metadata, m.created_at
    FROM messages m WHERE m.conversation_id = p_conversation_id
    ORDER BY m.position
$$;
COMMENT ON FUNCTION get_conversation_messages(uuid) IS 'all messages of a conversation, in their order';

CREATE VIEW conversation_stats AS
SELECT c.id AS conversation_id, c.user_id, c.session_id, c.title, c.feedback, c.created_at,
       count(m.id) AS messages,
       count(m.id) FILTER (WHERE m.role = 'user') AS user_messages,
       count(m.id) FILTER (WHERE m.role = 'assistant') AS assistant_messages,
       max(m.created_at) AS last_message_at,
       coalesce(sum(length(m.content)), 0) AS characters
FROM conversations c
LEFT JOIN messages m ON m.conversation_id = c.id
GROUP BY c.id;
COMMENT ON VIEW conversation_stats IS 'figures of each conversation';
