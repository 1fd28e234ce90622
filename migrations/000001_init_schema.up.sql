-- The site's schema: what it shows (experiences, skills, projects), who looks at it
-- (visitors), and what happens then (generated_letters, analytics_events).

-- gen_random_uuid() is part of the server since PostgreSQL 13; uuid-ossp isn't needed.

DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET timezone TO %L', current_database(), 'UTC');
END
$$;
SET timezone TO 'UTC';

CREATE FUNCTION update_updated_at_column() RETURNS trigger AS $$
BEGIN
    NEW.updated_at = now();
    RETURN NEW;
END;
$$ LANGUAGE plpgsql;

CREATE TABLE experiences (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    title varchar(200) NOT NULL,
    company varchar(200) NOT NULL,
    description text,
    start_date date NOT NULL,
    end_date date,
    technologies text[] NOT NULL DEFAULT '{}',
    tags text[] NOT NULL DEFAULT '{}',
    category varchar(50) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CHECK (end_date IS NULL OR end_date >= start_date)
);
CREATE INDEX idx_experiences_category ON experiences (category);
CREATE INDEX idx_experiences_deleted_at ON experiences (deleted_at);

CREATE TABLE skills (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name varchar(100) NOT NULL,
    level varchar(20) NOT NULL CHECK (level IN ('beginner', 'intermediate', 'advanced', 'expert')),
    category varchar(50) NOT NULL,
    years_experience int NOT NULL DEFAULT 0 CHECK (years_experience >= 0),
    tags text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE INDEX idx_skills_category ON skills (category);
CREATE INDEX idx_skills_level ON skills (level);
CREATE INDEX idx_skills_deleted_at ON skills (deleted_at);

CREATE TABLE projects (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    title varchar(200) NOT NULL,
    description text,
    github_url text,
    github_stars int NOT NULL DEFAULT 0,
    github_forks int NOT NULL DEFAULT 0,
    technologies text[] NOT NULL DEFAULT '{}',
    category varchar(50) NOT NULL,
    featured boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE INDEX idx_projects_category ON projects (category);
CREATE INDEX idx_projects_featured ON projects (featured);
CREATE INDEX idx_projects_deleted_at ON projects (deleted_at);

CREATE TABLE visitors (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id varchar(64) NOT NULL,
    ip_hash varchar(64) NOT NULL,
    user_agent text,
    profile_detected varchar(50),
    visit_count int NOT NULL DEFAULT 1,
    first_visit timestamptz NOT NULL DEFAULT now(),
    last_visit timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE UNIQUE INDEX idx_visitors_session_id ON visitors (session_id);
CREATE INDEX idx_visitors_ip_hash ON visitors (ip_hash);
CREATE INDEX idx_visitors_profile_detected ON visitors (profile_detected);
CREATE INDEX idx_visitors_deleted_at ON visitors (deleted_at);

CREATE TABLE generated_letters (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    visitor_id uuid NOT NULL REFERENCES visitors (id) ON DELETE CASCADE,
    company_name varchar(200) NOT NULL,
    company_info jsonb NOT NULL DEFAULT '{}',
    letter_type varchar(20) NOT NULL CHECK (letter_type IN ('motivation', 'anti_motivation')),
    content text NOT NULL,
    ai_model varchar(100) NOT NULL,
    tokens_used int NOT NULL DEFAULT 0,
    generation_ms int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE INDEX idx_generated_letters_visitor_id ON generated_letters (visitor_id);
CREATE INDEX idx_generated_letters_letter_type ON generated_letters (letter_type);
CREATE INDEX idx_generated_letters_created_at ON generated_letters (created_at);
CREATE INDEX idx_generated_letters_deleted_at ON generated_letters (deleted_at);

CREATE TABLE analytics_events (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    visitor_id uuid NOT NULL REFERENCES visitors (id) ON DELETE CASCADE,
    event_type varchar(50) NOT NULL,
    event_data jsonb NOT NULL DEFAULT '{}',
    page_url text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE INDEX idx_analytics_events_visitor_id ON analytics_events (visitor_id);
CREATE INDEX idx_analytics_events_event_type ON analytics_events (event_type);
CREATE INDEX idx_analytics_events_created_at ON analytics_events (created_at);
CREATE INDEX idx_analytics_events_deleted_at ON analytics_events (deleted_at);
CREATE INDEX idx_analytics_events_type_created ON analytics_events (event_type, created_at);

CREATE TRIGGER update_experiences_updated_at BEFORE UPDATE ON experiences
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_skills_updated_at BEFORE UPDATE ON skills
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_projects_updated_at BEFORE UPDATE ON projects
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_visitors_updated_at BEFORE UPDATE ON visitors
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_generated_letters_updated_at BEFORE UPDATE ON generated_letters
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_analytics_events_updated_at BEFORE UPDATE ON analytics_events
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
