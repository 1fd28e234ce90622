-- What somebody should look at.

CREATE TABLE alerts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    alert_type text NOT NULL CHECK (alert_type IN ('face_match', 'policy_violation', 'source_failure', 'quota')),
    severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'acknowledged', 'resolved')),
    dedup_key text NOT NULL CHECK (dedup_key <> ''),
    title text NOT NULL CHECK (title <> ''),
    -- An alert goes with the face or the source that it is about.
    face_id uuid,
    source_id uuid,
    occurrences integer NOT NULL DEFAULT 1 CHECK (occurrences > 0),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, face_id) REFERENCES faces (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, source_id) REFERENCES sources (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT alerts_resolved_has_time CHECK ((status = 'resolved') = (resolved_at IS NOT NULL))
);
COMMENT ON TABLE alerts IS 'what somebody should look at';
COMMENT ON COLUMN alerts.dedup_key IS 'the same alert again is counted, until it is resolved';

CREATE UNIQUE INDEX idx_alerts_unresolved ON alerts (tenant_id, dedup_key) WHERE status <> 'resolved';
CREATE INDEX idx_alerts_tenant_status ON alerts (tenant_id, status, created_at DESC);
CREATE INDEX idx_alerts_critical ON alerts (created_at) WHERE severity = 'critical' AND status = 'open';
CREATE INDEX idx_alerts_face ON alerts (tenant_id, face_id) WHERE face_id IS NOT NULL;
CREATE INDEX idx_alerts_source ON alerts (tenant_id, source_id) WHERE source_id IS NOT NULL;

CREATE TRIGGER set_updated_at BEFORE UPDATE ON alerts
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION set_updated_at();
CREATE TRIGGER record_event AFTER INSERT OR UPDATE OR DELETE ON alerts
    FOR EACH ROW EXECUTE FUNCTION record_event();

CREATE FUNCTION raise_alert(
    tenant uuid, alert_type text, severity text, dedup_key text, title text,
    face uuid DEFAULT NULL, source uuid DEFAULT NULL
) RETURNS uuid
LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO alerts AS a (tenant_id, alert_type, severity, dedup_key, title, face_id, source_id)
    VALUES (tenant, alert_type, severity, dedup_key, title, face, source)
    ON CONFLICT (tenant_id, dedup_key) WHERE status <> 'resolved' DO UPDATE
        SET occurrences = a.occurrences + 1, last_seen_at = now(), severity = excluded.severity
    RETURNING a.id;
END;
COMMENT ON FUNCTION raise_alert(uuid, text, text, text, text, uuid, uuid)
    IS 'adds an alert, or counts it again while it is not resolved';

CREATE VIEW open_alerts AS
SELECT tenant_id, id, severity, alert_type, title, occurrences, last_seen_at
FROM alerts
WHERE status = 'open'
ORDER BY array_position('{critical,warning,info}', severity), last_seen_at DESC;
COMMENT ON VIEW open_alerts IS 'alerts that nobody has taken up, the most urgent first';
