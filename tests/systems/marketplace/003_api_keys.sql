-- Keys of the API. Only their hashes are kept.

CREATE TABLE api_keys (
    id                     uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id                uuid NOT NULL,
    name                   varchar(100) NOT NULL,
    key_prefix             varchar(12) NOT NULL,
    key_hash               char(64) NOT NULL,
    scopes                 text[] NOT NULL DEFAULT '{chat}',
    rate_limit_per_minute  integer NOT NULL DEFAULT 60,
    is_active              boolean NOT NULL DEFAULT true,
    expires_at             timestamptz,
    last_used_at           timestamptz,
    created_at             timestamptz NOT NULL DEFAULT now(),
    updated_at             timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT api_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash),
    CONSTRAINT api_keys_user_id_name_key UNIQUE (user_id, name),
    CONSTRAINT api_keys_key_hash_check CHECK (key_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT api_keys_scopes_check CHECK (scopes <@ '{chat,documents,admin}'),
    CONSTRAINT api_keys_rate_limit_per_minute_check CHECK (rate_limit_per_minute > 0)
);
CREATE INDEX idx_api_keys_expires_at ON api_keys (expires_at) WHERE is_active AND expires_at IS NOT NULL;

CREATE TRIGGER api_keys_updated_at BEFORE UPDATE ON api_keys
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE api_keys IS 'Keys by which clients call the API';
COMMENT ON COLUMN api_keys.key_prefix IS 'The first characters, for people to tell keys apart';
COMMENT ON COLUMN api_keys.key_hash IS 'SHA-256 of the key, in hexadecimal digits';

CREATE FUNCTION validate_api_key(p_key text) RETURNS TABLE (
    api_key_id             uuid,
    user_id                uuid,
    scopes                 text[],
    rate_limit_per_minute  integer
)
LANGUAGE sql SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
    UPDATE api_keys k
    SET last_used_at = now()
    WHERE k.key_hash = encode(sha256(convert_to(p_key, 'UTF8')), 'hex')
      AND k.is_active
      AND (k.expires_at IS NULL OR k.expires_at > now())
    RETURNING k.id, k.user_id, k.scopes, k.rate_limit_per_minute
$$;
REVOKE EXECUTE ON FUNCTION validate_api_key(text) FROM PUBLIC;
COMMENT ON FUNCTION validate_api_key(text) IS 'Whose a key is and what it may do; no row if it is none, or not valid any more';
