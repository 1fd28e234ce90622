-- Search by meaning, for pgvector. 1024 dimensions are those of mistral-embed.

ALTER TABLE documents ADD COLUMN embedding vector(1024);
CREATE INDEX idx_documents_embedding ON documents USING hnsw (embedding vector_cosine_ops);
COMMENT ON COLUMN documents.embedding IS 'Of the content, by mistral-embed; NULL until computed';

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
