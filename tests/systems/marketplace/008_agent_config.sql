-- Agent Marketplace v1: each key is an agent, with a model, a prompt and documents of its own.

ALTER TABLE api_keys
    ADD COLUMN model_id       varchar(100) NOT NULL DEFAULT 'mistral-large-latest',
    ADD COLUMN system_prompt  text,
    ADD COLUMN rag_enabled    boolean NOT NULL DEFAULT true,
    ADD COLUMN agent_name     varchar(100),
    ADD CONSTRAINT api_keys_model_id_check CHECK (model_id <> ''),
    ADD CONSTRAINT api_keys_system_prompt_check CHECK (length(system_prompt) <= 20000);
COMMENT ON COLUMN api_keys.model_id IS 'The language model that answers';
COMMENT ON COLUMN api_keys.system_prompt IS 'What the agent is told first; NULL: the marketplace''s own prompt';
COMMENT ON COLUMN api_keys.rag_enabled IS 'Whether the agent looks into its documents';
COMMENT ON COLUMN api_keys.agent_name IS 'The name that is shown; NULL: that of the key';

ALTER TABLE documents ADD COLUMN api_key_id uuid,
    ADD CONSTRAINT documents_api_key_id_fkey FOREIGN KEY (api_key_id) REFERENCES api_keys (id) ON DELETE CASCADE;
CREATE INDEX idx_documents_api_key_id ON documents (api_key_id);
COMMENT ON COLUMN documents.api_key_id IS 'The agent whose document it is; NULL: of none, as all were before';

-- Another list of arguments: without the DROP there would be two functions of the name.
DROP FUNCTION match_documents(vector, double precision, integer, jsonb);
CREATE FUNCTION match_documents(
    query_embedding  vector(1024),
    match_threshold  double precision DEFAULT 0.7,
    match_count      integer DEFAULT 5,
    filter           jsonb DEFAULT '{}',
    p_api_key_id     uuid DEFAULT NULL
) RETURNS TABLE (
    id          uuid,
    title       varchar,
    content     text,
    metadata    jsonb,
    similarity  double precision
)
LANGUAGE sql STABLE
SET search_path = public, extensions
AS $$
    SELECT d.id, d.title, d.content, d.metadata, 1 - (d.embedding <=> query_embedding)
    FROM documents d
    WHERE 1 - (d.embedding <=> query_embedding) > match_threshold
      AND d.metadata @> filter
      AND (d.api_key_id = p_api_key_id OR (p_api_key_id IS NULL AND d.api_key_id IS NULL))
    ORDER BY d.embedding <=> query_embedding
    LIMIT least(match_count, 100)
$$;
REVOKE EXECUTE ON FUNCTION match_documents(vector, double precision, integer, jsonb, uuid) FROM PUBLIC;
COMMENT ON FUNCTION match_documents(vector, double precision, integer, jsonb, uuid)
    IS 'The documents of an agent (without one: of none) nearest to a question, best first';

-- Another type of result, which CREATE OR REPLACE can't give it.
DROP FUNCTION validate_api_key(text);
CREATE FUNCTION validate_api_key(p_key text) RETURNS TABLE (
    api_key_id             uuid,
    user_id                uuid,
    scopes                 text[],
    rate_limit_per_minute  integer,
    model_id               varchar,
    system_prompt          text,
    rag_enabled            boolean,
    agent_name             varchar
)
LANGUAGE sql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
    UPDATE api_keys k
    SET last_used_at = now()
    WHERE k.key_hash = encode(sha256(convert_to(p_key, 'UTF8')), 'hex')
      AND k.is_active
      AND (k.expires_at IS NULL OR k.expires_at > now())
    RETURNING k.id, k.user_id, k.scopes, k.rate_limit_per_minute,
              k.model_id, k.system_prompt, k.rag_enabled, coalesce(k.agent_name, k.name)
$$;
REVOKE EXECUTE ON FUNCTION validate_api_key(text) FROM PUBLIC;
COMMENT ON FUNCTION validate_api_key(text) IS 'Whose a key is, what it may do and how its agent is configured; no row if it is none, or not valid any more';
