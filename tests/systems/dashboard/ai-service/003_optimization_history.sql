-- What optimizations teach: about models, users and templates.

CREATE TABLE optimization_templates (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name varchar(100) NOT NULL UNIQUE,
    category varchar(30) NOT NULL,
    description text,
    prompt_template text NOT NULL,
    variables text[] NOT NULL DEFAULT '{}',
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT optimization_templates_category_valid CHECK (category IN
        ('ats', 'keywords', 'content', 'formatting', 'job_specific'))
);
COMMENT ON TABLE optimization_templates IS 'prompts with {{variables}}';
CREATE INDEX idx_optimization_templates_category ON optimization_templates (category) WHERE is_active;

CREATE TABLE optimization_history (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    optimization_id uuid REFERENCES resume_optimizations (id) ON DELETE SET NULL,
    template_id uuid REFERENCES optimization_templates (id) ON DELETE SET NULL,
    model_id uuid REFERENCES ai_models (id) ON DELETE SET NULL,
    user_id uuid NOT NULL,
    optimization_type varchar(30) NOT NULL,
    score_before numeric(5, 2) NOT NULL,
    score_after numeric(5, 2) NOT NULL,
    improvement numeric(5, 2) GENERATED ALWAYS AS (score_after - score_before) STORED,
    was_accepted boolean,
    user_rating int,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT optimization_history_scores_valid CHECK (score_before BETWEEN 0 AND 100 AND score_after BETWEEN 0 AND 100),
    CONSTRAINT optimization_history_rating_valid CHECK (user_rating BETWEEN 1 AND 5)
);
COMMENT ON TABLE optimization_history IS 'outlives the optimizations themselves';
CREATE INDEX idx_optimization_history_optimization_id ON optimization_history (optimization_id);
CREATE INDEX idx_optimization_history_template_id ON optimization_history (template_id);
CREATE INDEX idx_optimization_history_model_id ON optimization_history (model_id);
CREATE INDEX idx_optimization_history_user_id ON optimization_history (user_id, created_at DESC);
CREATE INDEX idx_optimization_history_type ON optimization_history (optimization_type, created_at);

CREATE TABLE model_performance_history (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    model_id uuid NOT NULL REFERENCES ai_models (id) ON DELETE CASCADE,
    day date NOT NULL,
    sessions int NOT NULL,
    failed int NOT NULL,
    average_ms numeric(12, 2),
    total_tokens bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT model_performance_history_once UNIQUE (model_id, day),
    CONSTRAINT model_performance_history_numbers_valid CHECK (failed BETWEEN 0 AND sessions AND total_tokens >= 0)
);
COMMENT ON TABLE model_performance_history IS 'figures of a model and a day (UTC), made by record_model_performance()';
CREATE INDEX idx_model_performance_history_day ON model_performance_history (day DESC);

CREATE TABLE user_optimization_preferences (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    optimization_type varchar(30) NOT NULL,
    accepted int NOT NULL DEFAULT 0,
    rejected int NOT NULL DEFAULT 0,
    acceptance_rate numeric(5, 2) GENERATED ALWAYS AS
        (round(100.0 * accepted / nullif(accepted + rejected, 0), 2)) STORED,
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_optimization_preferences_once UNIQUE (user_id, optimization_type),
    CONSTRAINT user_optimization_preferences_numbers_valid CHECK (accepted >= 0 AND rejected >= 0)
);
COMMENT ON TABLE user_optimization_preferences IS 'learned from what a user accepts and rejects';
CREATE INDEX idx_user_optimization_preferences_rate ON user_optimization_preferences (optimization_type, acceptance_rate);

CREATE TRIGGER update_optimization_templates_updated_at BEFORE UPDATE ON optimization_templates
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_model_performance_history_updated_at BEFORE UPDATE ON model_performance_history
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_user_optimization_preferences_updated_at BEFORE UPDATE ON user_optimization_preferences
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE FUNCTION learn_user_preferences() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.was_accepted IS NOT NULL THEN
        UPDATE user_optimization_preferences
        SET accepted = accepted - OLD.was_accepted::int, rejected = rejected - (NOT OLD.was_accepted)::int
        WHERE user_id = OLD.user_id AND optimization_type = OLD.optimization_type;
    END IF;
    IF NEW.was_accepted IS NOT NULL THEN
        INSERT INTO user_optimization_preferences AS p (user_id, optimization_type, accepted, rejected)
        VALUES (NEW.user_id, NEW.optimization_type, NEW.was_accepted::int, (NOT NEW.was_accepted)::int)
        ON CONFLICT (user_id, optimization_type) DO UPDATE
            SET accepted = p.accepted + excluded.accepted, rejected = p.rejected + excluded.rejected;
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION learn_user_preferences() IS 'trigger: counts what a user accepts and rejects';
CREATE TRIGGER learn_from_optimization_history AFTER INSERT OR UPDATE OF was_accepted ON optimization_history
    FOR EACH ROW EXECUTE FUNCTION learn_user_preferences();

