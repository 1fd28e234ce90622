-- What came out of a session, in a table per kind.

CREATE TABLE resume_optimizations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id uuid NOT NULL UNIQUE REFERENCES ai_processing_sessions (id) ON DELETE CASCADE,
    user_id uuid NOT NULL,
    resume_id uuid NOT NULL,
    optimization_type varchar(30) NOT NULL,
    original_content jsonb NOT NULL,
    optimized_content jsonb NOT NULL,
    suggestions jsonb NOT NULL DEFAULT '[]',
    keywords_added text[] NOT NULL DEFAULT '{}',
    score_before numeric(5, 2) NOT NULL,
    score_after numeric(5, 2) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT resume_optimizations_type_valid CHECK (optimization_type IN
        ('ats', 'keywords', 'content', 'formatting', 'job_specific')),
    CONSTRAINT resume_optimizations_scores_valid CHECK (score_before BETWEEN 0 AND 100 AND score_after BETWEEN 0 AND 100),
    CONSTRAINT resume_optimizations_suggestions_array CHECK (jsonb_typeof(suggestions) = 'array')
);
COMMENT ON TABLE resume_optimizations IS 'resumes before and after';
CREATE INDEX idx_resume_optimizations_user_id ON resume_optimizations (user_id, created_at DESC);
CREATE INDEX idx_resume_optimizations_resume_id ON resume_optimizations (resume_id, created_at DESC);
CREATE INDEX idx_resume_optimizations_type ON resume_optimizations (optimization_type);

CREATE TABLE job_match_analyses (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id uuid NOT NULL UNIQUE REFERENCES ai_processing_sessions (id) ON DELETE CASCADE,
    user_id uuid NOT NULL,
    resume_id uuid NOT NULL,
    job_title varchar(200) NOT NULL,
    company varchar(200),
    required_skills text[] NOT NULL,
    matching_skills text[] NOT NULL DEFAULT '{}',
    missing_skills text[] NOT NULL DEFAULT '{}',
    match_score numeric(5, 2) GENERATED ALWAYS AS
        (round(100.0 * cardinality(matching_skills) / cardinality(required_skills), 2)) STORED,
    recommendations jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT job_match_analyses_skills_given CHECK (cardinality(required_skills) > 0),
    CONSTRAINT job_match_analyses_skills_sorted CHECK (matching_skills <@ required_skills AND missing_skills <@ required_skills
        AND NOT matching_skills && missing_skills
        AND cardinality(matching_skills) + cardinality(missing_skills) = cardinality(required_skills))
);
COMMENT ON TABLE job_match_analyses IS 'how well a resume fits a job: each required skill either matches or is missing';
CREATE INDEX idx_job_match_analyses_user_id ON job_match_analyses (user_id, created_at DESC);
CREATE INDEX idx_job_match_analyses_resume_id ON job_match_analyses (resume_id);
CREATE INDEX idx_job_match_analyses_score ON job_match_analyses (match_score DESC);
CREATE INDEX idx_job_match_analyses_missing ON job_match_analyses USING gin (missing_skills);

CREATE TABLE skill_analyses (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id uuid NOT NULL UNIQUE REFERENCES ai_processing_sessions (id) ON DELETE CASCADE,
    user_id uuid NOT NULL,
    skills jsonb NOT NULL,
    skill_gaps text[] NOT NULL DEFAULT '{}',
    recommendations jsonb NOT NULL DEFAULT '[]',
    market_demand_score numeric(5, 2),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT skill_analyses_skills_object CHECK (jsonb_typeof(skills) = 'object'),
    CONSTRAINT skill_analyses_demand_valid CHECK (market_demand_score BETWEEN 0 AND 100)
);
COMMENT ON TABLE skill_analyses IS 'levels of skills, gaps, and what to learn';
CREATE INDEX idx_skill_analyses_user_id ON skill_analyses (user_id, created_at DESC);
CREATE INDEX idx_skill_analyses_gaps ON skill_analyses USING gin (skill_gaps);

