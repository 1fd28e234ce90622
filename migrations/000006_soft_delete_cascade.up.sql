-- A visitor who is soft-deleted takes letters and events along, as ON DELETE CASCADE
-- does for real deletes; restoring the visitor restores them.

CREATE FUNCTION soft_delete_visitor() RETURNS trigger AS $$
BEGIN
    UPDATE generated_letters SET deleted_at = NEW.deleted_at
    WHERE visitor_id = NEW.id AND deleted_at IS NOT DISTINCT FROM OLD.deleted_at;
    UPDATE analytics_events SET deleted_at = NEW.deleted_at
    WHERE visitor_id = NEW.id AND deleted_at IS NOT DISTINCT FROM OLD.deleted_at;
    RETURN NULL;
END;
$$ LANGUAGE plpgsql;

CREATE TRIGGER soft_delete_visitor AFTER UPDATE OF deleted_at ON visitors
    FOR EACH ROW WHEN (OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
    EXECUTE FUNCTION soft_delete_visitor();
