-- The row types of the results. They are named types, because a function cannot have an
-- argument and a result column that are both called project.
CREATE TYPE migrations.migration_status AS (
    project text,
    version text,
    name text,
    state text,
    applied_at timestamptz,
    applied_by text,
    duration interval,
    checksum_ok boolean,
    has_down boolean,
    transactional boolean,
    message text
);
COMMENT ON TYPE migrations.migration_status IS 'a row of status()';

CREATE TYPE migrations.planned_step AS (
    step int,
    project text,
    version text,
    name text,
    direction text,
    transactional boolean,
    reason text
);
COMMENT ON TYPE migrations.planned_step IS 'a row of plan()';

CREATE TYPE migrations.finished_step AS (
    step int,
    project text,
    version text,
    name text,
    direction text,
    statements int,
    duration interval,
    messages text[]
);
COMMENT ON TYPE migrations.finished_step IS 'a row of apply(), rollback() and the other functions that run migrations';

CREATE TYPE migrations.changed_record AS (
    project text,
    version text,
    name text,
    action text
);
COMMENT ON TYPE migrations.changed_record IS 'a row of mark_applied(), force(), import_bundle() and the other functions that change the record';

CREATE TYPE migrations.verified_migration AS (
    project text,
    version text,
    name text,
    ok boolean,
    message text,
    messages text[]
);
COMMENT ON TYPE migrations.verified_migration IS 'a row of verify()';

CREATE TYPE migrations.loaded_file AS (
    file text,
    version text,
    name text,
    direction text,
    result text
);
COMMENT ON TYPE migrations.loaded_file IS 'a row of load() and add_files()';

CREATE TYPE migrations.project_configuration AS (
    project text,
    search_path text,
    out_of_order text,
    settings jsonb,
    placeholders text,
    variables text[],
    secrets text[]
);
COMMENT ON TYPE migrations.project_configuration IS 'a row of set_project()';

-- register

CREATE FUNCTION migrations.add(
    version text,
    name text,
    up text,
    down text DEFAULT NULL,
    project text DEFAULT NULL,
    requires text[] DEFAULT NULL,
    precondition text DEFAULT NULL,
    verify text DEFAULT NULL,
    transactional boolean DEFAULT NULL,
    on_fail text DEFAULT 'error',
    replace boolean DEFAULT false
) RETURNS text LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_add';
COMMENT ON FUNCTION migrations.add(text, text, text, text, text, text[], text, text, boolean, text, boolean) IS 'Registers a migration. Returns added, unchanged or replaced.';

CREATE FUNCTION migrations.add_file(
    path text,
    content text,
    project text DEFAULT NULL,
    replace boolean DEFAULT false,
    convention text DEFAULT NULL,
    options jsonb DEFAULT NULL
) RETURNS text LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_add_file';
COMMENT ON FUNCTION migrations.add_file(text, text, text, boolean, text, jsonb) IS 'Registers the migration of one file; the convention is detected from the name and the markers. Returns added, unchanged or replaced.';

CREATE FUNCTION migrations.add_files(
    paths text[],
    contents text[],
    project text DEFAULT NULL,
    replace boolean DEFAULT false,
    convention text DEFAULT NULL,
    options jsonb DEFAULT NULL
) RETURNS SETOF migrations.loaded_file LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_add_files';
COMMENT ON FUNCTION migrations.add_files(text[], text[], text, boolean, text, jsonb) IS 'Registers all migrations of a folder''s files, or none.';

CREATE FUNCTION migrations.add_repeatable(
    name text,
    up text,
    project text DEFAULT NULL,
    requires text[] DEFAULT NULL,
    precondition text DEFAULT NULL,
    verify text DEFAULT NULL,
    transactional boolean DEFAULT NULL,
    on_fail text DEFAULT 'error',
    moment text DEFAULT 'changed'
) RETURNS text LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_add_repeatable';
COMMENT ON FUNCTION migrations.add_repeatable(text, text, text, text[], text, text, boolean, text, text) IS 'Registers a repeatable migration, which runs whenever its text has changed, or before or after each run. Returns added, unchanged or replaced.';

CREATE FUNCTION migrations.load(
    directory text,
    project text DEFAULT NULL,
    replace boolean DEFAULT false,
    convention text DEFAULT NULL,
    options jsonb DEFAULT NULL
) RETURNS SETOF migrations.loaded_file LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_load';
COMMENT ON FUNCTION migrations.load(text, text, boolean, text, jsonb) IS 'Registers all migrations of a folder on the server''s machine and of its subfolders, or none.';

