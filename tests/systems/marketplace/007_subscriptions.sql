-- Subscriptions, as Stripe's webhooks tell them.

CREATE TABLE subscriptions (
    id                      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id                 uuid NOT NULL,
    stripe_customer_id      varchar(255) NOT NULL,
    stripe_subscription_id  varchar(255) NOT NULL,
    plan                    varchar(20) NOT NULL,
    status                  varchar(20) NOT NULL,
    current_period_start    timestamptz NOT NULL,
    current_period_end      timestamptz NOT NULL,
    cancel_at_period_end    boolean NOT NULL DEFAULT false,
    created_at              timestamptz NOT NULL DEFAULT now(),
    updated_at              timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT subscriptions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT subscriptions_stripe_subscription_id_key UNIQUE (stripe_subscription_id),
    CONSTRAINT subscriptions_stripe_customer_id_check CHECK (stripe_customer_id LIKE 'cus\_%'),
    CONSTRAINT subscriptions_stripe_subscription_id_check CHECK (stripe_subscription_id LIKE 'sub\_%'),
    CONSTRAINT subscriptions_plan_check CHECK (plan IN ('starter', 'pro', 'enterprise')),
    CONSTRAINT subscriptions_status_check CHECK (status IN
        ('incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'canceled', 'unpaid', 'paused')),
    CONSTRAINT subscriptions_period_check CHECK (current_period_end > current_period_start)
);
-- A user has one subscription at a time, and any number of ended ones.
CREATE UNIQUE INDEX idx_subscriptions_current ON subscriptions (user_id)
    WHERE status NOT IN ('canceled', 'incomplete_expired');
CREATE INDEX idx_subscriptions_user_id ON subscriptions (user_id);
CREATE INDEX idx_subscriptions_stripe_customer_id ON subscriptions (stripe_customer_id);

-- Stripe sends an event again until it is acknowledged: the key makes it count once.
CREATE TABLE stripe_events (
    id            varchar(255) PRIMARY KEY,
    type          varchar(100) NOT NULL,
    payload       jsonb NOT NULL,
    processed_at  timestamptz,
    received_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT stripe_events_id_check CHECK (id LIKE 'evt\_%')
);
CREATE INDEX idx_stripe_events_unprocessed ON stripe_events (received_at) WHERE processed_at IS NULL;

CREATE TRIGGER subscriptions_updated_at BEFORE UPDATE ON subscriptions
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
ALTER TABLE subscriptions ENABLE ROW LEVEL SECURITY;
ALTER TABLE stripe_events ENABLE ROW LEVEL SECURITY;

CREATE FUNCTION current_plan(p_user_id uuid) RETURNS varchar
LANGUAGE sql STABLE
SET search_path = public, pg_temp
AS $$
    SELECT coalesce((SELECT s.plan FROM subscriptions s
                     WHERE s.user_id = p_user_id
                       AND s.status IN ('trialing', 'active', 'past_due')
                       AND s.current_period_end > now()), 'free')
$$;
REVOKE EXECUTE ON FUNCTION current_plan(uuid) FROM PUBLIC;

COMMENT ON TABLE subscriptions IS 'Subscriptions of Stripe, ended ones included';
COMMENT ON TABLE stripe_events IS 'Events that Stripe has sent, each once';
COMMENT ON FUNCTION current_plan(uuid) IS 'The plan that a user has paid for, or free';