CREATE TABLE content_analyses (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id uuid NOT NULL UNIQUE REFERENCES ai_processing_sessions (id) ON DELETE CASCADE,
    user_id uuid NOT NULL,
    content_type varchar(20) NOT NULL,
    content_id uuid NOT NULL,
    readability_score numeric(5, 2) NOT NULL,
    grammar_score numeric(5, 2) NOT NULL,
    impact_score numeric(5, 2) NOT NULL,
    overall_score numeric(5, 2) GENERATED ALWAYS AS
        (round((readability_score + grammar_score + impact_score) / 3, 2)) STORED,
    issues jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT content_analyses_type_valid CHECK (content_type IN ('resume', 'cover_letter', 'profile')),
    CONSTRAINT content_analyses_scores_valid CHECK (readability_score BETWEEN 0 AND 100
        AND grammar_score BETWEEN 0 AND 100 AND impact_score BETWEEN 0 AND 100)
);
COMMENT ON TABLE content_analyses IS 'quality of a text';
CREATE INDEX idx_content_analyses_user_id ON content_analyses (user_id, created_at DESC);
CREATE INDEX idx_content_analyses_content ON content_analyses (content_type, content_id);
CREATE INDEX idx_content_analyses_score ON content_analyses (overall_score);

CREATE TRIGGER update_resume_optimizations_updated_at BEFORE UPDATE ON resume_optimizations
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_job_match_analyses_updated_at BEFORE UPDATE ON job_match_analyses
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_skill_analyses_updated_at BEFORE UPDATE ON skill_analyses
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_content_analyses_updated_at BEFORE UPDATE ON content_analyses
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE FUNCTION get_optimization_statistics(p_user_id uuid DEFAULT NULL)
RETURNS TABLE (optimization_type text, optimizations bigint, average_improvement numeric, best_improvement numeric, keywords_added bigint)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT o.optimization_type, count(*), round(avg(o.score_after - o.score_before), 2),
           max(o.score_after - o.score_before), sum(cardinality(o.keywords_added))
    FROM resume_optimizations o
    WHERE p_user_id IS NULL OR o.user_id = p_user_id
    GROUP BY o.optimization_type
    ORDER BY o.optimization_type
$$;
COMMENT ON FUNCTION get_optimization_statistics(uuid) IS 'improvements by type, of a user or of all';

CREATE FUNCTION get_analysis_statistics(p_user_id uuid)
RETURNS TABLE (job_matches bigint, average_match numeric, best_match text, most_missing_skill text,
    skill_analyses bigint, content_analyses bigint, average_content_score numeric)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT (SELECT count(*) FROM job_match_analyses j WHERE j.user_id = p_user_id),
           (SELECT round(avg(j.match_score), 2) FROM job_match_analyses j WHERE j.user_id = p_user_id),
           (SELECT j.job_title FROM job_match_analyses j WHERE j.user_id = p_user_id
            ORDER BY j.match_score DESC, j.created_at DESC, j.id LIMIT 1),
           (SELECT skill FROM job_match_analyses j, unnest(j.missing_skills) skill WHERE j.user_id = p_user_id
            GROUP BY skill ORDER BY count(*) DESC, skill LIMIT 1),
           (SELECT count(*) FROM skill_analyses s WHERE s.user_id = p_user_id),
           (SELECT count(*) FROM content_analyses c WHERE c.user_id = p_user_id),
           (SELECT round(avg(c.overall_score), 2) FROM content_analyses c WHERE c.user_id = p_user_id)
$$;
COMMENT ON FUNCTION get_analysis_statistics(uuid) IS 'figures of the analyses of a user';

CREATE VIEW processing_session_summary AS
SELECT s.id AS session_id,
       s.user_id,
       s.session_type,
       s.status,
       m.name AS model,
       s.total_tokens,
       s.processing_ms,
       coalesce(o.score_after - o.score_before, j.match_score, k.market_demand_score, c.overall_score) AS result_score,
       s.created_at
FROM ai_processing_sessions s
JOIN ai_models m ON m.id = s.model_id
LEFT JOIN resume_optimizations o ON o.session_id = s.id
LEFT JOIN job_match_analyses j ON j.session_id = s.id
LEFT JOIN skill_analyses k ON k.session_id = s.id
LEFT JOIN content_analyses c ON c.session_id = s.id;
COMMENT ON VIEW processing_session_summary IS 'sessions with their model and the figure that came out';

CREATE VIEW user_ai_activity AS
SELECT user_id,
       count(*) AS sessions,
       count(*) FILTER (WHERE status = 'completed') AS completed,
       count(DISTINCT session_type) AS kinds,
       sum(total_tokens) AS total_tokens,
       min(created_at) AS first_at,
       max(created_at) AS last_at
FROM ai_processing_sessions
GROUP BY user_id;
COMMENT ON VIEW user_ai_activity IS 'what each user has had done';
