-- What each agent was told is lost. Documents of agents become documents of all: delete
-- those that must not.

-- The functions as 002 and 003 have made them.
DROP FUNCTION validate_api_key(text);
CREATE FUNCTION validate_api_key(p_key text) RETURNS TABLE (
    api_key_id             uuid,
    user_id                uuid,
    scopes                 text[],
    rate_limit_per_minute  integer
)
LANGUAGE sql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
    UPDATE api_keys k
    SET last_used_at = now()
    WHERE k.key_hash = encode(sha256(convert_to(p_key, 'UTF8')), 'hex')
      AND k.is_active
      AND (k.expires_at IS NULL OR k.expires_at > now())
    RETURNING k.id, k.user_id, k.scopes, k.rate_limit_per_minute
$$;
REVOKE EXECUTE ON FUNCTION validate_api_key(text) FROM PUBLIC;
COMMENT ON FUNCTION validate_api_key(text) IS 'Whose a key is and what it may do; no row if it is none, or not valid any more';

DROP FUNCTION match_documents(vector, double precision, integer, jsonb, uuid);
CREATE FUNCTION match_documents(
    query_embedding  vector(1024),
    match_threshold  double precision DEFAULT 0.7,
    match_count      integer DEFAULT 5,
    filter           jsonb DEFAULT '{}'
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
    ORDER BY d.embedding <=> query_embedding
    LIMIT least(match_count, 100)
$$;
REVOKE EXECUTE ON FUNCTION match_documents(vector, double precision, integer, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION match_documents(vector, double precision, integer, jsonb)
    IS 'The documents nearest to a question, best first';

ALTER TABLE documents DROP COLUMN IF EXISTS api_key_id;
ALTER TABLE api_keys
    DROP COLUMN IF EXISTS model_id,
    DROP COLUMN IF EXISTS system_prompt,
    DROP COLUMN IF EXISTS rag_enabled,
    DROP COLUMN IF EXISTS agent_name;
