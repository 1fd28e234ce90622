-- Images and videos that were found, once for each tenant.

CREATE TABLE content (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    source_id uuid NOT NULL,
    content_type text NOT NULL CHECK (content_type IN ('image', 'video')),
    url text NOT NULL,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    width integer CHECK (width > 0),
    height integer CHECK (height > 0),
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'processing', 'processed', 'failed')),
    error text,
    processed_at timestamptz,
    metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, sha256),
    FOREIGN KEY (tenant_id, source_id) REFERENCES sources (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT content_processed_has_time CHECK ((status = 'processed') = (processed_at IS NOT NULL)),
    CONSTRAINT content_failed_has_error CHECK ((status = 'failed') = (error IS NOT NULL))
);
COMMENT ON TABLE content IS 'images and videos; the same file is there once for each tenant';
COMMENT ON COLUMN content.sha256 IS 'of the file; tells duplicates';

CREATE INDEX idx_content_source ON content (tenant_id, source_id);
CREATE INDEX idx_content_tenant_created_at ON content (tenant_id, created_at DESC);
CREATE INDEX idx_content_queue ON content (created_at) WHERE status = 'pending';
CREATE INDEX idx_content_metadata ON content USING gin (metadata jsonb_path_ops);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON content
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION set_updated_at();
