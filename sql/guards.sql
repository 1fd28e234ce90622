-- Only the extension's functions change the tables. A direct UPDATE gets an error that says so.
-- Inserts stay possible outside of migrations, for a restore.
CREATE FUNCTION migrations.guard() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_guard';
COMMENT ON FUNCTION migrations.guard() IS 'Trigger function that refuses direct changes of the tables of pg_migrations.';

CREATE TRIGGER guard_rows BEFORE INSERT OR UPDATE OR DELETE ON migrations.project
    FOR EACH ROW EXECUTE FUNCTION migrations.guard();
CREATE TRIGGER guard_rows BEFORE INSERT OR UPDATE OR DELETE ON migrations.migration
    FOR EACH ROW EXECUTE FUNCTION migrations.guard();
CREATE TRIGGER guard_rows BEFORE INSERT OR UPDATE OR DELETE ON migrations.applied
    FOR EACH ROW EXECUTE FUNCTION migrations.guard();
CREATE TRIGGER guard_rows BEFORE INSERT OR UPDATE OR DELETE ON migrations.event
    FOR EACH ROW EXECUTE FUNCTION migrations.guard();
CREATE TRIGGER guard_rows BEFORE INSERT OR UPDATE OR DELETE ON migrations.unfinished
    FOR EACH ROW EXECUTE FUNCTION migrations.guard();
CREATE TRIGGER guard_rows BEFORE INSERT OR UPDATE OR DELETE ON migrations.journal
    FOR EACH ROW EXECUTE FUNCTION migrations.guard();

CREATE TRIGGER guard_table BEFORE TRUNCATE ON migrations.project
    FOR EACH STATEMENT EXECUTE FUNCTION migrations.guard();
CREATE TRIGGER guard_table BEFORE TRUNCATE ON migrations.migration
    FOR EACH STATEMENT EXECUTE FUNCTION migrations.guard();
CREATE TRIGGER guard_table BEFORE TRUNCATE ON migrations.applied
    FOR EACH STATEMENT EXECUTE FUNCTION migrations.guard();
CREATE TRIGGER guard_table BEFORE TRUNCATE ON migrations.event
    FOR EACH STATEMENT EXECUTE FUNCTION migrations.guard();
CREATE TRIGGER guard_table BEFORE TRUNCATE ON migrations.unfinished
    FOR EACH STATEMENT EXECUTE FUNCTION migrations.guard();
CREATE TRIGGER guard_table BEFORE TRUNCATE ON migrations.journal
    FOR EACH STATEMENT EXECUTE FUNCTION migrations.guard();
