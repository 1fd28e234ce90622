-- Groups of faces that are taken for one person.

CREATE TABLE clusters (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    label text,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'confirmed', 'merged')),
    merged_into uuid,
    algorithm text NOT NULL DEFAULT 'hdbscan',
    metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    -- Checked at the end of a statement, so that a tenant's clusters can go together.
    FOREIGN KEY (tenant_id, merged_into) REFERENCES clusters (tenant_id, id),
    CONSTRAINT clusters_merged_has_target CHECK ((status = 'merged') = (merged_into IS NOT NULL)),
    CONSTRAINT clusters_not_into_itself CHECK (merged_into <> id)
);
COMMENT ON TABLE clusters IS 'groups of faces that are taken for one person';
COMMENT ON COLUMN clusters.merged_into IS 'the cluster that its faces were moved to';

CREATE INDEX idx_clusters_tenant_status ON clusters (tenant_id, status);
CREATE INDEX idx_clusters_tenant_label ON clusters (tenant_id, lower(label)) WHERE label IS NOT NULL;
CREATE INDEX idx_clusters_merged_into ON clusters (tenant_id, merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX idx_clusters_created_at ON clusters (created_at);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON clusters
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION set_updated_at();
