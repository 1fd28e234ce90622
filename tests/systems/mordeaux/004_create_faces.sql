-- Faces that were detected in content: where, and how well they can be seen.

CREATE TABLE faces (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    content_id uuid NOT NULL,
    frame_ms integer CHECK (frame_ms >= 0),
    box_x real NOT NULL,
    box_y real NOT NULL,
    box_width real NOT NULL,
    box_height real NOT NULL,
    confidence real NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    quality real NOT NULL CHECK (quality BETWEEN 0 AND 1),
    landmarks jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(landmarks) = 'array'),
    metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, content_id) REFERENCES content (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT faces_box_inside CHECK (
        box_x >= 0 AND box_y >= 0 AND box_width > 0 AND box_height > 0
        AND box_x + box_width <= 1.0001 AND box_y + box_height <= 1.0001
    )
);
COMMENT ON TABLE faces IS 'detected faces; boxes are in parts of the picture''s width and height';
COMMENT ON COLUMN faces.frame_ms IS 'where in a video; NULL in an image';

CREATE INDEX idx_faces_content ON faces (tenant_id, content_id);
CREATE INDEX idx_faces_tenant_quality ON faces (tenant_id, quality DESC);
CREATE INDEX idx_faces_tenant_created_at ON faces (tenant_id, created_at DESC);

CREATE TRIGGER set_updated_at BEFORE UPDATE ON faces
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION set_updated_at();
