-- The rows that calls answer with. Named types, since a function's argument and its
-- result column can't both be called project.
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
COMMENT ON TYPE migrations.finished_step IS 'a row of apply(), rollback() and the like';

CREATE TYPE migrations.changed_record AS (
    project text,
    version text,
    name text,
    action text
);
COMMENT ON TYPE migrations.changed_record IS 'a row of mark_applied(), force(), import_bundle() and the like';

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
COMMENT ON FUNCTION migrations.add(text, text, text, text, text, text[], text, text, boolean, text, boolean) IS 'registers a migration; gives added, unchanged or replaced';

CREATE FUNCTION migrations.add_file(
    path text,
    content text,
    project text DEFAULT NULL,
    replace boolean DEFAULT false,
    convention text DEFAULT NULL,
    options jsonb DEFAULT NULL
) RETURNS text LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_add_file';
COMMENT ON FUNCTION migrations.add_file(text, text, text, boolean, text, jsonb) IS 'registers what one migration file holds, by its name and the marks of the tool that it was written for; gives added, unchanged or replaced';

CREATE FUNCTION migrations.add_files(
    paths text[],
    contents text[],
    project text DEFAULT NULL,
    replace boolean DEFAULT false,
    convention text DEFAULT NULL,
    options jsonb DEFAULT NULL
) RETURNS SETOF migrations.loaded_file LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_add_files';
COMMENT ON FUNCTION migrations.add_files(text[], text[], text, boolean, text, jsonb) IS 'registers all migrations that the files of a folder hold, or none';

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
COMMENT ON FUNCTION migrations.add_repeatable(text, text, text, text[], text, text, boolean, text, text) IS 'registers a repeatable migration, which runs whenever its text has changed, or before or after each run; gives added, unchanged or replaced';

CREATE FUNCTION migrations.load(
    directory text,
    project text DEFAULT NULL,
    replace boolean DEFAULT false,
    convention text DEFAULT NULL,
    options jsonb DEFAULT NULL
) RETURNS SETOF migrations.loaded_file LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_load';
COMMENT ON FUNCTION migrations.load(text, text, boolean, text, jsonb) IS 'registers all migrations of a folder on the server''s machine, with its subfolders, or none';

