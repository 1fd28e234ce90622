-- Sessions and tokens. Tokens are kept as hashes: who reads the table can use none.

CREATE TABLE user_sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_token_hash varchar(64) NOT NULL,
    ip_address inet,
    user_agent text,
    is_active boolean NOT NULL DEFAULT true,
    last_activity_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '24 hours',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_sessions_expiry_valid CHECK (expires_at > created_at)
);
COMMENT ON TABLE user_sessions IS 'logins of a browser or an app';
CREATE UNIQUE INDEX idx_user_sessions_token ON user_sessions (session_token_hash);
CREATE INDEX idx_user_sessions_user_id ON user_sessions (user_id) WHERE is_active;
CREATE INDEX idx_user_sessions_expires_at ON user_sessions (expires_at);

CREATE TABLE refresh_tokens (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id uuid REFERENCES user_sessions (id) ON DELETE CASCADE,
    token_hash varchar(64) NOT NULL,
    ip_address inet,
    user_agent text,
    expires_at timestamptz NOT NULL DEFAULT now() + interval '30 days',
    revoked_at timestamptz,
    revoked_reason varchar(100),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT refresh_tokens_expiry_valid CHECK (expires_at > created_at),
    CONSTRAINT refresh_tokens_reason_of_revocation CHECK (revoked_reason IS NULL OR revoked_at IS NOT NULL)
);
COMMENT ON TABLE refresh_tokens IS 'what a new JWT is given for';
CREATE UNIQUE INDEX idx_refresh_tokens_token ON refresh_tokens (token_hash);
CREATE INDEX idx_refresh_tokens_user_id ON refresh_tokens (user_id) WHERE revoked_at IS NULL;
CREATE INDEX idx_refresh_tokens_session_id ON refresh_tokens (session_id);
CREATE INDEX idx_refresh_tokens_expires_at ON refresh_tokens (expires_at);

CREATE TABLE password_resets (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_hash varchar(64) NOT NULL,
    ip_address inet,
    expires_at timestamptz NOT NULL DEFAULT now() + interval '1 hour',
    used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT password_resets_expiry_valid CHECK (expires_at > created_at)
);
COMMENT ON TABLE password_resets IS 'tokens that were sent to users who forgot their password';
CREATE UNIQUE INDEX idx_password_resets_token ON password_resets (token_hash);
CREATE INDEX idx_password_resets_user_id ON password_resets (user_id);
CREATE INDEX idx_password_resets_expires_at ON password_resets (expires_at);

CREATE TABLE email_verifications (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    email varchar(255) NOT NULL,
    token_hash varchar(64) NOT NULL,
    expires_at timestamptz NOT NULL DEFAULT now() + interval '24 hours',
    verified_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT email_verifications_expiry_valid CHECK (expires_at > created_at)
);
COMMENT ON TABLE email_verifications IS 'tokens that were sent to a new address';
CREATE UNIQUE INDEX idx_email_verifications_token ON email_verifications (token_hash);
CREATE INDEX idx_email_verifications_user_id ON email_verifications (user_id);
CREATE INDEX idx_email_verifications_expires_at ON email_verifications (expires_at);

CREATE TRIGGER update_user_sessions_updated_at BEFORE UPDATE ON user_sessions
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

CREATE FUNCTION cleanup_expired_auth_data()
RETURNS TABLE (table_name text, deleted bigint)
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    -- Tokens before sessions, whose deletion would take theirs along uncounted.
    table_name := 'refresh_tokens';
    DELETE FROM refresh_tokens WHERE expires_at < now() OR revoked_at < now() - interval '7 days';
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;

    table_name := 'user_sessions';
    DELETE FROM user_sessions s
    WHERE (s.expires_at < now() OR NOT s.is_active AND s.updated_at < now() - interval '7 days')
      AND NOT EXISTS (SELECT FROM refresh_tokens t WHERE t.session_id = s.id);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;

    table_name := 'password_resets';
    DELETE FROM password_resets WHERE expires_at < now() OR used_at < now() - interval '7 days';
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;

    -- Those that served are the proof of the verification.
    table_name := 'email_verifications';
    DELETE FROM email_verifications WHERE expires_at < now() AND verified_at IS NULL;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN NEXT;
END;
$$;
COMMENT ON FUNCTION cleanup_expired_auth_data() IS 'deletes what has expired, or was revoked or used a week ago; gives the numbers';

CREATE FUNCTION revoke_user_sessions(p_user_id uuid, p_reason text DEFAULT 'logout')
RETURNS int LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    ended int;
BEGIN
    UPDATE user_sessions SET is_active = false WHERE user_id = p_user_id AND is_active;
    GET DIAGNOSTICS ended = ROW_COUNT;
    UPDATE refresh_tokens SET revoked_at = now(), revoked_reason = p_reason
    WHERE user_id = p_user_id AND revoked_at IS NULL;
    RETURN ended;
END;
$$;
COMMENT ON FUNCTION revoke_user_sessions(uuid, text) IS 'ends all sessions of a user and revokes the refresh tokens; gives the number of sessions';

CREATE VIEW active_sessions_summary AS
SELECT u.id AS user_id,
       u.email,
       u.username,
       count(*) AS active_sessions,
       count(DISTINCT s.ip_address) AS addresses,
       min(s.created_at) AS first_login_at,
       max(s.last_activity_at) AS last_activity_at,
       max(s.expires_at) AS last_expires_at
FROM users u
JOIN user_sessions s ON s.user_id = u.id
WHERE s.is_active AND s.expires_at > now()
GROUP BY u.id;
COMMENT ON VIEW active_sessions_summary IS 'users who are logged in, with the number of their sessions';
