-- Where content comes from: crawlers, uploads, programs that call the API.

CREATE TABLE sources (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name text NOT NULL CHECK (name <> ''),
    source_type text NOT NULL CHECK (source_type IN ('crawler', 'upload', 'api')),
    base_url text CHECK (base_url ~ '^https?://'),
    is_active boolean NOT NULL DEFAULT true,
    last_run_at timestamptz,
    metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- What refers to a row names its tenant, too, so it can't be another tenant's.
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, name),
    CONSTRAINT sources_crawler_has_url CHECK (source_type <> 'crawler' OR base_url IS NOT NULL)
);
COMMENT ON TABLE sources IS 'where content comes from';

CREATE INDEX idx_sources_tenant_type ON sources (tenant_id, source_type);
-- The scheduler takes the crawler that has rested longest.
CREATE INDEX idx_sources_next_run ON sources (last_run_at NULLS FIRST) WHERE is_active AND source_type = 'crawler';
CREATE INDEX idx_sources_metadata ON sources USING gin (metadata jsonb_path_ops);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON sources
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION set_updated_at();
