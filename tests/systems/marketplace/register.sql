-- Registers the migrations with what each requires, all or none:
-- psql -v folder=path/to/the/files -f register.sql
\set ON_ERROR_STOP on
\if :{?folder}
\else
    \set folder .
\endif
-- psql takes a file that isn't there for an empty one.
\set files `cd :'folder' && ls 00[1-8]_*.sql | wc -l`
SELECT trim(:'files') = '16' AS complete \gset
\if :complete
\else
    DO $$BEGIN RAISE 'the folder does not hold the eight migrations with their downs'; END$$;
\endif

BEGIN;

-- Where the platform has its extensions, vector among them.
SELECT project, search_path FROM migrations.set_project(search_path => 'public, extensions');

\set up `cat :'folder'/001_initial.sql`
\set down `cat :'folder'/001_initial.down.sql`
SELECT migrations.add('001', 'initial', :'up', :'down');

-- The condition says what requires leaves open: 001 alone is no requirement of this one.
\set up `cat :'folder'/002_match_documents.sql`
\set down `cat :'folder'/002_match_documents.down.sql`
SELECT migrations.add('002', 'match_documents', :'up', :'down', requires => '{extension:vector}',
    precondition => $$SELECT to_regclass('documents') IS NOT NULL$$);

\set up `cat :'folder'/003_api_keys.sql`
\set down `cat :'folder'/003_api_keys.down.sql`
SELECT migrations.add('003', 'api_keys', :'up', :'down', requires => '{001}');

\set up `cat :'folder'/004_conversations.sql`
\set down `cat :'folder'/004_conversations.down.sql`
SELECT migrations.add('004', 'conversations', :'up', :'down', requires => '{001, 003}');

\set up `cat :'folder'/005_feedback.sql`
\set down `cat :'folder'/005_feedback.down.sql`
SELECT migrations.add('005', 'feedback', :'up', :'down', requires => '{004}');

\set up `cat :'folder'/006_usage_logs.sql`
\set down `cat :'folder'/006_usage_logs.down.sql`
SELECT migrations.add('006', 'usage_logs', :'up', :'down', requires => '{003}');

\set up `cat :'folder'/007_subscriptions.sql`
\set down `cat :'folder'/007_subscriptions.down.sql`
SELECT migrations.add('007', 'subscriptions', :'up', :'down', requires => '{001}');

\set up `cat :'folder'/008_agent_config.sql`
\set down `cat :'folder'/008_agent_config.down.sql`
SELECT migrations.add('008', 'agent_config', :'up', :'down', requires => '{003, 002}',
    verify => $$SELECT count(*) = 1 FROM pg_index
        WHERE indexrelid = 'idx_documents_api_key_id'::regclass AND indisvalid$$);

COMMIT;
