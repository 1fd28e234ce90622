-- The tables as they were, with what was in them.
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
INSERT INTO invitations SELECT * FROM migrations_backup.invitations__default_000006;

CREATE TABLE invitations_cache (
    invitation_id uuid PRIMARY KEY
        CONSTRAINT invitations_cache_invitation_id_fkey REFERENCES invitations (id) ON DELETE CASCADE,
    payload jsonb NOT NULL,
    cached_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO invitations_cache SELECT * FROM migrations_backup.invitations_cache__default_000006;

CREATE TABLE questions_cache (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    question_hash text NOT NULL CONSTRAINT questions_cache_question_hash_key UNIQUE,
    answer text NOT NULL,
    hits int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE questions_cache IS 'answers by the hash of their question';
INSERT INTO questions_cache OVERRIDING SYSTEM VALUE SELECT * FROM migrations_backup.questions_cache__default_000006;
SELECT setval(pg_get_serial_sequence('questions_cache', 'id'), max(id)) FROM questions_cache HAVING max(id) IS NOT NULL;
