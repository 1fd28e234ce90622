-- Calls of AI models, what they cost, and embeddings.

CREATE FUNCTION update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = now();
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION update_updated_at_column() IS 'trigger: sets updated_at to the time of the transaction';

CREATE TABLE ai_models (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name varchar(100) NOT NULL UNIQUE,
    provider varchar(50) NOT NULL,
    model_type varchar(20) NOT NULL,
    max_tokens int NOT NULL,
    input_cost_per_1k numeric(10, 6) NOT NULL DEFAULT 0,
    output_cost_per_1k numeric(10, 6) NOT NULL DEFAULT 0,
    settings jsonb NOT NULL DEFAULT '{}',
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ai_models_type_valid CHECK (model_type IN ('chat', 'embedding')),
    CONSTRAINT ai_models_numbers_valid CHECK (max_tokens > 0 AND input_cost_per_1k >= 0 AND output_cost_per_1k >= 0)
);
COMMENT ON TABLE ai_models IS 'models that can be called; costs in US dollars';
CREATE INDEX idx_ai_models_provider ON ai_models (provider);
CREATE INDEX idx_ai_models_active ON ai_models (model_type) WHERE is_active;

CREATE TABLE ai_processing_sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    model_id uuid NOT NULL REFERENCES ai_models (id),
    session_type varchar(30) NOT NULL,
    status varchar(20) NOT NULL DEFAULT 'pending',
    request jsonb NOT NULL DEFAULT '{}',
    response jsonb,
    prompt_tokens int NOT NULL DEFAULT 0,
    completion_tokens int NOT NULL DEFAULT 0,
    total_tokens int GENERATED ALWAYS AS (prompt_tokens + completion_tokens) STORED,
    processing_ms int,
    error_message text,
    created_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ai_processing_sessions_type_valid CHECK (session_type IN
        ('resume_optimization', 'job_match', 'skill_analysis', 'content_analysis', 'embedding')),
    CONSTRAINT ai_processing_sessions_status_valid CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
    CONSTRAINT ai_processing_sessions_numbers_valid CHECK (prompt_tokens >= 0 AND completion_tokens >= 0 AND processing_ms >= 0),
    CONSTRAINT ai_processing_sessions_error_of_failure CHECK ((error_message IS NOT NULL) = (status = 'failed'))
);
COMMENT ON TABLE ai_processing_sessions IS 'calls of a model, with their tokens';
COMMENT ON COLUMN ai_processing_sessions.user_id IS 'of the user service, which has a database of its own: no foreign key';
CREATE INDEX idx_ai_processing_sessions_user_id ON ai_processing_sessions (user_id, created_at DESC);
CREATE INDEX idx_ai_processing_sessions_model_id ON ai_processing_sessions (model_id, created_at);
CREATE INDEX idx_ai_processing_sessions_type ON ai_processing_sessions (session_type, status);
CREATE INDEX idx_ai_processing_sessions_open ON ai_processing_sessions (created_at) WHERE status IN ('pending', 'processing');

CREATE TABLE embeddings (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    content_type varchar(20) NOT NULL,
    content_id uuid NOT NULL,
    model_id uuid NOT NULL REFERENCES ai_models (id),
    content_hash varchar(64) NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT embeddings_once UNIQUE (content_type, content_id, model_id),
    CONSTRAINT embeddings_content_type_valid CHECK (content_type IN ('resume', 'job', 'skill'))
);
COMMENT ON TABLE embeddings IS 'vectors of 1536 numbers for resumes, jobs and skills';
CREATE INDEX idx_embeddings_model_id ON embeddings (model_id);
CREATE INDEX idx_embeddings_content_hash ON embeddings (content_hash);

-- With pgvector where it is installed, as an array elsewhere.
DO $$
BEGIN
    IF to_regtype('vector') IS NOT NULL THEN
        ALTER TABLE embeddings ADD COLUMN embedding vector(1536) NOT NULL;
        IF EXISTS (SELECT FROM pg_am WHERE amname = 'hnsw') THEN
            CREATE INDEX idx_embeddings_embedding ON embeddings USING hnsw (embedding vector_cosine_ops);
        END IF;
    ELSE
        ALTER TABLE embeddings ADD COLUMN embedding real[] NOT NULL
            CONSTRAINT embeddings_dimensions CHECK (cardinality(embedding) = 1536);
    END IF;
END
$$;

CREATE TRIGGER update_ai_models_updated_at BEFORE UPDATE ON ai_models
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_ai_processing_sessions_updated_at BEFORE UPDATE ON ai_processing_sessions
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_embeddings_updated_at BEFORE UPDATE ON embeddings
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE FUNCTION get_session_statistics(p_user_id uuid DEFAULT NULL, p_since timestamptz DEFAULT '-infinity')
RETURNS TABLE (session_type text, sessions bigint, completed bigint, failed bigint, total_tokens bigint, average_ms numeric)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT s.session_type, count(*),
           count(*) FILTER (WHERE s.status = 'completed'),
           count(*) FILTER (WHERE s.status = 'failed'),
           sum(s.total_tokens), round(avg(s.processing_ms))
    FROM ai_processing_sessions s
    WHERE (p_user_id IS NULL OR s.user_id = p_user_id) AND s.created_at >= p_since
    GROUP BY s.session_type
    ORDER BY s.session_type
$$;
COMMENT ON FUNCTION get_session_statistics(uuid, timestamptz) IS 'sessions by type, of a user or of all';

CREATE FUNCTION get_model_performance(p_since timestamptz DEFAULT '-infinity')
RETURNS TABLE (model text, sessions bigint, success_rate numeric, average_ms numeric, total_tokens bigint, cost numeric)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT m.name, count(s.id),
           round(100.0 * count(*) FILTER (WHERE s.status = 'completed')
               / nullif(count(*) FILTER (WHERE s.status IN ('completed', 'failed')), 0), 1),
           round(avg(s.processing_ms)),
           coalesce(sum(s.total_tokens), 0),
           coalesce(round(sum(s.prompt_tokens * m.input_cost_per_1k + s.completion_tokens * m.output_cost_per_1k) / 1000, 4), 0)
    FROM ai_models m
    LEFT JOIN ai_processing_sessions s ON s.model_id = m.id AND s.created_at >= p_since
    GROUP BY m.id
    ORDER BY m.name
$$;
COMMENT ON FUNCTION get_model_performance(timestamptz) IS 'success, speed, tokens and cost of each model';

INSERT INTO ai_models (name, provider, model_type, max_tokens, input_cost_per_1k, output_cost_per_1k) VALUES
    ('gpt-4', 'openai', 'chat', 8192, 0.03, 0.06),
    ('gpt-3.5-turbo', 'openai', 'chat', 16385, 0.0005, 0.0015),
    ('claude-3-opus', 'anthropic', 'chat', 200000, 0.015, 0.075),
    ('claude-3-haiku', 'anthropic', 'chat', 200000, 0.00025, 0.00125),
    ('text-embedding-3-small', 'openai', 'embedding', 8191, 0.00002, 0);
