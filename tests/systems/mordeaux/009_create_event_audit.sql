-- What has happened: each change of a row, by triggers, and events of the application.

CREATE TABLE event_audit (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    -- No foreign keys: the trail outlives what it tells of, tenants included.
    tenant_id uuid NOT NULL,
    event_type text NOT NULL CHECK (event_type ~ '^[a-z_]+\.[a-z_]+$'),
    entity_type text NOT NULL,
    entity_id uuid,
    actor text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(details) = 'object'),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE event_audit IS 'the audit trail; rows are added, never changed';
COMMENT ON COLUMN event_audit.event_type IS 'such as policies.updated, or search.performed of the application';
COMMENT ON COLUMN event_audit.actor IS 'the setting mordeaux.actor, else the role';
COMMENT ON COLUMN event_audit.details IS 'the row, or for each column that was changed old and new';

CREATE INDEX idx_event_audit_tenant_created_at ON event_audit (tenant_id, created_at DESC);
CREATE INDEX idx_event_audit_entity ON event_audit (tenant_id, entity_type, entity_id, created_at DESC);
CREATE INDEX idx_event_audit_type ON event_audit (tenant_id, event_type, created_at DESC);
CREATE INDEX idx_event_audit_actor ON event_audit (tenant_id, actor, created_at DESC);
-- Small also with very many rows, which are in the order of their time.
CREATE INDEX idx_event_audit_created_at ON event_audit USING brin (created_at);

CREATE FUNCTION keep_event_audit() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = format('%s of the audit trail', TG_OP),
        DETAIL = 'event_audit can only be added to.';
END;
$$;
CREATE TRIGGER keep_event_audit BEFORE UPDATE OR DELETE OR TRUNCATE ON event_audit
    FOR EACH STATEMENT EXECUTE FUNCTION keep_event_audit();

-- The arguments of its triggers are columns whose values are nobody's business.
CREATE FUNCTION record_event() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    hidden CONSTANT text[] := TG_ARGV || '{updated_at}'::text[];
    old_row CONSTANT jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - hidden END;
    new_row CONSTANT jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - hidden END;
    either CONSTANT jsonb := coalesce(new_row, old_row);
    event CONSTANT text := CASE TG_OP WHEN 'INSERT' THEN 'created' WHEN 'UPDATE' THEN 'updated' ELSE 'deleted' END;
    details jsonb := either;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD IS NOT DISTINCT FROM NEW THEN
            RETURN NULL;
        END IF;
        SELECT coalesce(jsonb_object_agg(key, jsonb_build_object('old', o.value, 'new', n.value)), '{}')
        INTO details
        FROM jsonb_each(old_row) AS o JOIN jsonb_each(new_row) AS n USING (key)
        WHERE o.value <> n.value;
    END IF;
    INSERT INTO event_audit (tenant_id, event_type, entity_type, entity_id, actor, details)
    VALUES (
        coalesce(either ->> 'tenant_id', either ->> 'id')::uuid,
        TG_TABLE_NAME || '.' || event, TG_TABLE_NAME, (either ->> 'id')::uuid,
        coalesce(nullif(current_setting('mordeaux.actor', true), ''), session_user), details
    );
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION record_event() IS 'adds a row''s change to event_audit, without the columns that its arguments name';

CREATE TRIGGER record_event AFTER INSERT OR UPDATE OR DELETE ON tenants
    FOR EACH ROW EXECUTE FUNCTION record_event();
CREATE TRIGGER record_event AFTER INSERT OR UPDATE OR DELETE ON sources
    FOR EACH ROW EXECUTE FUNCTION record_event();
CREATE TRIGGER record_event AFTER INSERT OR UPDATE OR DELETE ON content
    FOR EACH ROW EXECUTE FUNCTION record_event();
CREATE TRIGGER record_event AFTER INSERT OR UPDATE OR DELETE ON faces
    FOR EACH ROW EXECUTE FUNCTION record_event('landmarks');
CREATE TRIGGER record_event AFTER INSERT OR UPDATE OR DELETE ON embeddings
    FOR EACH ROW EXECUTE FUNCTION record_event('embedding');
CREATE TRIGGER record_event AFTER INSERT OR UPDATE OR DELETE ON clusters
    FOR EACH ROW EXECUTE FUNCTION record_event();
CREATE TRIGGER record_event AFTER INSERT OR UPDATE OR DELETE ON cluster_members
    FOR EACH ROW EXECUTE FUNCTION record_event();
CREATE TRIGGER record_event AFTER INSERT OR UPDATE OR DELETE ON policies
    FOR EACH ROW EXECUTE FUNCTION record_event();
