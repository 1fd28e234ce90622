-- The database before: a conversation is one row with its question and its response, and
-- its keys are texts. The other tables are not part of the migration.

CREATE TABLE conversations (
    id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
    session_id text,
    user_id uuid NOT NULL,
    feedback smallint CONSTRAINT conversations_feedback_check CHECK (feedback IN (-1, 1)),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    question text NOT NULL,
    response text,
    preview text
);
CREATE INDEX idx_conversations_session_id ON conversations (session_id);
CREATE INDEX idx_conversations_user_id_created_at ON conversations (user_id, created_at DESC);
COMMENT ON TABLE conversations IS 'questions of users and what was answered';

INSERT INTO conversations (id, session_id, user_id, feedback, created_at, updated_at, question, response, preview) VALUES
    ('0b1c2d3e-0001-4000-8000-000000000001', '5e550000-0000-4000-8000-000000000001', '0a000000-0000-4000-8000-000000000001', 1, '2025-09-01 08:00:00+00', '2025-09-01 08:00:05+00', 'What is the weight of a broiler at 35 days?', 'About 2.2 kg for a mixed flock.', 'About 2.2 kg'),
    ('0b1c2d3e-0002-4000-8000-000000000002', '5e550000-0000-4000-8000-000000000001', '0a000000-0000-4000-8000-000000000001', NULL, '2025-09-01 08:05:00+00', '2025-09-01 08:05:04+00', 'And of a female?', 'About 2.05 kg.', 'About 2.05 kg.'),
    ('0B1C2D3E-0003-4000-8000-00000000000A', '5E550000-0000-4000-8000-00000000000B', '0a000000-0000-4000-8000-000000000002', -1, '2025-09-02 10:00:00+00', '2025-09-02 10:01:00+00', 'How much water do 1,000 birds drink?', 'At 21 C, some 200 l a day.', 'At 21 C'),
    ('0b1c2d3e-0004-4000-8000-000000000004', NULL, '0a000000-0000-4000-8000-000000000002', NULL, '2025-09-03 11:00:00+00', '2025-09-03 11:00:00+00', 'Is anybody there?', NULL, NULL),
    ('0b1c2d3e-0005-4000-8000-000000000005', '5e550000-0000-4000-8000-000000000003', '0a000000-0000-4000-8000-000000000003', NULL, '2025-10-10 12:00:00+00', '2025-10-10 12:00:09+00', 'What does ''FCR'' mean?', '', NULL);

-- what no longer belongs here

CREATE TABLE invitations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email text NOT NULL,
    token text NOT NULL CONSTRAINT invitations_token_key UNIQUE,
    invited_by uuid,
    status text NOT NULL DEFAULT 'pending'
        CONSTRAINT invitations_status_check CHECK (status IN ('pending', 'accepted', 'expired')),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '7 days'
);
CREATE INDEX idx_invitations_email ON invitations (lower(email));
INSERT INTO invitations (id, email, token, status, created_at, expires_at) VALUES
    ('1f000000-0000-4000-8000-000000000001', 'ada@example.org', 't-ada', 'accepted', '2025-08-01', '2025-08-08'),
    ('1f000000-0000-4000-8000-000000000002', 'bob@example.org', 't-bob', 'pending', '2025-10-01', '2025-10-08');

CREATE TABLE invitations_cache (
    invitation_id uuid PRIMARY KEY
        CONSTRAINT invitations_cache_invitation_id_fkey REFERENCES invitations (id) ON DELETE CASCADE,
    payload jsonb NOT NULL,
    cached_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO invitations_cache VALUES ('1f000000-0000-4000-8000-000000000001', '{"seats": 3}', '2025-08-02');

CREATE TABLE questions_cache (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    question_hash text NOT NULL CONSTRAINT questions_cache_question_hash_key UNIQUE,
    answer text NOT NULL,
    hits int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE questions_cache IS 'answers by the hash of their question';
INSERT INTO questions_cache (question_hash, answer, hits, created_at) VALUES
    ('9f86d081', 'yes', 4, '2025-07-01'), ('60303ae2', 'no', 0, '2025-07-02'), ('fd61a03a', 'perhaps', 1, '2025-07-03');
DELETE FROM questions_cache WHERE question_hash = '60303ae2';

-- sixteen tables that stay as they are

CREATE TABLE user_sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz CHECK (ended_at >= started_at),
    ip inet
);
INSERT INTO user_sessions VALUES
    ('5e550000-0000-4000-8000-000000000001', '0a000000-0000-4000-8000-000000000001', '2025-09-01 07:59:00+00', '2025-09-01 09:00:00+00', '192.0.2.1'),
    ('5e550000-0000-4000-8000-00000000000b', '0a000000-0000-4000-8000-000000000002', '2025-09-02 09:59:00+00', NULL, '2001:db8::1');

CREATE TABLE billing_plans (
    code text PRIMARY KEY,
    monthly_price numeric(8, 2) NOT NULL CHECK (monthly_price >= 0),
    monthly_quota int NOT NULL
);
INSERT INTO billing_plans VALUES ('free', 0, 50), ('pro', 29.90, 2000);

CREATE TABLE user_billing_info (
    user_id uuid PRIMARY KEY,
    plan text NOT NULL REFERENCES billing_plans (code),
    customer text UNIQUE
);
INSERT INTO user_billing_info VALUES ('0a000000-0000-4000-8000-000000000001', 'pro', 'cus_1'), ('0a000000-0000-4000-8000-000000000002', 'free', NULL);

CREATE TABLE monthly_usage_tracking (
    user_id uuid NOT NULL REFERENCES user_billing_info (user_id),
    month date NOT NULL,
    questions int NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, month)
);
INSERT INTO monthly_usage_tracking VALUES ('0a000000-0000-4000-8000-000000000001', '2025-09-01', 2);

