-- For all of the installation script: operators and types are looked up in nothing but the
-- catalog, and not in a schema where anybody may have made some. It ends with the script.
SET LOCAL search_path = pg_catalog, pg_temp;

DO $$
BEGIN
    -- Here and not in the library, which the server may preload without a database.
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
            DETAIL = 'pg_migrations makes a schema of this name for itself.',
            HINT = 'Rename the one that is there: ALTER SCHEMA migrations RENAME TO new_name;';
    END IF;
END
$$;

-- Made by the script itself, and so a member of the extension: an existing schema of
-- this name stops the installation instead of being adopted.
CREATE SCHEMA migrations;
COMMENT ON SCHEMA migrations IS 'migrations of this database: registry, applied state, history, and the functions that run them';

-- No table refers to another by a foreign key: projects are never deleted, and pg_restore -j
-- fills the tables of an extension in any order.

-- Sequences are made by name, since an identity's can't be given to pg_dump by name.
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
COMMENT ON COLUMN migrations.project.name IS 'what calls name as their argument project';
COMMENT ON COLUMN migrations.project.complete_seq IS 'the number of the last event when a comparison last showed that all that is registered is applied; a later event means that there may be something to do';
COMMENT ON COLUMN migrations.project.complete_time IS 'the time of that event: restored without its history, a project has other events of the same numbers';
COMMENT ON COLUMN migrations.project.search_path IS 'search_path of its migrations; NULL: the default of role, database or server';
COMMENT ON COLUMN migrations.project.settings IS 'further settings of its migrations, by name';
COMMENT ON COLUMN migrations.project.out_of_order IS 'what a pending migration below an applied one means: error, or allow';
COMMENT ON COLUMN migrations.project.placeholders IS 'how its texts refer to variables: none, ${x}, or :x as psql has it';
COMMENT ON COLUMN migrations.project.variables IS 'the values of its variables, by name; they may be secrets';
COMMENT ON COLUMN migrations.project.secrets IS 'the names of the variables whose values are masked in what is kept, logged or shown';
COMMENT ON COLUMN migrations.project.created_at IS 'when its first migration or setting came';

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
-- Bodies are read whole, one at a time: no compression, and no detoasting where only
-- the state is looked at.
ALTER TABLE migrations.migration
    ALTER COLUMN up SET STORAGE EXTERNAL,
    ALTER COLUMN down SET STORAGE EXTERNAL;
COMMENT ON TABLE migrations.migration IS 'the registry: all migrations that this database knows';
COMMENT ON COLUMN migrations.migration.id IS 'surrogate key';
COMMENT ON COLUMN migrations.migration.project_id IS 'the project that the migration belongs to';
COMMENT ON COLUMN migrations.migration.version IS 'the version as it was written; NULL: a repeatable migration';
COMMENT ON COLUMN migrations.migration.version_key IS 'the version''s natural order as bytes, the same for versions with the same numbers; of a repeatable one a byte above all versions and its name';
COMMENT ON COLUMN migrations.migration.name IS 'what the migration does, for people';
COMMENT ON COLUMN migrations.migration.up IS 'SQL that applies it; NULL while only its down is known';
COMMENT ON COLUMN migrations.migration.up_checksum IS 'checksum of up';
COMMENT ON COLUMN migrations.migration.down IS 'SQL that takes it back, if there is any';
COMMENT ON COLUMN migrations.migration.down_checksum IS 'checksum of down';
COMMENT ON COLUMN migrations.migration.checksum_algorithm IS '1: SHA-256 of the text without byte order mark, CRLF as LF, without white space at its end';
COMMENT ON COLUMN migrations.migration.requires IS 'what must be applied before';
COMMENT ON COLUMN migrations.migration.precondition IS 'SQL that must hold before';
COMMENT ON COLUMN migrations.migration.precondition_checksum IS 'checksum of precondition';
COMMENT ON COLUMN migrations.migration.verify IS 'SQL that must hold after';
COMMENT ON COLUMN migrations.migration.verify_checksum IS 'checksum of verify';
COMMENT ON COLUMN migrations.migration.transactional IS 'false: can''t run inside a transaction; NULL: as its statements show';
COMMENT ON COLUMN migrations.migration.on_fail IS 'what a precondition that doesn''t hold means: error, skip or mark';
COMMENT ON COLUMN migrations.migration.moment IS 'when a repeatable migration runs: when it has changed, or before or after all others in every run that has something to do';
COMMENT ON COLUMN migrations.migration.digest IS 'SHA-256 over all that decides what runs: the checksums of up, down, precondition and verify, and requires, on_fail, transactional and moment';
COMMENT ON COLUMN migrations.migration.registered_at IS 'when it was registered first';

