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
COMMENT ON TYPE migrations.finished_step IS 'a row of apply() and rollback()';

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
    replace boolean DEFAULT false
) RETURNS text LANGUAGE c AS 'MODULE_PATHNAME', 'migrations_add_file';
COMMENT ON FUNCTION migrations.add_file(text, text, text, boolean) IS 'registers the content of a file named NNN_name.up.sql, NNN_name.down.sql or NNN_name.sql; gives added, unchanged or replaced';

-- look

CREATE FUNCTION migrations.status(project text DEFAULT NULL)
    RETURNS SETOF migrations.migration_status LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'migrations_status';
COMMENT ON FUNCTION migrations.status(text) IS 'all migrations of a project with their state, in version order';

CREATE FUNCTION migrations.version(project text DEFAULT NULL) RETURNS text
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'migrations_version';
COMMENT ON FUNCTION migrations.version(text) IS 'the highest applied version of a project, or NULL';

CREATE FUNCTION migrations.plan(target text DEFAULT NULL, project text DEFAULT NULL)
    RETURNS SETOF migrations.planned_step LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_plan';
COMMENT ON FUNCTION migrations.plan(text, text) IS 'the steps that apply() with the same arguments would take';

-- run

CREATE FUNCTION migrations.apply(target text DEFAULT NULL, project text DEFAULT NULL)
    RETURNS SETOF migrations.finished_step LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_apply';
COMMENT ON FUNCTION migrations.apply(text, text) IS 'applies all pending migrations up to and including the target, in one transaction';

CREATE FUNCTION migrations.rollback(n int DEFAULT 1, project text DEFAULT NULL)
    RETURNS SETOF migrations.finished_step LANGUAGE c ROWS 10 AS 'MODULE_PATHNAME', 'migrations_rollback';
COMMENT ON FUNCTION migrations.rollback(int, text) IS 'rolls back the last n applied migrations, the last one first, in one transaction';
