-- Rules of a tenant: who may do what with faces.

CREATE TABLE policies (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name text NOT NULL CHECK (name <> ''),
    action text NOT NULL CHECK (action IN ('search', 'enroll', 'export', 'delete', '*')),
    effect text NOT NULL CHECK (effect IN ('allow', 'deny')),
    priority integer NOT NULL DEFAULT 0,
    conditions jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(conditions) = 'object'),
    is_enabled boolean NOT NULL DEFAULT true,
    valid_from timestamptz NOT NULL DEFAULT '-infinity',
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, name),
    CONSTRAINT policies_valid_period CHECK (valid_from < valid_until)
);
COMMENT ON TABLE policies IS 'rules of a tenant; the highest priority decides, deny before allow, and no rule means no';
COMMENT ON COLUMN policies.conditions IS 'what the context of a request has to contain, such as {"role": "analyst"}';

CREATE INDEX idx_policies_decision ON policies (tenant_id, action, priority DESC) WHERE is_enabled;
CREATE INDEX idx_policies_conditions ON policies USING gin (conditions jsonb_path_ops);
CREATE INDEX idx_policies_valid_until ON policies (valid_until) WHERE valid_until <> 'infinity';

CREATE TRIGGER set_updated_at BEFORE UPDATE ON policies
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION set_updated_at();

CREATE FUNCTION is_allowed(tenant uuid, wanted text, context jsonb DEFAULT '{}', at timestamptz DEFAULT now())
RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce((
        SELECT p.effect = 'allow'
        FROM policies p JOIN tenants t ON t.id = p.tenant_id
        WHERE p.tenant_id = tenant AND t.status = 'active'
          AND p.action IN (wanted, '*') AND p.is_enabled
          AND context @> p.conditions
          AND p.valid_from <= at AND at < p.valid_until
        ORDER BY p.priority DESC, p.effect = 'deny' DESC
        LIMIT 1
    ), false);
END;
COMMENT ON FUNCTION is_allowed(uuid, text, jsonb, timestamptz) IS 'what a tenant''s policies say to an action';