CREATE FUNCTION record_model_performance(p_day date)
RETURNS int LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    models int;
BEGIN
    INSERT INTO model_performance_history AS h (model_id, day, sessions, failed, average_ms, total_tokens)
    SELECT model_id, p_day, count(*), count(*) FILTER (WHERE status = 'failed'), avg(processing_ms), sum(total_tokens)
    FROM ai_processing_sessions
    WHERE created_at >= p_day::timestamp AT TIME ZONE 'UTC'
      AND created_at < (p_day + 1)::timestamp AT TIME ZONE 'UTC'
      AND status IN ('completed', 'failed')
    GROUP BY model_id
    ON CONFLICT (model_id, day) DO UPDATE
        SET sessions = excluded.sessions, failed = excluded.failed,
            average_ms = excluded.average_ms, total_tokens = excluded.total_tokens;
    GET DIAGNOSTICS models = ROW_COUNT;
    RETURN models;
END;
$$;
COMMENT ON FUNCTION record_model_performance(date) IS 'keeps the figures of a day, anew if it is called again; gives the number of models';

CREATE FUNCTION get_optimization_history_statistics(p_user_id uuid DEFAULT NULL)
RETURNS TABLE (optimizations bigint, average_improvement numeric, acceptance_rate numeric, average_rating numeric)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT count(*), round(avg(improvement), 2),
           round(100.0 * count(*) FILTER (WHERE was_accepted) / nullif(count(was_accepted), 0), 1),
           round(avg(user_rating), 2)
    FROM optimization_history
    WHERE p_user_id IS NULL OR user_id = p_user_id
$$;
COMMENT ON FUNCTION get_optimization_history_statistics(uuid) IS 'figures of the history of a user, or of all';

CREATE FUNCTION get_model_performance_trends(p_model text)
RETURNS TABLE (day date, sessions int, success_rate numeric, average_ms numeric, change_ms numeric)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT h.day, h.sessions, round(100.0 * (h.sessions - h.failed) / nullif(h.sessions, 0), 1),
           h.average_ms, h.average_ms - lag(h.average_ms) OVER (ORDER BY h.day)
    FROM model_performance_history h
    JOIN ai_models m ON m.id = h.model_id
    WHERE m.name = p_model
    ORDER BY h.day
$$;
COMMENT ON FUNCTION get_model_performance_trends(text) IS 'a model day by day, and how much slower it is than the day before';

CREATE FUNCTION get_user_optimization_insights(p_user_id uuid)
RETURNS TABLE (favourite_type text, acceptance_rate numeric, best_type text, best_average_improvement numeric)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT f.optimization_type, f.acceptance_rate, b.optimization_type, b.improvement
    FROM (SELECT optimization_type, acceptance_rate FROM user_optimization_preferences
          WHERE user_id = p_user_id
          ORDER BY acceptance_rate DESC NULLS LAST, accepted DESC, optimization_type LIMIT 1) f
    FULL JOIN (SELECT optimization_type, round(avg(improvement), 2) AS improvement FROM optimization_history
          WHERE user_id = p_user_id
          GROUP BY optimization_type ORDER BY 2 DESC, 1 LIMIT 1) b ON true
$$;
COMMENT ON FUNCTION get_user_optimization_insights(uuid) IS 'what a user accepts most, and what helps most; no row: nothing is known yet';

CREATE VIEW optimization_analytics AS
SELECT (created_at AT TIME ZONE 'UTC')::date AS day,
       optimization_type,
       count(*) AS optimizations,
       count(DISTINCT user_id) AS users,
       round(avg(improvement), 2) AS average_improvement,
       count(*) FILTER (WHERE was_accepted) AS accepted
FROM optimization_history
GROUP BY 1, 2;
COMMENT ON VIEW optimization_analytics IS 'optimizations per day (UTC) and type';

CREATE VIEW model_performance_metrics AS
SELECT m.name AS model,
       m.provider,
       h.day AS last_day,
       h.sessions,
       h.failed,
       h.average_ms,
       h.total_tokens
FROM ai_models m
LEFT JOIN LATERAL (SELECT * FROM model_performance_history
    WHERE model_id = m.id ORDER BY day DESC LIMIT 1) h ON true
WHERE m.is_active;
COMMENT ON VIEW model_performance_metrics IS 'active models with the figures of their last day';

CREATE VIEW template_performance AS
SELECT t.name AS template,
       t.category,
       count(h.id) AS uses,
       round(avg(h.improvement), 2) AS average_improvement,
       round(avg(h.user_rating), 2) AS average_rating
FROM optimization_templates t
LEFT JOIN optimization_history h ON h.template_id = t.id
GROUP BY t.id;
COMMENT ON VIEW template_performance IS 'how often each template is used, and how well it does';

INSERT INTO optimization_templates (name, category, description, prompt_template, variables) VALUES
    ('ATS check', 'ats', 'Makes a resume readable for applicant tracking systems',
     'Rewrite this resume so that an applicant tracking system reads all of it: {{resume}}', '{resume}'),
    ('Keywords of a job', 'keywords', 'Brings in the words of a job description',
     'Add keywords of {{job_description}} to {{resume}} where they are true.', '{job_description,resume}'),
    ('Stronger statements', 'content', 'Puts results before duties',
     'Rewrite each statement of {{resume}} with an active verb and a figure.', '{resume}'),
    ('Tailored to a job', 'job_specific', 'Stresses what counts for one job',
     'Tailor {{resume}} to the job {{job_title}} at {{company}}: {{job_description}}',
     '{resume,job_title,company,job_description}');
