-- Each call of the API, for limits and bills.

CREATE TABLE usage_logs (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    api_key_id         uuid NOT NULL,
    endpoint           varchar(200) NOT NULL,
    status_code        smallint NOT NULL,
    prompt_tokens      integer NOT NULL DEFAULT 0,
    completion_tokens  integer NOT NULL DEFAULT 0,
    total_tokens       integer GENERATED ALWAYS AS (prompt_tokens + completion_tokens) STORED,
    latency_ms         integer,
    created_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT usage_logs_api_key_id_fkey FOREIGN KEY (api_key_id) REFERENCES api_keys (id) ON DELETE CASCADE,
    CONSTRAINT usage_logs_status_code_check CHECK (status_code BETWEEN 100 AND 599),
    CONSTRAINT usage_logs_tokens_check CHECK (prompt_tokens >= 0 AND completion_tokens >= 0)
);
CREATE INDEX idx_usage_logs_api_key_id ON usage_logs (api_key_id, created_at DESC);
CREATE INDEX idx_usage_logs_created_at ON usage_logs USING brin (created_at);
ALTER TABLE usage_logs ENABLE ROW LEVEL SECURITY;

CREATE VIEW usage_by_day AS
SELECT api_key_id,
       (created_at AT TIME ZONE 'UTC')::date AS day,
       count(*) AS calls,
       count(*) FILTER (WHERE status_code >= 400) AS failed,
       sum(total_tokens) AS tokens
FROM usage_logs
GROUP BY 1, 2;

CREATE FUNCTION within_rate_limit(p_api_key_id uuid) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = public, pg_temp
AS $$
    SELECT count(u.id) < k.rate_limit_per_minute
    FROM api_keys k
    LEFT JOIN usage_logs u ON u.api_key_id = k.id AND u.created_at > now() - interval '1 minute'
    WHERE k.id = p_api_key_id
    GROUP BY k.rate_limit_per_minute
$$;
REVOKE EXECUTE ON FUNCTION within_rate_limit(uuid) FROM PUBLIC;

COMMENT ON TABLE usage_logs IS 'One row for each call of the API';
COMMENT ON VIEW usage_by_day IS 'Calls and tokens of each key, by day in UTC';
COMMENT ON FUNCTION within_rate_limit(uuid) IS 'Whether a key may be used once more in this minute; NULL for no key';
