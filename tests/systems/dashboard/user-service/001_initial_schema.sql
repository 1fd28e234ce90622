-- The people who use the dashboard.

-- Functions keep the search_path under which they were made (SET search_path FROM CURRENT),
-- so they find their tables from any session, whatever schema the service has.

CREATE FUNCTION update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = now();
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION update_updated_at_column() IS 'trigger: sets updated_at to the time of the transaction';

CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email varchar(255) NOT NULL,
    username varchar(50) NOT NULL,
    password_hash varchar(255) NOT NULL,
    first_name varchar(100),
    last_name varchar(100),
    phone varchar(30),
    location varchar(200),
    professional_title varchar(200),
    years_of_experience int,
    education_level varchar(30),
    contact_preferences jsonb NOT NULL DEFAULT '{"email": true, "sms": false}',
    subscription_tier varchar(20) NOT NULL DEFAULT 'free',
    subscription_expires_at timestamptz,
    is_active boolean NOT NULL DEFAULT true,
    email_verified_at timestamptz,
    last_login_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_email_valid CHECK (email ~ '^[^@\s]+@[^@\s]+\.[^@\s]+$'),
    CONSTRAINT users_username_valid CHECK (username ~ '^[A-Za-z0-9_.-]{3,50}$'),
    CONSTRAINT users_experience_valid CHECK (years_of_experience BETWEEN 0 AND 70),
    CONSTRAINT users_education_valid CHECK (education_level IN
        ('none', 'secondary', 'vocational', 'bachelor', 'master', 'doctorate')),
    CONSTRAINT users_contact_preferences_object CHECK (jsonb_typeof(contact_preferences) = 'object'),
    CONSTRAINT users_subscription_tier_valid CHECK (subscription_tier IN ('free', 'premium', 'enterprise')),
    CONSTRAINT users_paid_until CHECK (subscription_tier = 'free' OR subscription_expires_at IS NOT NULL)
);
COMMENT ON TABLE users IS 'accounts: login, profile basics, subscription';
COMMENT ON COLUMN users.password_hash IS 'bcrypt or argon2, never the password';

-- Addresses and names are the same in any case.
CREATE UNIQUE INDEX idx_users_email ON users (lower(email));
CREATE UNIQUE INDEX idx_users_username ON users (lower(username));
CREATE INDEX idx_users_created_at ON users (created_at);
CREATE INDEX idx_users_is_active ON users (is_active) WHERE is_active;
CREATE INDEX idx_users_subscription ON users (subscription_tier, subscription_expires_at);

CREATE TRIGGER update_users_updated_at BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
