-- What was tried to make a resume better, and whether it helped.

CREATE TABLE resume_optimizations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    resume_id uuid NOT NULL REFERENCES resumes (id) ON DELETE CASCADE,
    version_id uuid REFERENCES resume_versions (id) ON DELETE SET NULL,
    user_id uuid NOT NULL,
    optimization_type varchar(30) NOT NULL,
    job_description text,
    status varchar(20) NOT NULL DEFAULT 'pending',
    score_before numeric(5, 2),
    score_after numeric(5, 2),
    improvement numeric(5, 2) GENERATED ALWAYS AS (score_after - score_before) STORED,
    ai_model varchar(100),
    tokens_used int NOT NULL DEFAULT 0,
    processing_ms int,
    error_message text,
    created_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT resume_optimizations_type_valid CHECK (optimization_type IN
        ('ats', 'keywords', 'content', 'formatting', 'job_specific')),
    CONSTRAINT resume_optimizations_job CHECK (optimization_type <> 'job_specific' OR job_description IS NOT NULL),
    CONSTRAINT resume_optimizations_status_valid CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
    CONSTRAINT resume_optimizations_scores_valid CHECK (score_before BETWEEN 0 AND 100 AND score_after BETWEEN 0 AND 100),
    CONSTRAINT resume_optimizations_completed CHECK (status <> 'completed'
        OR (num_nulls(score_before, score_after, completed_at) = 0)),
    CONSTRAINT resume_optimizations_costs_valid CHECK (tokens_used >= 0 AND processing_ms >= 0)
);
COMMENT ON TABLE resume_optimizations IS 'attempts to improve a resume';
COMMENT ON COLUMN resume_optimizations.version_id IS 'the version that came out of it';
CREATE INDEX idx_resume_optimizations_resume_id ON resume_optimizations (resume_id, created_at DESC);
CREATE INDEX idx_resume_optimizations_version_id ON resume_optimizations (version_id);
CREATE INDEX idx_resume_optimizations_user_id ON resume_optimizations (user_id, created_at DESC);
CREATE INDEX idx_resume_optimizations_open ON resume_optimizations (created_at) WHERE status IN ('pending', 'processing');
CREATE INDEX idx_resume_optimizations_type ON resume_optimizations (optimization_type, status);

CREATE TABLE resume_analyses (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    resume_id uuid NOT NULL REFERENCES resumes (id) ON DELETE CASCADE,
    optimization_id uuid REFERENCES resume_optimizations (id) ON DELETE SET NULL,
    analysis_type varchar(30) NOT NULL,
    overall_score numeric(5, 2) NOT NULL,
    section_scores jsonb NOT NULL DEFAULT '{}',
    strengths text[] NOT NULL DEFAULT '{}',
    weaknesses text[] NOT NULL DEFAULT '{}',
    missing_keywords text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT resume_analyses_type_valid CHECK (analysis_type IN ('quality', 'ats', 'keywords', 'readability')),
    CONSTRAINT resume_analyses_score_valid CHECK (overall_score BETWEEN 0 AND 100),
    CONSTRAINT resume_analyses_section_scores_object CHECK (jsonb_typeof(section_scores) = 'object')
);
COMMENT ON TABLE resume_analyses IS 'results of an analysis, by section';
CREATE INDEX idx_resume_analyses_resume_id ON resume_analyses (resume_id, created_at DESC);
CREATE INDEX idx_resume_analyses_optimization_id ON resume_analyses (optimization_id);
CREATE INDEX idx_resume_analyses_type ON resume_analyses (analysis_type, overall_score);
CREATE INDEX idx_resume_analyses_keywords ON resume_analyses USING gin (missing_keywords);

