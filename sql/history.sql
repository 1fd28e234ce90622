CREATE VIEW migrations.history AS
SELECT e.id, p.name AS project, e.seq, e.run_id, e.version, e.name, e.action, e.outcome,
       e.started_at, e.duration, e.session_role, e.effective_role, e.application_name,
       e.client_addr, encode(e.digest, 'hex') AS digest, e.sqlstate, e.message,
       e.statement_no, e.line_no, e.reason,
       encode(e.former_digest, 'hex') AS former_digest, e.times
FROM migrations.event e
JOIN migrations.project p ON p.id = e.project_id;
COMMENT ON VIEW migrations.history IS 'every registration, apply, rollback and repair, with role, time and duration; the owner of this view is the role that writes the records of pg_migrations';