CREATE TABLE monthly_invoices (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES user_billing_info (user_id),
    month date NOT NULL,
    amount numeric(8, 2) NOT NULL,
    paid_at timestamptz,
    UNIQUE (user_id, month)
);
INSERT INTO monthly_invoices (user_id, month, amount, paid_at) VALUES ('0a000000-0000-4000-8000-000000000001', '2025-09-01', 29.90, '2025-10-02');

CREATE TABLE quota_audit_log (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    user_id uuid NOT NULL,
    action text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO quota_audit_log (user_id, action, at) VALUES ('0a000000-0000-4000-8000-000000000002', 'warned', '2025-09-30');

-- It names conversations by their old key, without a foreign key.
CREATE TABLE openai_api_calls (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    conversation_id text,
    model text NOT NULL,
    tokens int NOT NULL,
    called_at timestamptz NOT NULL
);
CREATE INDEX idx_openai_api_calls_called_at ON openai_api_calls (called_at);
INSERT INTO openai_api_calls (conversation_id, model, tokens, called_at) VALUES
    ('0b1c2d3e-0001-4000-8000-000000000001', 'gpt-4o', 812, '2025-09-01 08:00:04+00'),
    ('conv-42', 'gpt-4o-mini', 120, '2025-08-15 08:00:04+00');

CREATE TABLE openai_usage (day date NOT NULL, model text NOT NULL, tokens bigint NOT NULL, PRIMARY KEY (day, model));
INSERT INTO openai_usage VALUES ('2025-09-01', 'gpt-4o', 812);
CREATE TABLE openai_costs_cache (day date PRIMARY KEY, cost numeric(10, 4) NOT NULL);
INSERT INTO openai_costs_cache VALUES ('2025-09-01', 0.0122);
CREATE TABLE daily_openai_summary (day date PRIMARY KEY, calls int NOT NULL, cost numeric(10, 4) NOT NULL);
INSERT INTO daily_openai_summary VALUES ('2025-09-01', 1, 0.0122);
CREATE TABLE analytics_cache (key text PRIMARY KEY, value jsonb NOT NULL, expires_at timestamptz);
INSERT INTO analytics_cache VALUES ('top_topics', '["weight", "water"]', '2025-11-01');
CREATE TABLE statistics_cache (key text PRIMARY KEY, value jsonb NOT NULL, updated_at timestamptz NOT NULL DEFAULT now());
INSERT INTO statistics_cache VALUES ('users', '{"total": 3}', '2025-10-01');
CREATE TABLE dashboard_stats_lite (id int PRIMARY KEY CHECK (id = 1), conversations int NOT NULL, refreshed_at timestamptz NOT NULL);
INSERT INTO dashboard_stats_lite VALUES (1, 5, '2025-10-10');
CREATE TABLE dashboard_stats_snapshot (taken_at timestamptz PRIMARY KEY, stats jsonb NOT NULL);
INSERT INTO dashboard_stats_snapshot VALUES ('2025-10-10', '{"conversations": 5}');
CREATE TABLE server_performance_metrics (at timestamptz NOT NULL, name text NOT NULL, value double precision NOT NULL, PRIMARY KEY (at, name));
INSERT INTO server_performance_metrics VALUES ('2025-10-10', 'p95_ms', 840.5);
CREATE TABLE system_errors (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL, source text NOT NULL, message text NOT NULL);
INSERT INTO system_errors (at, source, message) VALUES ('2025-10-09', 'api', 'timeout');
