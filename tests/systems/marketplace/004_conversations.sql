-- What was asked and answered.

CREATE TABLE conversations (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id          uuid NOT NULL,
    api_key_id       uuid,
    title            varchar(200),
    message_count    integer NOT NULL DEFAULT 0,
    last_message_at  timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT conversations_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT conversations_api_key_id_fkey FOREIGN KEY (api_key_id) REFERENCES api_keys (id) ON DELETE SET NULL,
    CONSTRAINT conversations_message_count_check CHECK (message_count >= 0)
);
CREATE INDEX idx_conversations_user_id ON conversations (user_id, last_message_at DESC NULLS LAST);
CREATE INDEX idx_conversations_api_key_id ON conversations (api_key_id);

CREATE TABLE messages (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id  uuid NOT NULL,
    role             varchar(20) NOT NULL,
    content          text NOT NULL,
    sources          uuid[] NOT NULL DEFAULT '{}',
    created_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT messages_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES conversations (id) ON DELETE CASCADE,
    CONSTRAINT messages_role_check CHECK (role IN ('system', 'user', 'assistant'))
);
CREATE INDEX idx_messages_conversation_id ON messages (conversation_id, id);

CREATE FUNCTION count_message() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE conversations
        SET message_count = message_count + 1, last_message_at = NEW.created_at
        WHERE id = NEW.conversation_id;
    ELSE
        UPDATE conversations SET message_count = message_count - 1 WHERE id = OLD.conversation_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER messages_count AFTER INSERT OR DELETE ON messages
    FOR EACH ROW EXECUTE FUNCTION count_message();

ALTER TABLE conversations ENABLE ROW LEVEL SECURITY;
ALTER TABLE messages ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE conversations IS 'Conversations with an agent; they outlive its key';
COMMENT ON TABLE messages IS 'What was said, in order of id';
COMMENT ON COLUMN messages.sources IS 'The documents that an answer is based on';
COMMENT ON FUNCTION count_message() IS 'Trigger: keeps message_count and last_message_at';