CREATE FUNCTION migrations.remove(version text, project text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS text LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_remove';
COMMENT ON FUNCTION migrations.remove(text, text, text) IS 'takes a migration that is not applied out of the registry';

CREATE FUNCTION migrations.remove_repeatable(name text, project text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS text LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_remove_repeatable';
COMMENT ON FUNCTION migrations.remove_repeatable(text, text, text) IS 'takes a repeatable migration out of the registry; what it has made stays';

CREATE FUNCTION migrations.set_project(
    project text DEFAULT NULL,
    search_path text DEFAULT NULL,
    out_of_order text DEFAULT NULL,
    settings jsonb DEFAULT NULL,
    placeholders text DEFAULT NULL
) RETURNS SETOF migrations.project_configuration LANGUAGE c ROWS 1 AS 'MODULE_PATHNAME', 'migrations_set_project';
COMMENT ON FUNCTION migrations.set_project(text, text, text, jsonb, text) IS 'sets what is given of a project''s configuration, and shows it';

CREATE FUNCTION migrations.set_variable(
    name text,
    value text,
    project text DEFAULT NULL,
    secret boolean DEFAULT NULL
) RETURNS text LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_set_variable';
COMMENT ON FUNCTION migrations.set_variable(text, text, text, boolean) IS 'sets a variable that a project''s texts refer to, NULL unsets it; the value of a secret is masked in what is kept, logged or shown';

CREATE FUNCTION migrations.export_bundle(project text DEFAULT NULL) RETURNS jsonb
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'migrations_export_bundle';
COMMENT ON FUNCTION migrations.export_bundle(text) IS 'all that is registered of a project, without what was applied';

CREATE FUNCTION migrations.import_bundle(bundle jsonb, project text DEFAULT NULL, replace boolean DEFAULT false)
    RETURNS SETOF migrations.changed_record LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_import_bundle';
COMMENT ON FUNCTION migrations.import_bundle(jsonb, text, boolean) IS 'registers all of a bundle, in the project that it names or another one';

-- look

CREATE FUNCTION migrations.status(project text DEFAULT NULL)
    RETURNS SETOF migrations.migration_status LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'migrations_status';
COMMENT ON FUNCTION migrations.status(text) IS 'all migrations of a project with their state, in version order';

CREATE FUNCTION migrations.version(project text DEFAULT NULL) RETURNS text
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'migrations_version';
COMMENT ON FUNCTION migrations.version(text) IS 'the highest applied version of a project, or NULL';

CREATE FUNCTION migrations.plan(
    target text DEFAULT NULL,
    project text DEFAULT NULL,
    only_version text DEFAULT NULL
)
    RETURNS SETOF migrations.planned_step LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_plan';
COMMENT ON FUNCTION migrations.plan(text, text, text) IS 'the steps that apply() with the same arguments would take; blocked ones have no number';

CREATE FUNCTION migrations.next_version(project text DEFAULT NULL, width int DEFAULT NULL) RETURNS text
    LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_next_version';
COMMENT ON FUNCTION migrations.next_version(text, int) IS 'the version for the next migration of a project: its highest one counted on, with as many digits';

-- run

CREATE FUNCTION migrations.apply(
    target text DEFAULT NULL,
    project text DEFAULT NULL,
    only_version text DEFAULT NULL
)
    RETURNS SETOF migrations.finished_step LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_apply';
COMMENT ON FUNCTION migrations.apply(text, text, text) IS 'applies all pending migrations up to and including the target, or only one with what it requires, in one transaction';

CREATE FUNCTION migrations.apply_all(projects text[] DEFAULT NULL)
    RETURNS SETOF migrations.finished_step LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_apply_all';
COMMENT ON FUNCTION migrations.apply_all(text[]) IS 'applies all pending migrations of several projects, or of all, in one transaction';

CREATE PROCEDURE migrations.apply_each(
    target text DEFAULT NULL,
    project text DEFAULT NULL,
    only_version text DEFAULT NULL,
    INOUT applied int DEFAULT NULL,
    INOUT run_id uuid DEFAULT NULL
) LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_apply_each';
COMMENT ON PROCEDURE migrations.apply_each(text, text, text, int, uuid) IS 'applies pending migrations as apply() does, but each in a transaction of its own; what is finished stays';

CREATE PROCEDURE migrations.rollback_each(
    n int DEFAULT 1,
    project text DEFAULT NULL,
    INOUT rolled_back int DEFAULT NULL,
    INOUT run_id uuid DEFAULT NULL
) LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_rollback_each';
COMMENT ON PROCEDURE migrations.rollback_each(int, text, int, uuid) IS 'rolls back the last n applied migrations as rollback() does, but each in a transaction of its own';

CREATE PROCEDURE migrations.rollback_to_each(
    version text,
    project text DEFAULT NULL,
    INOUT rolled_back int DEFAULT NULL,
    INOUT run_id uuid DEFAULT NULL
) LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_rollback_to_each';
COMMENT ON PROCEDURE migrations.rollback_to_each(text, text, int, uuid) IS 'rolls back all migrations that were applied after this one as rollback_to() does, but each in a transaction of its own';

CREATE PROCEDURE migrations.redo_each(
    n int DEFAULT 1,
    project text DEFAULT NULL,
    INOUT applied int DEFAULT NULL,
    INOUT run_id uuid DEFAULT NULL
) LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_redo_each';
COMMENT ON PROCEDURE migrations.redo_each(int, text, int, uuid) IS 'rolls back the last n applied migrations and applies them again as redo() does, but each in transactions of its own';

CREATE PROCEDURE migrations.reset_each(
    project text DEFAULT NULL,
    confirm text DEFAULT NULL,
    INOUT rolled_back int DEFAULT NULL,
    INOUT run_id uuid DEFAULT NULL
) LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_reset_each';
COMMENT ON PROCEDURE migrations.reset_each(text, text, int, uuid) IS 'rolls back all applied migrations of a project as reset() does, but each in a transaction of its own';

CREATE FUNCTION migrations.rollback(n int DEFAULT 1, project text DEFAULT NULL)
    RETURNS SETOF migrations.finished_step LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_rollback';
COMMENT ON FUNCTION migrations.rollback(int, text) IS 'rolls back the last n applied migrations, the last one first, in one transaction';

CREATE FUNCTION migrations.rollback_to(version text, project text DEFAULT NULL)
    RETURNS SETOF migrations.finished_step LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_rollback_to';
COMMENT ON FUNCTION migrations.rollback_to(text, text) IS 'rolls back all migrations that were applied after this one, which stays, in one transaction';

CREATE FUNCTION migrations.redo(n int DEFAULT 1, project text DEFAULT NULL)
    RETURNS SETOF migrations.finished_step LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_redo';
COMMENT ON FUNCTION migrations.redo(int, text) IS 'rolls back the last n applied migrations and applies them again, in one transaction';

CREATE FUNCTION migrations.reset(project text DEFAULT NULL, confirm text DEFAULT NULL)
    RETURNS SETOF migrations.finished_step LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_reset';
COMMENT ON FUNCTION migrations.reset(text, text) IS 'rolls back all applied migrations of a project, whose name confirm has to repeat, in one transaction';

-- Where a number of migrations is meant, a version in quotes would be read as one; and a
-- version without quotes, or by a name that doesn't say how it is meant, would find no
-- function. These say which call is the right one. (Procedures and functions to which rights
-- are given one by one have no such companion: a GRANT without arguments would be ambiguous.)

CREATE FUNCTION migrations.rollback(version text, project text DEFAULT NULL)
    RETURNS SETOF migrations.finished_step LANGUAGE c ROWS 1 AS 'MODULE_PATHNAME', 'migrations_version_for_number';
COMMENT ON FUNCTION migrations.rollback(text, text) IS 'refuses a text, and names the call that takes a version';

CREATE FUNCTION migrations.redo(version text, project text DEFAULT NULL)
    RETURNS SETOF migrations.finished_step LANGUAGE c ROWS 1 AS 'MODULE_PATHNAME', 'migrations_version_for_number';
COMMENT ON FUNCTION migrations.redo(text, text) IS 'refuses a text, and names the call that takes a version';

CREATE PROCEDURE migrations.rollback_each(
    version text,
    project text DEFAULT NULL,
    INOUT rolled_back int DEFAULT NULL,
    INOUT run_id uuid DEFAULT NULL
) LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_version_for_number';
COMMENT ON PROCEDURE migrations.rollback_each(text, text, int, uuid) IS 'refuses a text, and names the call that takes a version';

CREATE PROCEDURE migrations.redo_each(
    version text,
    project text DEFAULT NULL,
    INOUT applied int DEFAULT NULL,
    INOUT run_id uuid DEFAULT NULL
) LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_version_for_number';
COMMENT ON PROCEDURE migrations.redo_each(text, text, int, uuid) IS 'refuses a text, and names the call that takes a version';

CREATE FUNCTION migrations.apply(version "any", project text DEFAULT NULL)
    RETURNS SETOF migrations.finished_step LANGUAGE c ROWS 1 AS 'MODULE_PATHNAME', 'migrations_ambiguous_version';
COMMENT ON FUNCTION migrations.apply("any", text) IS 'refuses a number, and names the calls that take a version';

CREATE FUNCTION migrations.verify(version text DEFAULT NULL, project text DEFAULT NULL)
    RETURNS SETOF migrations.verified_migration LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_verify';
COMMENT ON FUNCTION migrations.verify(text, text) IS 'runs the verify scripts of applied migrations, or of one, again and takes back what they do';

-- scheduled jobs

CREATE FUNCTION migrations.schedule(cron text, project text DEFAULT NULL) RETURNS bigint
    LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_schedule';
COMMENT ON FUNCTION migrations.schedule(text, text) IS 'has pg_cron apply what is pending of a project, at the times that cron says; gives the number of the job';

CREATE FUNCTION migrations.unschedule(project text DEFAULT NULL) RETURNS text
    LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_unschedule';
COMMENT ON FUNCTION migrations.unschedule(text) IS 'takes the caller''s job for a project away';

-- backups

CREATE FUNCTION migrations.keep(relation regclass) RETURNS text
    LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_keep';
COMMENT ON FUNCTION migrations.keep(regclass) IS 'in the text of a migration: copies a table into the schema migrations_backup; gives the name of the copy';

CREATE FUNCTION migrations.forget(backup regclass) RETURNS text
    LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_forget';
COMMENT ON FUNCTION migrations.forget(regclass) IS 'drops a backup that keep() has made';

-- repair

CREATE FUNCTION migrations.mark_applied(version text, project text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS SETOF migrations.changed_record LANGUAGE c ROWS 1 AS 'MODULE_PATHNAME', 'migrations_mark_applied';
COMMENT ON FUNCTION migrations.mark_applied(text, text, text) IS 'notes a migration as applied without running it; a half-run one as finished, or its rollback as undone';

CREATE FUNCTION migrations.mark_pending(version text, project text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS SETOF migrations.changed_record LANGUAGE c ROWS 1 AS 'MODULE_PATHNAME', 'migrations_mark_pending';
COMMENT ON FUNCTION migrations.mark_pending(text, text, text) IS 'notes a migration as not applied without running its down; a half-run one as undone, or its rollback as finished';

CREATE FUNCTION migrations.force(version text, project text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS SETOF migrations.changed_record LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_force';
COMMENT ON FUNCTION migrations.force(text, text, text) IS 'notes all migrations up to this one as applied and all above as not applied, without running anything';

CREATE FUNCTION migrations.baseline(version text, project text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS SETOF migrations.changed_record LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_baseline';
COMMENT ON FUNCTION migrations.baseline(text, text, text) IS 'notes all migrations up to this one as there before pg_migrations came: applied, and never rolled back';

CREATE FUNCTION migrations.accept_changes(version text, project text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS SETOF migrations.changed_record LANGUAGE c ROWS 1 AS 'MODULE_PATHNAME', 'migrations_accept_changes';
COMMENT ON FUNCTION migrations.accept_changes(text, text, text) IS 'takes all that is registered of an applied migration as what was applied: its texts, requires, transactional and on_fail';

CREATE FUNCTION migrations.accept_all_changes(project text DEFAULT NULL, reason text DEFAULT NULL, confirm int DEFAULT NULL)
    RETURNS SETOF migrations.changed_record LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_accept_all_changes';
COMMENT ON FUNCTION migrations.accept_all_changes(text, text, int) IS 'takes all that is registered of all modified migrations of a project, whose number confirm repeats, as what was applied';

CREATE FUNCTION migrations.adopt(tool text, project text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS SETOF migrations.changed_record LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_adopt';
COMMENT ON FUNCTION migrations.adopt(text, text, text) IS 'notes as applied what another tool (golang-migrate) has applied by its own record';

CREATE FUNCTION migrations.mark_statement_done(version text, project text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS SETOF migrations.changed_record LANGUAGE c ROWS 1 AS 'MODULE_PATHNAME', 'migrations_mark_statement_done';
COMMENT ON FUNCTION migrations.mark_statement_done(text, text, text) IS 'notes the statement at which a migration was interrupted as done; the next run goes on behind it';

CREATE FUNCTION migrations.retry(version text, project text DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS SETOF migrations.changed_record LANGUAGE c ROWS 1 AS 'MODULE_PATHNAME', 'migrations_retry';
COMMENT ON FUNCTION migrations.retry(text, text, text) IS 'has the statement at which a migration was interrupted run again by the next run';