CREATE FUNCTION migrations.remove(version text, project text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS text LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_remove';
COMMENT ON FUNCTION migrations.remove(text, text, text) IS 'Removes a migration that is not applied from the registry.';

CREATE FUNCTION migrations.remove_repeatable(name text, project text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS text LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_remove_repeatable';
COMMENT ON FUNCTION migrations.remove_repeatable(text, text, text) IS 'Removes a repeatable migration from the registry. The objects that it has created stay.';

CREATE FUNCTION migrations.set_project(
    project text DEFAULT NULL,
    search_path text DEFAULT NULL,
    out_of_order text DEFAULT NULL,
    settings jsonb DEFAULT NULL,
    placeholders text DEFAULT NULL
) RETURNS SETOF migrations.project_configuration LANGUAGE c ROWS 1 AS 'MODULE_PATHNAME', 'migrations_set_project';
COMMENT ON FUNCTION migrations.set_project(text, text, text, jsonb, text) IS 'Sets the given parts of a project''s configuration and shows all of it.';

CREATE FUNCTION migrations.set_variable(
    name text,
    value text,
    project text DEFAULT NULL,
    secret boolean DEFAULT NULL
) RETURNS text LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_set_variable';
COMMENT ON FUNCTION migrations.set_variable(text, text, text, boolean) IS 'Sets a variable that the texts of a project refer to; NULL unsets it. The value of a secret is masked in messages, rows, the log and the history.';

CREATE FUNCTION migrations.export_bundle(project text DEFAULT NULL) RETURNS jsonb
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'migrations_export_bundle';
COMMENT ON FUNCTION migrations.export_bundle(text) IS 'Returns everything that is registered for a project, without the applied state.';

CREATE FUNCTION migrations.import_bundle(bundle jsonb, project text DEFAULT NULL, replace boolean DEFAULT false)
    RETURNS SETOF migrations.changed_record LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_import_bundle';
COMMENT ON FUNCTION migrations.import_bundle(jsonb, text, boolean) IS 'Registers everything in a bundle, in the project that it names or in another one.';

-- look

CREATE FUNCTION migrations.status(project text DEFAULT NULL)
    RETURNS SETOF migrations.migration_status LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'migrations_status';
COMMENT ON FUNCTION migrations.status(text) IS 'Shows all migrations of a project with their states, in version order.';

CREATE FUNCTION migrations.version(project text DEFAULT NULL) RETURNS text
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'migrations_version';
COMMENT ON FUNCTION migrations.version(text) IS 'Returns the highest applied version of a project, or NULL.';

CREATE FUNCTION migrations.plan(
    target text DEFAULT NULL,
    project text DEFAULT NULL,
    only_version text DEFAULT NULL
)
    RETURNS SETOF migrations.planned_step LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_plan';
COMMENT ON FUNCTION migrations.plan(text, text, text) IS 'Shows the steps that apply() would take with the same arguments. Blocked migrations have no step number.';

CREATE FUNCTION migrations.next_version(project text DEFAULT NULL, width int DEFAULT NULL) RETURNS text
    LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_next_version';
COMMENT ON FUNCTION migrations.next_version(text, int) IS 'Returns the version for the next migration of a project: the highest one plus one, with the same number of digits.';

-- run

CREATE FUNCTION migrations.apply(
    target text DEFAULT NULL,
    project text DEFAULT NULL,
    only_version text DEFAULT NULL
)
    RETURNS SETOF migrations.finished_step LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_apply';
COMMENT ON FUNCTION migrations.apply(text, text, text) IS 'Applies all pending migrations up to and including the target, or only one with its requirements, in one transaction.';

CREATE FUNCTION migrations.apply_all(projects text[] DEFAULT NULL)
    RETURNS SETOF migrations.finished_step LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_apply_all';
COMMENT ON FUNCTION migrations.apply_all(text[]) IS 'Applies all pending migrations of several projects, or of all, in one transaction.';

CREATE PROCEDURE migrations.apply_each(
    target text DEFAULT NULL,
    project text DEFAULT NULL,
    only_version text DEFAULT NULL,
    INOUT applied int DEFAULT NULL,
    INOUT run_id uuid DEFAULT NULL
) LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_apply_each';
COMMENT ON PROCEDURE migrations.apply_each(text, text, text, int, uuid) IS 'Applies pending migrations as apply() does, each in a transaction of its own.';

CREATE PROCEDURE migrations.rollback_each(
    n int DEFAULT 1,
    project text DEFAULT NULL,
    INOUT rolled_back int DEFAULT NULL,
    INOUT run_id uuid DEFAULT NULL
) LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_rollback_each';
COMMENT ON PROCEDURE migrations.rollback_each(int, text, int, uuid) IS 'Rolls back the last n applied migrations as rollback() does, each in a transaction of its own.';

CREATE PROCEDURE migrations.rollback_to_each(
    version text,
    project text DEFAULT NULL,
    INOUT rolled_back int DEFAULT NULL,
    INOUT run_id uuid DEFAULT NULL
) LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_rollback_to_each';
COMMENT ON PROCEDURE migrations.rollback_to_each(text, text, int, uuid) IS 'Rolls back all migrations that were applied after this one as rollback_to() does, each in a transaction of its own.';

CREATE PROCEDURE migrations.redo_each(
    n int DEFAULT 1,
    project text DEFAULT NULL,
    INOUT applied int DEFAULT NULL,
    INOUT run_id uuid DEFAULT NULL
) LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_redo_each';
COMMENT ON PROCEDURE migrations.redo_each(int, text, int, uuid) IS 'Rolls back the last n applied migrations and applies them again as redo() does, each in transactions of its own.';

CREATE PROCEDURE migrations.reset_each(
    project text DEFAULT NULL,
    confirm text DEFAULT NULL,
    INOUT rolled_back int DEFAULT NULL,
    INOUT run_id uuid DEFAULT NULL
) LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_reset_each';
COMMENT ON PROCEDURE migrations.reset_each(text, text, int, uuid) IS 'Rolls back all applied migrations of a project as reset() does, each in a transaction of its own.';

CREATE FUNCTION migrations.rollback(n int DEFAULT 1, project text DEFAULT NULL)
    RETURNS SETOF migrations.finished_step LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_rollback';
COMMENT ON FUNCTION migrations.rollback(int, text) IS 'Rolls back the last n applied migrations, the last one first, in one transaction.';

CREATE FUNCTION migrations.rollback_to(version text, project text DEFAULT NULL)
    RETURNS SETOF migrations.finished_step LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_rollback_to';
COMMENT ON FUNCTION migrations.rollback_to(text, text) IS 'Rolls back all migrations that were applied after this one, which stays applied, in one transaction.';

CREATE FUNCTION migrations.redo(n int DEFAULT 1, project text DEFAULT NULL)
    RETURNS SETOF migrations.finished_step LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_redo';
COMMENT ON FUNCTION migrations.redo(int, text) IS 'Rolls back the last n applied migrations and applies them again, in one transaction.';

CREATE FUNCTION migrations.reset(project text DEFAULT NULL, confirm text DEFAULT NULL)
    RETURNS SETOF migrations.finished_step LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_reset';
COMMENT ON FUNCTION migrations.reset(text, text) IS 'Rolls back all applied migrations of a project, in one transaction. The argument confirm must repeat the project''s name.';

-- Companions that raise an error which names the right call. rollback('003') would be read as
-- a number of migrations, and apply(3) or apply(version => '003') would find no function.
-- Procedures and functions on which rights are granted one by one have no companion, because a
-- GRANT without an argument list would be ambiguous.

CREATE FUNCTION migrations.rollback(version text, project text DEFAULT NULL)
    RETURNS SETOF migrations.finished_step LANGUAGE c ROWS 1 AS 'MODULE_PATHNAME', 'migrations_version_for_number';
COMMENT ON FUNCTION migrations.rollback(text, text) IS 'Always fails: it takes a number of migrations. The error names the call that takes a version.';

CREATE FUNCTION migrations.redo(version text, project text DEFAULT NULL)
    RETURNS SETOF migrations.finished_step LANGUAGE c ROWS 1 AS 'MODULE_PATHNAME', 'migrations_version_for_number';
COMMENT ON FUNCTION migrations.redo(text, text) IS 'Always fails: it takes a number of migrations. The error names the call that takes a version.';

CREATE PROCEDURE migrations.rollback_each(
    version text,
    project text DEFAULT NULL,
    INOUT rolled_back int DEFAULT NULL,
    INOUT run_id uuid DEFAULT NULL
) LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_version_for_number';
COMMENT ON PROCEDURE migrations.rollback_each(text, text, int, uuid) IS 'Always fails: it takes a number of migrations. The error names the call that takes a version.';

CREATE PROCEDURE migrations.redo_each(
    version text,
    project text DEFAULT NULL,
    INOUT applied int DEFAULT NULL,
    INOUT run_id uuid DEFAULT NULL
) LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_version_for_number';
COMMENT ON PROCEDURE migrations.redo_each(text, text, int, uuid) IS 'Always fails: it takes a number of migrations. The error names the call that takes a version.';

CREATE FUNCTION migrations.apply(version "any", project text DEFAULT NULL)
    RETURNS SETOF migrations.finished_step LANGUAGE c ROWS 1 AS 'MODULE_PATHNAME', 'migrations_ambiguous_version';
COMMENT ON FUNCTION migrations.apply("any", text) IS 'Always fails: apply() takes a version as text. The error names the calls that take a version.';

CREATE FUNCTION migrations.verify(version text DEFAULT NULL, project text DEFAULT NULL)
    RETURNS SETOF migrations.verified_migration LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_verify';
COMMENT ON FUNCTION migrations.verify(text, text) IS 'Runs the verify scripts of all applied migrations, or of one. Their effects are rolled back.';

-- scheduled jobs

CREATE FUNCTION migrations.schedule(cron text, project text DEFAULT NULL) RETURNS bigint
    LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_schedule';
COMMENT ON FUNCTION migrations.schedule(text, text) IS 'Creates a pg_cron job that applies the pending migrations of a project. Returns the job''s number.';

CREATE FUNCTION migrations.unschedule(project text DEFAULT NULL) RETURNS text
    LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_unschedule';
COMMENT ON FUNCTION migrations.unschedule(text) IS 'Removes the caller''s pg_cron job for a project.';

-- backups

CREATE FUNCTION migrations.keep(relation regclass) RETURNS text
    LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_keep';
COMMENT ON FUNCTION migrations.keep(regclass) IS 'Copies a table into the schema migrations_backup. To be called in the text of a migration. Returns the name of the copy.';

CREATE FUNCTION migrations.forget(backup regclass) RETURNS text
    LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_forget';
COMMENT ON FUNCTION migrations.forget(regclass) IS 'Drops a backup that keep() has made.';

-- repair

CREATE FUNCTION migrations.mark_applied(version text, project text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS SETOF migrations.changed_record LANGUAGE c ROWS 1 AS 'MODULE_PATHNAME', 'migrations_mark_applied';
COMMENT ON FUNCTION migrations.mark_applied(text, text, text) IS 'Records a migration as applied without running it; a half-run one as finished, or its rollback as undone.';

CREATE FUNCTION migrations.mark_pending(version text, project text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS SETOF migrations.changed_record LANGUAGE c ROWS 1 AS 'MODULE_PATHNAME', 'migrations_mark_pending';
COMMENT ON FUNCTION migrations.mark_pending(text, text, text) IS 'Records a migration as not applied without running its down; a half-run one as undone, or its rollback as finished.';

CREATE FUNCTION migrations.force(version text, project text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS SETOF migrations.changed_record LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_force';
COMMENT ON FUNCTION migrations.force(text, text, text) IS 'Records all migrations up to this version as applied and all above as not applied. Runs nothing.';

CREATE FUNCTION migrations.baseline(version text, project text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS SETOF migrations.changed_record LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_baseline';
COMMENT ON FUNCTION migrations.baseline(text, text, text) IS 'Records all migrations up to this version as part of the existing schema: applied, and never rolled back.';

CREATE FUNCTION migrations.accept_changes(version text, project text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS SETOF migrations.changed_record LANGUAGE c ROWS 1 AS 'MODULE_PATHNAME', 'migrations_accept_changes';
COMMENT ON FUNCTION migrations.accept_changes(text, text, text) IS 'Accepts everything that is now registered for an applied migration as what was applied.';

CREATE FUNCTION migrations.accept_all_changes(project text DEFAULT NULL, reason text DEFAULT NULL, confirm int DEFAULT NULL)
    RETURNS SETOF migrations.changed_record LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_accept_all_changes';
COMMENT ON FUNCTION migrations.accept_all_changes(text, text, int) IS 'Accepts the changes of all modified migrations of a project. The argument confirm must repeat their number.';

CREATE FUNCTION migrations.adopt(tool text, project text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS SETOF migrations.changed_record LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_adopt';
COMMENT ON FUNCTION migrations.adopt(text, text, text) IS 'Records as a baseline what another tool (golang-migrate) has applied, according to its own table.';

CREATE FUNCTION migrations.mark_statement_done(version text, project text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS SETOF migrations.changed_record LANGUAGE c ROWS 1 AS 'MODULE_PATHNAME', 'migrations_mark_statement_done';
COMMENT ON FUNCTION migrations.mark_statement_done(text, text, text) IS 'Records the statement at which a migration was interrupted as done. The next run continues after it.';

CREATE FUNCTION migrations.retry(version text, project text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS SETOF migrations.changed_record LANGUAGE c ROWS 1 AS 'MODULE_PATHNAME', 'migrations_retry';
COMMENT ON FUNCTION migrations.retry(text, text, text) IS 'Lets the next run execute the statement again at which a migration was interrupted.';