-- The two tables that a run writes for each migration have no checks: the values come from
-- our code alone, and each constraint would be evaluated anew for each migration.

CREATE SEQUENCE migrations.applied_id_seq;
CREATE TABLE migrations.applied (
    id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('migrations.applied_id_seq'::pg_catalog.regclass),
    project_id bigint NOT NULL,
    target_schema text NOT NULL DEFAULT '',
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
    UNIQUE (project_id, target_schema, version_key)
);
ALTER SEQUENCE migrations.applied_id_seq OWNED BY migrations.applied.id;
ALTER TABLE migrations.applied ALTER COLUMN down SET STORAGE EXTERNAL;
COMMENT ON TABLE migrations.applied IS 'the applied state: which migrations are in force';
COMMENT ON COLUMN migrations.applied.id IS 'surrogate key; grows in the order in which migrations were applied';
COMMENT ON COLUMN migrations.applied.project_id IS 'the project that the migration belongs to';
COMMENT ON COLUMN migrations.applied.target_schema IS 'always empty so far';
COMMENT ON COLUMN migrations.applied.version IS 'the version as it was written when applied; NULL: a repeatable migration';
COMMENT ON COLUMN migrations.applied.version_key IS 'as in the registry';
COMMENT ON COLUMN migrations.applied.name IS 'the name that it had when applied';
COMMENT ON COLUMN migrations.applied.origin IS 'how it came: apply (it ran), mark (it was marked as applied) or baseline (it was there before)';
COMMENT ON COLUMN migrations.applied.up_checksum IS 'checksum of the text that ran, or that was accepted since';
COMMENT ON COLUMN migrations.applied.checksum_algorithm IS 'as in the registry';
COMMENT ON COLUMN migrations.applied.down IS 'the down that was registered when it was applied, or accepted since: what a rollback runs';
COMMENT ON COLUMN migrations.applied.down_checksum IS 'checksum of down';
COMMENT ON COLUMN migrations.applied.precondition_checksum IS 'checksum of the precondition, as it was then';
COMMENT ON COLUMN migrations.applied.verify_checksum IS 'checksum of the verify script, as it was then: verify() runs no other one';
COMMENT ON COLUMN migrations.applied.requires IS 'as in the registry then';
COMMENT ON COLUMN migrations.applied.transactional IS 'as in the registry then: how a rollback runs the down';
COMMENT ON COLUMN migrations.applied.on_fail IS 'as in the registry then';
COMMENT ON COLUMN migrations.applied.moment IS 'as in the registry then';
COMMENT ON COLUMN migrations.applied.digest IS 'the digest that the registry had then: with another one there the migration has changed since';
COMMENT ON COLUMN migrations.applied.run_id IS 'the run that applied it';
COMMENT ON COLUMN migrations.applied.applied_at IS 'when it started, by the clock';
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
-- Whether a run has skipped something is asked by each run that has something to do.
CREATE INDEX event_skip ON migrations.event (project_id) WHERE action = 'skip';
COMMENT ON TABLE migrations.event IS 'what was done to migrations, when and by whom; rows are only ever added';
COMMENT ON COLUMN migrations.event.id IS 'surrogate key';
COMMENT ON COLUMN migrations.event.project_id IS 'the project concerned';
COMMENT ON COLUMN migrations.event.seq IS 'number of the event within its project, without gaps';
COMMENT ON COLUMN migrations.event.run_id IS 'the run that it is part of; NULL for changes of the registry';
COMMENT ON COLUMN migrations.event.version IS 'the migration''s version; NULL: a repeatable migration, or the project as a whole';
COMMENT ON COLUMN migrations.event.name IS 'the migration''s name at that moment; NULL: the project as a whole';
COMMENT ON COLUMN migrations.event.action IS 'what was done: add, replace, remove, apply, rollback, skip, mark_applied, mark_pending, baseline, accept, set_project or set_variable';
COMMENT ON COLUMN migrations.event.outcome IS 'whether it was done: success or failure';
COMMENT ON COLUMN migrations.event.started_at IS 'when it started, by the clock';
COMMENT ON COLUMN migrations.event.duration IS 'how long it took, by the clock';
COMMENT ON COLUMN migrations.event.session_role IS 'the role that logged in';
COMMENT ON COLUMN migrations.event.effective_role IS 'the role as which it was done';
COMMENT ON COLUMN migrations.event.application_name IS 'the client''s application_name';
COMMENT ON COLUMN migrations.event.client_addr IS 'the client''s address; NULL for a local connection';
COMMENT ON COLUMN migrations.event.digest IS 'digest of the migration concerned';
COMMENT ON COLUMN migrations.event.former_digest IS 'the digest that it replaced: in the registry (replace), or in the applied state (accept)';
COMMENT ON COLUMN migrations.event.times IS 'how often it has happened since the event before: the same failure again and again is one event an hour';
COMMENT ON COLUMN migrations.event.sqlstate IS 'SQLSTATE of a failure';
COMMENT ON COLUMN migrations.event.message IS 'message of a failure; what of a project was set; which parts of a migration were accepted';
COMMENT ON COLUMN migrations.event.statement_no IS 'the statement that failed, from 1';
COMMENT ON COLUMN migrations.event.line_no IS 'the line that failed, from 1';
COMMENT ON COLUMN migrations.event.reason IS 'why, as the user gave it';
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
COMMENT ON TABLE migrations.unfinished IS 'migrations of which the last try, in a stepwise run, has failed';
COMMENT ON COLUMN migrations.unfinished.id IS 'surrogate key';
COMMENT ON COLUMN migrations.unfinished.project_id IS 'the project that the migration belongs to';
COMMENT ON COLUMN migrations.unfinished.version_key IS 'as in the registry';
COMMENT ON COLUMN migrations.unfinished.direction IS 'up or down';
COMMENT ON COLUMN migrations.unfinished.sqlstate IS 'SQLSTATE of the failure';
COMMENT ON COLUMN migrations.unfinished.message IS 'its message';
COMMENT ON COLUMN migrations.unfinished.statement_no IS 'the statement that failed, from 1';
COMMENT ON COLUMN migrations.unfinished.line_no IS 'the line that failed, from 1';
COMMENT ON COLUMN migrations.unfinished.failures IS 'how often it has failed like this, without a success between';
COMMENT ON COLUMN migrations.unfinished.failures_recorded IS 'how many of these are in the history';
COMMENT ON COLUMN migrations.unfinished.first_failed_at IS 'when it failed like this first';
COMMENT ON COLUMN migrations.unfinished.last_failed_at IS 'when it failed like this last';
COMMENT ON COLUMN migrations.unfinished.recorded_at IS 'when that was last noted in the history';

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
COMMENT ON TABLE migrations.journal IS 'which statements of migrations that can''t run inside a transaction have run, until the migration as a whole has';
COMMENT ON COLUMN migrations.journal.id IS 'surrogate key';
COMMENT ON COLUMN migrations.journal.project_id IS 'the project that the migration belongs to';
COMMENT ON COLUMN migrations.journal.version_key IS 'as in the registry';
COMMENT ON COLUMN migrations.journal.direction IS 'up or down';
COMMENT ON COLUMN migrations.journal.statement_no IS 'the statement, from 1';
COMMENT ON COLUMN migrations.journal.statement_checksum IS 'checksum of its text: what has run must not change before the rest has';
COMMENT ON COLUMN migrations.journal.command IS 'its command, for people';
COMMENT ON COLUMN migrations.journal.is_done IS 'whether it has run; false: it was started';
COMMENT ON COLUMN migrations.journal.may_commit IS 'it is a DO or CALL that may have committed parts of what it does';
COMMENT ON COLUMN migrations.journal.database_id IS 'the server''s system identifier and the database''s OID: where the OIDs of the row mean something';
COMMENT ON COLUMN migrations.journal.relation IS 'the table, schema, index or partition that a statement on indexes or partitions works on';
COMMENT ON COLUMN migrations.journal.parent IS 'the table that the partition is to be detached from';
COMMENT ON COLUMN migrations.journal.indexes IS 'the indexes that were there when it was started';
COMMENT ON COLUMN migrations.journal.leaves IS 'which indexes it leaves behind when it is cut off';
COMMENT ON COLUMN migrations.journal.index_name IS 'the name of the index that it creates';
COMMENT ON COLUMN migrations.journal.definition IS 'the definition of the index that it creates or drops, without names';
COMMENT ON COLUMN migrations.journal.started_at IS 'when it was started';

-- All of it is data that pg_dump has to carry.
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
