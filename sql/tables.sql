-- Applies to the whole installation script, and ends with it: operators and types are looked up
-- in pg_catalog only, never in a schema where other users may create objects.
SET LOCAL search_path = pg_catalog, pg_temp;

DO $$
BEGIN
    -- Checked here and not in the library, which the server may preload without a database.
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'feature_not_supported',
            MESSAGE = 'pg_migrations needs a database with encoding UTF8',
            HINT = 'CREATE DATABASE ... ENCODING ''UTF8'' TEMPLATE template0;';
    END IF;
    IF to_regnamespace('migrations') IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'duplicate_schema',
            MESSAGE = 'schema "migrations" already exists',
            DETAIL = 'pg_migrations creates a schema of this name.',
            HINT = 'Rename the existing one: ALTER SCHEMA migrations RENAME TO new_name;';
    END IF;
END
$$;

-- The script creates the schema itself, so that it belongs to the extension. An existing schema
-- of this name stops the installation and is never taken over.
CREATE SCHEMA migrations;
COMMENT ON SCHEMA migrations IS 'the migrations of this database: registry, applied state, history, and the functions that run them';

-- There are no foreign keys between the tables: projects are never deleted, and pg_restore -j
-- fills the tables of an extension in any order.

-- Sequences are created by name, because the sequence of an identity column cannot be passed to
-- pg_extension_config_dump by a fixed name.
CREATE SEQUENCE migrations.project_id_seq;
CREATE TABLE migrations.project (
    id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('migrations.project_id_seq'::pg_catalog.regclass),
    name text NOT NULL UNIQUE CHECK (name <> ''),
    complete_seq bigint,
    complete_time timestamptz,
    search_path text,
    settings jsonb NOT NULL DEFAULT '{}',
    out_of_order text NOT NULL DEFAULT 'error' CHECK (out_of_order IN ('error', 'allow')),
    placeholders text NOT NULL DEFAULT 'none' CHECK (placeholders IN ('none', '${x}', ':x')),
    variables jsonb NOT NULL DEFAULT '{}',
    secrets text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
ALTER SEQUENCE migrations.project_id_seq OWNED BY migrations.project.id;
COMMENT ON TABLE migrations.project IS 'a named, independently ordered set of migrations';
COMMENT ON COLUMN migrations.project.id IS 'surrogate key; also the key of the project''s run lock';
COMMENT ON COLUMN migrations.project.name IS 'the value of the argument project';
COMMENT ON COLUMN migrations.project.complete_seq IS 'the number of the last event when a comparison last showed that everything registered is applied; a later event means that there may be something to do';
COMMENT ON COLUMN migrations.project.complete_time IS 'the time of that event; needed because a project that was restored without its history has other events with the same numbers';
COMMENT ON COLUMN migrations.project.search_path IS 'search_path of its migrations; NULL means the default of the role, the database or the server';
COMMENT ON COLUMN migrations.project.settings IS 'further settings of its migrations, by name';
COMMENT ON COLUMN migrations.project.out_of_order IS 'how a pending migration below an applied one is treated: error or allow';
COMMENT ON COLUMN migrations.project.placeholders IS 'the syntax by which its texts refer to variables: none, ${x}, or :x as in psql';
COMMENT ON COLUMN migrations.project.variables IS 'the values of its variables, by name; some may be secrets';
COMMENT ON COLUMN migrations.project.secrets IS 'the names of the variables whose values are masked in messages, rows, the log and the history';
COMMENT ON COLUMN migrations.project.created_at IS 'when its first migration or setting was registered';

CREATE SEQUENCE migrations.migration_id_seq;
CREATE TABLE migrations.migration (
    id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('migrations.migration_id_seq'::pg_catalog.regclass),
    project_id bigint NOT NULL,
    version text,
    version_key bytea NOT NULL,
    name text NOT NULL,
    up text,
    up_checksum bytea,
    down text,
    down_checksum bytea,
    checksum_algorithm smallint NOT NULL,
    requires text[] NOT NULL DEFAULT '{}',
    precondition text,
    precondition_checksum bytea,
    verify text,
    verify_checksum bytea,
    transactional boolean,
    on_fail text NOT NULL DEFAULT 'error' CHECK (on_fail IN ('error', 'skip', 'mark')),
    moment text NOT NULL DEFAULT 'changed' CHECK (moment IN ('changed', 'before', 'after')),
    digest bytea NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (project_id, version_key),
    CHECK (up IS NOT NULL OR down IS NOT NULL),
    CHECK (moment = 'changed' OR version IS NULL),
    CHECK ((up IS NULL) = (up_checksum IS NULL) AND (down IS NULL) = (down_checksum IS NULL)),
    CHECK ((precondition IS NULL) = (precondition_checksum IS NULL)
           AND (verify IS NULL) = (verify_checksum IS NULL))
);
ALTER SEQUENCE migrations.migration_id_seq OWNED BY migrations.migration.id;
-- Texts are read as a whole, one at a time, so they are stored uncompressed and out of line.
ALTER TABLE migrations.migration
    ALTER COLUMN up SET STORAGE EXTERNAL,
    ALTER COLUMN down SET STORAGE EXTERNAL;
COMMENT ON TABLE migrations.migration IS 'the registry: all migrations that are known in this database';
COMMENT ON COLUMN migrations.migration.id IS 'surrogate key';
COMMENT ON COLUMN migrations.migration.project_id IS 'the project that the migration belongs to';
COMMENT ON COLUMN migrations.migration.version IS 'the version as it was written; NULL for a repeatable migration';
COMMENT ON COLUMN migrations.migration.version_key IS 'the natural order of the version as bytes, the same for versions with the same numbers; for a repeatable migration a byte above all versions, followed by its name';
COMMENT ON COLUMN migrations.migration.name IS 'what the migration does, in a few words';
COMMENT ON COLUMN migrations.migration.up IS 'SQL that applies it; NULL while only its down is registered';
COMMENT ON COLUMN migrations.migration.up_checksum IS 'checksum of up';
COMMENT ON COLUMN migrations.migration.down IS 'SQL that rolls it back, if there is any';
COMMENT ON COLUMN migrations.migration.down_checksum IS 'checksum of down';
COMMENT ON COLUMN migrations.migration.checksum_algorithm IS '1: SHA-256 of the text without byte order mark, with CRLF as LF, without trailing white space';
COMMENT ON COLUMN migrations.migration.requires IS 'what must be applied before it';
COMMENT ON COLUMN migrations.migration.precondition IS 'script that must hold before it runs';
COMMENT ON COLUMN migrations.migration.precondition_checksum IS 'checksum of precondition';
COMMENT ON COLUMN migrations.migration.verify IS 'script that must hold after it has run';
COMMENT ON COLUMN migrations.migration.verify_checksum IS 'checksum of verify';
COMMENT ON COLUMN migrations.migration.transactional IS 'false: it cannot run inside a transaction block; NULL: its statements decide';
COMMENT ON COLUMN migrations.migration.on_fail IS 'what happens if the precondition does not hold: error, skip or mark';
COMMENT ON COLUMN migrations.migration.moment IS 'when a repeatable migration runs: changed, or before or after all others in every run that has something to do';
COMMENT ON COLUMN migrations.migration.digest IS 'SHA-256 over everything that decides what runs: the checksums of up, down, precondition and verify, and requires, on_fail, transactional and moment';
COMMENT ON COLUMN migrations.migration.registered_at IS 'when it was first registered';

-- A run writes to the next two tables for each migration. They have no check constraints: only
-- the extension's own code writes them, and each constraint would cost time for each migration.

CREATE SEQUENCE migrations.applied_id_seq;
CREATE TABLE migrations.applied (
    id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('migrations.applied_id_seq'::pg_catalog.regclass),
    project_id bigint NOT NULL,
    version text,
    version_key bytea NOT NULL,
    name text NOT NULL,
    origin text NOT NULL DEFAULT 'apply',
    up_checksum bytea NOT NULL,
    checksum_algorithm smallint NOT NULL,
    down text,
    down_checksum bytea,
    precondition_checksum bytea,
    verify_checksum bytea,
    requires text[] NOT NULL DEFAULT '{}',
    transactional boolean,
    on_fail text NOT NULL DEFAULT 'error',
    moment text NOT NULL DEFAULT 'changed',
    digest bytea NOT NULL,
    run_id uuid NOT NULL,
    applied_at timestamptz NOT NULL,
    applied_by text NOT NULL,
    event_seq bigint NOT NULL,
    UNIQUE (project_id, version_key)
);
ALTER SEQUENCE migrations.applied_id_seq OWNED BY migrations.applied.id;
ALTER TABLE migrations.applied ALTER COLUMN down SET STORAGE EXTERNAL;
COMMENT ON TABLE migrations.applied IS 'the applied state: which migrations are applied';
COMMENT ON COLUMN migrations.applied.id IS 'surrogate key; grows in the order in which migrations were applied';
COMMENT ON COLUMN migrations.applied.project_id IS 'the project that the migration belongs to';
COMMENT ON COLUMN migrations.applied.version IS 'the version as it was written when applied; NULL for a repeatable migration';
COMMENT ON COLUMN migrations.applied.version_key IS 'as in the registry';
COMMENT ON COLUMN migrations.applied.name IS 'the name that it had when it was applied';
COMMENT ON COLUMN migrations.applied.origin IS 'how it came to be applied: apply (it ran), mark (it was marked as applied) or baseline (it was part of the existing schema)';
COMMENT ON COLUMN migrations.applied.up_checksum IS 'checksum of the text that ran, or that was accepted later';
COMMENT ON COLUMN migrations.applied.checksum_algorithm IS 'as in the registry';
COMMENT ON COLUMN migrations.applied.down IS 'the down that a rollback runs: registered when the migration was applied, or accepted later';
COMMENT ON COLUMN migrations.applied.down_checksum IS 'checksum of down';
COMMENT ON COLUMN migrations.applied.precondition_checksum IS 'checksum of the precondition at that time';
COMMENT ON COLUMN migrations.applied.verify_checksum IS 'checksum of the verify script at that time; verify() runs no other one';
COMMENT ON COLUMN migrations.applied.requires IS 'as in the registry at that time';
COMMENT ON COLUMN migrations.applied.transactional IS 'as in the registry at that time; decides how a rollback runs the down';
COMMENT ON COLUMN migrations.applied.on_fail IS 'as in the registry at that time';
COMMENT ON COLUMN migrations.applied.moment IS 'as in the registry at that time';
COMMENT ON COLUMN migrations.applied.digest IS 'the digest in the registry at that time; if the registry has another one now, the migration is modified';
COMMENT ON COLUMN migrations.applied.run_id IS 'the run that applied it';
COMMENT ON COLUMN migrations.applied.applied_at IS 'when it started (clock time)';
COMMENT ON COLUMN migrations.applied.applied_by IS 'the role as which it ran';
COMMENT ON COLUMN migrations.applied.event_seq IS 'the event of the history that records it';

CREATE SEQUENCE migrations.event_id_seq;
CREATE TABLE migrations.event (
    id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('migrations.event_id_seq'::pg_catalog.regclass),
    project_id bigint NOT NULL,
    seq bigint NOT NULL,
    run_id uuid,
    version text,
    name text,
    action text NOT NULL,
    outcome text NOT NULL,
    started_at timestamptz NOT NULL,
    duration interval,
    session_role text NOT NULL DEFAULT session_user,
    effective_role text NOT NULL,
    application_name text NOT NULL DEFAULT current_setting('application_name'),
    client_addr inet DEFAULT inet_client_addr(),
    digest bytea,
    former_digest bytea,
    times bigint NOT NULL DEFAULT 1,
    sqlstate text,
    message text,
    statement_no int,
    line_no int,
    reason text,
    previous_hash bytea,
    hash bytea,
    UNIQUE (project_id, seq)
);
ALTER SEQUENCE migrations.event_id_seq OWNED BY migrations.event.id;
-- Each run that has something to do looks for skipped migrations.
CREATE INDEX event_skip ON migrations.event (project_id) WHERE action = 'skip';
COMMENT ON TABLE migrations.event IS 'what was done to migrations, when and by whom; rows are only ever added';
COMMENT ON COLUMN migrations.event.id IS 'surrogate key';
COMMENT ON COLUMN migrations.event.project_id IS 'the project concerned';
COMMENT ON COLUMN migrations.event.seq IS 'number of the event within its project, without gaps';
COMMENT ON COLUMN migrations.event.run_id IS 'the run that it belongs to; NULL for changes of the registry';
COMMENT ON COLUMN migrations.event.version IS 'the migration''s version; NULL for a repeatable migration or the project as a whole';
COMMENT ON COLUMN migrations.event.name IS 'the migration''s name at that time; NULL for the project as a whole';
COMMENT ON COLUMN migrations.event.action IS 'what was done: add, replace, remove, apply, rollback, skip, mark_applied, mark_pending, baseline, accept, mark_statement_done, retry, set_project or set_variable';
COMMENT ON COLUMN migrations.event.outcome IS 'success or failure';
COMMENT ON COLUMN migrations.event.started_at IS 'when it started (clock time)';
COMMENT ON COLUMN migrations.event.duration IS 'how long it took (clock time)';
COMMENT ON COLUMN migrations.event.session_role IS 'the role that logged in';
COMMENT ON COLUMN migrations.event.effective_role IS 'the role as which it was done';
COMMENT ON COLUMN migrations.event.application_name IS 'the client''s application_name';
COMMENT ON COLUMN migrations.event.client_addr IS 'the client''s address; NULL for a local connection';
COMMENT ON COLUMN migrations.event.digest IS 'digest of the migration concerned';
COMMENT ON COLUMN migrations.event.former_digest IS 'the digest that was replaced: in the registry (replace) or in the applied state (accept)';
COMMENT ON COLUMN migrations.event.times IS 'how often it has happened since the previous event; a repeated failure adds one event an hour at most';
COMMENT ON COLUMN migrations.event.sqlstate IS 'SQLSTATE of a failure';
COMMENT ON COLUMN migrations.event.message IS 'the message of a failure; what was set for a project; which parts of a migration were accepted';
COMMENT ON COLUMN migrations.event.statement_no IS 'the statement that failed, from 1';
COMMENT ON COLUMN migrations.event.line_no IS 'the line that failed, from 1';
COMMENT ON COLUMN migrations.event.reason IS 'the reason that the caller gave';
COMMENT ON COLUMN migrations.event.previous_hash IS 'reserved for sealing the history';
COMMENT ON COLUMN migrations.event.hash IS 'reserved for sealing the history';

CREATE SEQUENCE migrations.unfinished_id_seq;
CREATE TABLE migrations.unfinished (
    id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('migrations.unfinished_id_seq'::pg_catalog.regclass),
    project_id bigint NOT NULL,
    version_key bytea NOT NULL,
    direction text NOT NULL,
    sqlstate text NOT NULL,
    message text NOT NULL,
    statement_no int,
    line_no int,
    failures bigint NOT NULL,
    failures_recorded bigint NOT NULL,
    first_failed_at timestamptz NOT NULL,
    last_failed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    UNIQUE (project_id, version_key)
);
ALTER SEQUENCE migrations.unfinished_id_seq OWNED BY migrations.unfinished.id;
COMMENT ON TABLE migrations.unfinished IS 'migrations whose last attempt, in a stepwise run, has failed';
COMMENT ON COLUMN migrations.unfinished.id IS 'surrogate key';
COMMENT ON COLUMN migrations.unfinished.project_id IS 'the project that the migration belongs to';
COMMENT ON COLUMN migrations.unfinished.version_key IS 'as in the registry';
COMMENT ON COLUMN migrations.unfinished.direction IS 'up or down';
COMMENT ON COLUMN migrations.unfinished.sqlstate IS 'SQLSTATE of the failure';
COMMENT ON COLUMN migrations.unfinished.message IS 'message of the failure';
COMMENT ON COLUMN migrations.unfinished.statement_no IS 'the statement that failed, from 1';
COMMENT ON COLUMN migrations.unfinished.line_no IS 'the line that failed, from 1';
COMMENT ON COLUMN migrations.unfinished.failures IS 'how often it has failed with this error, without a success in between';
COMMENT ON COLUMN migrations.unfinished.failures_recorded IS 'how many of these failures are in the history';
COMMENT ON COLUMN migrations.unfinished.first_failed_at IS 'when it first failed with this error';
COMMENT ON COLUMN migrations.unfinished.last_failed_at IS 'when it last failed with this error';
COMMENT ON COLUMN migrations.unfinished.recorded_at IS 'when that was last recorded in the history';

CREATE SEQUENCE migrations.journal_id_seq;
CREATE TABLE migrations.journal (
    id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('migrations.journal_id_seq'::pg_catalog.regclass),
    project_id bigint NOT NULL,
    version_key bytea NOT NULL,
    direction text NOT NULL,
    statement_no int NOT NULL,
    statement_checksum bytea NOT NULL,
    command text NOT NULL,
    is_done boolean NOT NULL,
    may_commit boolean NOT NULL,
    database_id text NOT NULL,
    relation oid,
    parent oid,
    indexes oid[],
    leaves text,
    index_name text,
    definition text,
    started_at timestamptz NOT NULL,
    UNIQUE (project_id, version_key, direction, statement_no)
);
ALTER SEQUENCE migrations.journal_id_seq OWNED BY migrations.journal.id;
COMMENT ON TABLE migrations.journal IS 'the statements that have run of migrations that cannot run inside a transaction block; kept until the migration is finished';
COMMENT ON COLUMN migrations.journal.id IS 'surrogate key';
COMMENT ON COLUMN migrations.journal.project_id IS 'the project that the migration belongs to';
COMMENT ON COLUMN migrations.journal.version_key IS 'as in the registry';
COMMENT ON COLUMN migrations.journal.direction IS 'up or down';
COMMENT ON COLUMN migrations.journal.statement_no IS 'the statement, from 1';
COMMENT ON COLUMN migrations.journal.statement_checksum IS 'checksum of its text: what has run must not change before the migration is finished';
COMMENT ON COLUMN migrations.journal.command IS 'its command tag, for display';
COMMENT ON COLUMN migrations.journal.is_done IS 'true: it has run; false: it was started';
COMMENT ON COLUMN migrations.journal.may_commit IS 'it is a DO or CALL that may have committed a part of its work';
COMMENT ON COLUMN migrations.journal.database_id IS 'system identifier of the server and OID of the database in which the OIDs of this row are valid';
COMMENT ON COLUMN migrations.journal.relation IS 'the table, schema, index or partition that the statement works on';
COMMENT ON COLUMN migrations.journal.parent IS 'the table from which the partition is detached';
COMMENT ON COLUMN migrations.journal.indexes IS 'the indexes that existed when it was started';
COMMENT ON COLUMN migrations.journal.leaves IS 'which indexes it leaves if it is interrupted';
COMMENT ON COLUMN migrations.journal.index_name IS 'the name of the index that it creates';
COMMENT ON COLUMN migrations.journal.definition IS 'the definition of the index that it creates or drops, without names';
COMMENT ON COLUMN migrations.journal.started_at IS 'when it was started';

-- pg_dump includes the rows of these tables and sequences.
SELECT pg_catalog.pg_extension_config_dump('migrations.project', '');
SELECT pg_catalog.pg_extension_config_dump('migrations.project_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('migrations.migration', '');
SELECT pg_catalog.pg_extension_config_dump('migrations.migration_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('migrations.applied', '');
SELECT pg_catalog.pg_extension_config_dump('migrations.applied_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('migrations.event', '');
SELECT pg_catalog.pg_extension_config_dump('migrations.event_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('migrations.unfinished', '');
SELECT pg_catalog.pg_extension_config_dump('migrations.unfinished_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('migrations.journal', '');
SELECT pg_catalog.pg_extension_config_dump('migrations.journal_id_seq', '');
