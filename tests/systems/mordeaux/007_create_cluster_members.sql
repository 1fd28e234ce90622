-- Which face is in which cluster, and how sure that is.

CREATE TABLE cluster_members (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    cluster_id uuid NOT NULL,
    face_id uuid NOT NULL,
    similarity real NOT NULL CHECK (similarity BETWEEN -1 AND 1),
    is_representative boolean NOT NULL DEFAULT false,
    assigned_by text NOT NULL DEFAULT 'algorithm' CHECK (assigned_by IN ('algorithm', 'person')),
    metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- A face is one person's.
    UNIQUE (tenant_id, face_id),
    FOREIGN KEY (tenant_id, cluster_id) REFERENCES clusters (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, face_id) REFERENCES faces (tenant_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE cluster_members IS 'which face is in which cluster';
COMMENT ON COLUMN cluster_members.is_representative IS 'the face that stands for the cluster; one at most';

CREATE INDEX idx_cluster_members_cluster ON cluster_members (tenant_id, cluster_id, similarity DESC);
CREATE UNIQUE INDEX idx_cluster_members_representative ON cluster_members (cluster_id) WHERE is_representative;
CREATE INDEX idx_cluster_members_created_at ON cluster_members (created_at);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON cluster_members
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION set_updated_at();

CREATE VIEW cluster_summary AS
SELECT c.tenant_id, c.id AS cluster_id, c.label, c.status,
       count(m.id) AS faces,
       round(avg(m.similarity)::numeric, 3) AS mean_similarity,
       (array_agg(m.face_id ORDER BY m.is_representative DESC, m.similarity DESC))[1] AS face_id
FROM clusters c
LEFT JOIN cluster_members m ON m.tenant_id = c.tenant_id AND m.cluster_id = c.id
GROUP BY c.id;
COMMENT ON VIEW cluster_summary IS 'clusters with the number of their faces and the one to show';
