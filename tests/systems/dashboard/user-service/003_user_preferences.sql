-- What a user can do, and wants to do.

CREATE TABLE user_profiles (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    headline varchar(200),
    summary text,
    current_company varchar(200),
    linkedin_url text,
    github_url text,
    portfolio_url text,
    skills text[] NOT NULL DEFAULT '{}',
    certifications jsonb NOT NULL DEFAULT '[]',
    languages jsonb NOT NULL DEFAULT '[]',
    work_history jsonb NOT NULL DEFAULT '[]',
    is_public boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_profiles_lists CHECK (jsonb_typeof(certifications) = 'array'
        AND jsonb_typeof(languages) = 'array' AND jsonb_typeof(work_history) = 'array'),
    CONSTRAINT user_profiles_urls CHECK (linkedin_url ~ '^https://' AND github_url ~ '^https://'
        AND portfolio_url ~ '^https?://')
);
COMMENT ON TABLE user_profiles IS 'professional profile, one per user';
CREATE INDEX idx_user_profiles_skills ON user_profiles USING gin (skills);
CREATE INDEX idx_user_profiles_languages ON user_profiles USING gin (languages jsonb_path_ops);
CREATE INDEX idx_user_profiles_public ON user_profiles (user_id) WHERE is_public;

CREATE TABLE user_preferences (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    desired_titles text[] NOT NULL DEFAULT '{}',
    desired_locations text[] NOT NULL DEFAULT '{}',
    desired_industries text[] NOT NULL DEFAULT '{}',
    employment_types text[] NOT NULL DEFAULT '{full_time}',
    remote_preference varchar(20) NOT NULL DEFAULT 'any',
    salary_min int,
    salary_max int,
    salary_currency char(3) NOT NULL DEFAULT 'USD',
    willing_to_relocate boolean NOT NULL DEFAULT false,
    available_from date,
    career_goals text,
    notifications jsonb NOT NULL DEFAULT '{"job_alerts": "daily", "product_news": false}',
    ai_personalization jsonb NOT NULL DEFAULT '{"enabled": true, "tone": "professional"}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_preferences_employment_types_valid CHECK (employment_types <@
        '{full_time,part_time,contract,freelance,internship}'::text[]),
    CONSTRAINT user_preferences_remote_valid CHECK (remote_preference IN ('remote', 'hybrid', 'onsite', 'any')),
    CONSTRAINT user_preferences_salary_valid CHECK (salary_min >= 0 AND salary_max >= salary_min),
    CONSTRAINT user_preferences_currency_valid CHECK (salary_currency ~ '^[A-Z]{3}$'),
    CONSTRAINT user_preferences_objects CHECK (jsonb_typeof(notifications) = 'object'
        AND jsonb_typeof(ai_personalization) = 'object')
);
COMMENT ON TABLE user_preferences IS 'what job a user looks for, and how the AI is to write; one per user';
CREATE INDEX idx_user_preferences_titles ON user_preferences USING gin (desired_titles);
CREATE INDEX idx_user_preferences_locations ON user_preferences USING gin (desired_locations);
CREATE INDEX idx_user_preferences_remote ON user_preferences (remote_preference);
CREATE INDEX idx_user_preferences_salary ON user_preferences (salary_currency, salary_min);

CREATE TRIGGER update_user_profiles_updated_at BEFORE UPDATE ON user_profiles
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_user_preferences_updated_at BEFORE UPDATE ON user_preferences
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE FUNCTION get_complete_user_profile(p_user_id uuid)
RETURNS jsonb LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT jsonb_build_object(
        'user', to_jsonb(u) - 'password_hash',
        'profile', to_jsonb(p) - '{id,user_id,created_at,updated_at}'::text[],
        'preferences', to_jsonb(f) - '{id,user_id,created_at,updated_at}'::text[])
    FROM users u
    LEFT JOIN user_profiles p ON p.user_id = u.id
    LEFT JOIN user_preferences f ON f.user_id = u.id
    WHERE u.id = p_user_id
$$;
COMMENT ON FUNCTION get_complete_user_profile(uuid) IS 'account, profile and preferences as one document, without the password; NULL: no such user';

CREATE VIEW user_search_view AS
SELECT u.id AS user_id,
       u.username,
       concat_ws(' ', u.first_name, u.last_name) AS full_name,
       u.professional_title,
       u.location,
       u.years_of_experience,
       p.headline,
       p.skills,
       f.desired_titles,
       f.remote_preference,
       f.available_from,
       setweight(to_tsvector('simple', concat_ws(' ', u.professional_title, p.headline)), 'A')
           || setweight(to_tsvector('simple', array_to_string(p.skills, ' ')), 'B')
           || setweight(to_tsvector('simple', concat_ws(' ', u.location, p.summary)), 'C') AS search
FROM users u
JOIN user_profiles p ON p.user_id = u.id AND p.is_public
LEFT JOIN user_preferences f ON f.user_id = u.id
WHERE u.is_active;
COMMENT ON VIEW user_search_view IS 'active users with a public profile, for recruiters'' searches';