CREATE TABLE optimization_feedback (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    optimization_id uuid NOT NULL REFERENCES resume_optimizations (id) ON DELETE CASCADE,
    user_id uuid NOT NULL,
    rating int NOT NULL,
    was_helpful boolean,
    comment text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT optimization_feedback_once UNIQUE (optimization_id, user_id),
    CONSTRAINT optimization_feedback_rating_valid CHECK (rating BETWEEN 1 AND 5)
);
COMMENT ON TABLE optimization_feedback IS 'what users think of an optimization, once each';
CREATE INDEX idx_optimization_feedback_user_id ON optimization_feedback (user_id);
CREATE INDEX idx_optimization_feedback_rating ON optimization_feedback (rating);

CREATE TRIGGER update_resume_optimizations_updated_at BEFORE UPDATE ON resume_optimizations
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE FUNCTION get_optimization_statistics(p_user_id uuid DEFAULT NULL)
RETURNS TABLE (total bigint, completed bigint, failed bigint, success_rate numeric,
    average_improvement numeric, average_rating numeric, tokens_used bigint)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT count(*),
           count(*) FILTER (WHERE o.status = 'completed'),
           count(*) FILTER (WHERE o.status = 'failed'),
           round(100.0 * count(*) FILTER (WHERE o.status = 'completed')
               / nullif(count(*) FILTER (WHERE o.status IN ('completed', 'failed')), 0), 1),
           round(avg(o.improvement), 2),
           round(avg(f.rating), 2),
           coalesce(sum(o.tokens_used), 0)
    FROM resume_optimizations o
    LEFT JOIN LATERAL (SELECT avg(rating) AS rating FROM optimization_feedback
        WHERE optimization_id = o.id) f ON true
    WHERE p_user_id IS NULL OR o.user_id = p_user_id
$$;
COMMENT ON FUNCTION get_optimization_statistics(uuid) IS 'figures of the optimizations of a user, or of all';

CREATE FUNCTION get_resume_optimization_history(p_resume_id uuid, p_limit int DEFAULT 20)
RETURNS TABLE (optimization_id uuid, optimization_type text, status text, version_number int,
    score_before numeric, score_after numeric, improvement numeric, rating numeric, created_at timestamptz)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT o.id, o.optimization_type, o.status, v.version_number,
           o.score_before, o.score_after, o.improvement,
           (SELECT round(avg(rating), 2) FROM optimization_feedback f WHERE f.optimization_id = o.id),
           o.created_at
    FROM resume_optimizations o
    LEFT JOIN resume_versions v ON v.id = o.version_id
    WHERE o.resume_id = p_resume_id
    ORDER BY o.created_at DESC, o.id
    LIMIT p_limit
$$;
COMMENT ON FUNCTION get_resume_optimization_history(uuid, int) IS 'the optimizations of a resume, the newest first';

CREATE VIEW optimization_performance AS
SELECT optimization_type,
       ai_model,
       count(*) AS attempts,
       count(*) FILTER (WHERE status = 'completed') AS completed,
       round(avg(improvement), 2) AS average_improvement,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY processing_ms) AS p95_ms,
       sum(tokens_used) AS tokens_used
FROM resume_optimizations
GROUP BY optimization_type, ai_model;
COMMENT ON VIEW optimization_performance IS 'how well each kind of optimization does with each model';

CREATE VIEW resume_analytics AS
SELECT r.id AS resume_id,
       r.user_id,
       r.title,
       a.analyses,
       a.latest_score,
       a.best_score,
       o.optimizations,
       o.best_improvement
FROM resumes r
CROSS JOIN LATERAL (
    SELECT count(*) AS analyses, max(overall_score) AS best_score,
           (array_agg(overall_score ORDER BY created_at DESC, id))[1] AS latest_score
    FROM resume_analyses WHERE resume_id = r.id) a
CROSS JOIN LATERAL (
    SELECT count(*) AS optimizations, max(improvement) AS best_improvement
    FROM resume_optimizations WHERE resume_id = r.id) o
WHERE r.deleted_at IS NULL;
COMMENT ON VIEW resume_analytics IS 'resumes with the results of their analyses and optimizations';
