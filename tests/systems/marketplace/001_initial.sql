-- Users and their documents, which the agents answer from.

CREATE FUNCTION set_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END $$;
COMMENT ON FUNCTION set_updated_at() IS 'Trigger: keeps updated_at';

CREATE TABLE users (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email       varchar(255) NOT NULL,
    full_name   varchar(200),
    role        varchar(20) NOT NULL DEFAULT 'user',
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_email_check CHECK (email LIKE '_%@_%'),
    CONSTRAINT users_role_check CHECK (role IN ('user', 'admin'))
);
-- One account per address, however it is written.
CREATE UNIQUE INDEX idx_users_email ON users (lower(email));

CREATE TABLE documents (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id     uuid NOT NULL,
    title       varchar(500) NOT NULL,
    content     text NOT NULL,
    metadata    jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT documents_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT documents_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);
CREATE INDEX idx_documents_user_id ON documents (user_id, created_at DESC);
CREATE INDEX idx_documents_metadata ON documents USING gin (metadata jsonb_path_ops);

CREATE TRIGGER users_updated_at BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER documents_updated_at BEFORE UPDATE ON documents
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- The REST interface shows the schema public: without policies, to the backend alone.
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE documents ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE users IS 'Accounts of the marketplace';
COMMENT ON TABLE documents IS 'Passages of text, the knowledge of the agents';
COMMENT ON COLUMN documents.metadata IS 'Source, language, page; match_documents filters by it';
