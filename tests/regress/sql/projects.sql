-- Projects: settings around each body, apply_all, next_version.
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
\pset null -

-- settings, around body, precondition and verify
CREATE SCHEMA billing;
CREATE SCHEMA elsewhere;
SELECT * FROM migrations.set_project('billing', search_path => 'billing, public', settings => '{"lock_timeout": "7s", "app.tenant": "acme", "Work_Mem": 2048, "enable_seqscan": false}');
SELECT migrations.add('001', 'a', 'CREATE TABLE a (); SELECT current_setting(''lock_timeout'') AS t, current_setting(''app.tenant'') AS tenant, current_setting(''work_mem'') AS m, current_setting(''enable_seqscan'') AS s',
    'DROP TABLE a', project => 'billing',
    precondition => 'SELECT current_schemas(false) = ''{billing,public}''',
    verify => 'SELECT ''a''::regclass = ''billing.a''::regclass');
-- a body's own win within the body
SELECT migrations.add('002', 'b', 'SET search_path = elsewhere; SET LOCAL lock_timeout = ''1s''; CREATE TABLE b (); SHOW lock_timeout',
    'DROP TABLE elsewhere.b', project => 'billing', verify => 'SELECT current_setting(''lock_timeout'') <> ''1s''');
SELECT migrations.add('003', 'c', 'CREATE TABLE c ()', 'DROP TABLE c', project => 'billing');
SELECT version, messages FROM migrations.apply(project => 'billing');
SELECT oid::regclass FROM pg_class WHERE relname IN ('a', 'b', 'c') ORDER BY 1;
SHOW search_path;
SHOW lock_timeout;
SELECT version, ok FROM migrations.verify(project => 'billing');
SELECT version FROM migrations.rollback(3, 'billing');
SELECT version FROM migrations.apply(project => 'billing');
-- a limit for each statement
SELECT * FROM migrations.set_project('billing', settings => '{"statement_timeout": "200ms"}');
SELECT migrations.add('004', 'two', 'SELECT pg_sleep(0.15); SELECT pg_sleep(0.15)', project => 'billing');
SELECT version FROM migrations.apply(project => 'billing');
SELECT migrations.add('005', 'slow', 'SELECT pg_sleep(10)', project => 'billing');
SELECT version FROM migrations.apply(project => 'billing');
SHOW statement_timeout;
-- how literals are read
SELECT * FROM migrations.set_project('old', settings => '{"standard_conforming_strings": "off", "escape_string_warning": "off"}');
SELECT migrations.add('001', 'backslash', 'SELECT ''it\''s; here'' AS text', project => 'old');
SELECT version, messages FROM migrations.apply(project => 'old');

-- what is given changes, the rest stays
SELECT * FROM migrations.set_project('billing');
SELECT * FROM migrations.set_project('billing', search_path => '', settings => '{}');
SELECT * FROM migrations.set_project();
SELECT project, version, name, action, message FROM migrations.history WHERE action = 'set_project' ORDER BY id;

-- what can't be set
SELECT * FROM migrations.set_project('billing', settings => '{"no_such_setting": "1"}');
SELECT * FROM migrations.set_project('billing', settings => '{"lock_timeout": "soon"}');
SELECT * FROM migrations.set_project('billing', settings => '{"shared_buffers": "1GB"}');
SELECT * FROM migrations.set_project('billing', settings => '{"lock_timeout": null}');
SELECT * FROM migrations.set_project('billing', settings => '[1]');
SELECT * FROM migrations.set_project('billing', settings => '{"search_path": "x"}');
SELECT * FROM migrations.set_project('a:b');
SELECT * FROM migrations.set_project('');
CREATE ROLE regress_plain;
GRANT USAGE ON SCHEMA migrations TO regress_plain;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA migrations TO regress_plain;
SET ROLE regress_plain;
SELECT * FROM migrations.set_project('billing', settings => '{"session_replication_role": "replica"}');
SELECT * FROM migrations.set_project('billing', settings => '{"lock_timeout": "3s"}');
RESET ROLE;
SELECT settings FROM migrations.set_project('billing', settings => '{"session_replication_role": "replica"}');
SET ROLE regress_plain;
SELECT version FROM migrations.apply(project => 'billing');
SELECT * FROM migrations.load('/tmp');
RESET ROLE;
SELECT settings FROM migrations.set_project('billing', settings => '{}');
DROP OWNED BY regress_plain;
DROP ROLE regress_plain;

-- several projects in one transaction
SELECT migrations.add('001', 'people', 'CREATE TABLE people (id int PRIMARY KEY)', 'DROP TABLE people', project => 'auth');
SELECT migrations.add('002', 'back', 'ALTER TABLE people ADD job int REFERENCES jobs', 'ALTER TABLE people DROP job', project => 'auth', requires => '{jobs:001}');
SELECT migrations.add('003', 'last', 'SELECT 1', 'SELECT 1', project => 'auth');
SELECT migrations.add('001', 'jobs', 'CREATE TABLE jobs (id int PRIMARY KEY, owner int REFERENCES people)', 'DROP TABLE jobs', project => 'jobs', requires => '{auth:001}');
SELECT migrations.add('002', 'more', 'SELECT 1', 'SELECT 1', project => 'jobs', requires => '{auth:3, extension:plpgsql}');
SELECT version, state, message FROM migrations.status('jobs');
SELECT step, project, version, direction FROM migrations.apply_all('{jobs, auth, jobs}');
SELECT count(DISTINCT run_id) FROM migrations.history WHERE action = 'apply' AND project IN ('jobs', 'auth');
SELECT version FROM migrations.rollback(1, 'jobs');
SELECT version FROM migrations.rollback(2, 'auth');
SELECT step, project, version FROM migrations.apply_all('{jobs}');
SELECT step, project, version FROM migrations.apply_all('{auth, jobs}');
-- all that there are; one failure undoes all
SELECT migrations.remove('005', 'billing');
SELECT migrations.add('004', 'works', 'CREATE TABLE works ()', project => 'auth');
SELECT migrations.add('003', 'fails', 'SELECT 1 / 0', project => 'jobs');
SELECT migrations.add('006', 'x', 'SELECT 1', project => 'billing');
SELECT * FROM migrations.apply_all();
SELECT to_regclass('works');
SELECT migrations.remove('003', 'jobs');
SELECT step, project, version FROM migrations.apply_all();
SET client_min_messages = notice;
SELECT step, project, version FROM migrations.apply_all();
SELECT * FROM migrations.apply_all('{}');
SET client_min_messages = warning;
SELECT * FROM migrations.apply_all('{auth, nowhere}');
SELECT * FROM migrations.apply_all('{auth, NULL}');
SELECT * FROM migrations.apply_all('{auth, a:b}');
-- waiting for each other
SELECT migrations.add('005', 'x', 'SELECT 1', project => 'auth');
SELECT migrations.add('006', 'x', 'SELECT 1', project => 'auth', requires => '{jobs:008}');
SELECT migrations.add('007', 'x', 'SELECT 1', project => 'jobs', requires => '{auth:006}');
SELECT migrations.add('008', 'x', 'SELECT 1', project => 'jobs');
SELECT * FROM migrations.apply_all('{auth, jobs}');
-- skipped in one project, so not run in the other
SELECT migrations.add('006', 'x', 'SELECT 1', project => 'auth', precondition => 'SELECT false', on_fail => 'skip', replace => true);
SELECT step, project, version, direction, messages FROM migrations.apply_all('{auth, jobs}');

-- the next version
SELECT migrations.next_version('none');
SELECT migrations.next_version('none', 3);
SELECT migrations.next_version('auth'), migrations.next_version('auth', 5);
SELECT migrations.add('V1_9__x', 'x', 'SELECT 1', project => 'flyway');
SELECT migrations.next_version('flyway');
SELECT migrations.add('20240131120000', 'x', 'SELECT 1', project => 'times');
SELECT migrations.next_version('times') BETWEEN to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS') AND to_char(now() AT TIME ZONE 'UTC' + '1 minute', 'YYYYMMDDHH24MISS');
SELECT migrations.add('first', 'x', 'SELECT 1', project => 'words');
SELECT migrations.next_version('words');
SELECT migrations.next_version('auth', 0);
SELECT migrations.next_version('a:b');

-- a role: texts run as it, and the record says so
CREATE ROLE regress_app;
GRANT CREATE ON SCHEMA billing TO regress_app;
GRANT USAGE ON SCHEMA billing TO regress_app;
SELECT settings FROM migrations.set_project('role', search_path => 'billing', settings => '{"role": "regress_app"}');
SELECT migrations.add('1', 'x', 'CREATE TABLE owned (); SELECT current_user', 'DROP TABLE owned', project => 'role', verify => 'SELECT current_user = ''regress_app''');
SELECT version, messages FROM migrations.apply(project => 'role');
SELECT tableowner FROM pg_tables WHERE tablename = 'owned';
SELECT current_user = session_user AS back, effective_role, session_role = session_user AS login FROM migrations.history WHERE project = 'role' AND action = 'apply';
SELECT version FROM migrations.reset('role', 'role');
DROP OWNED BY regress_app;
DROP ROLE regress_app;

-- a look makes no project, and can be had where nothing may be written
BEGIN READ ONLY;
SELECT * FROM migrations.set_project();
SELECT * FROM migrations.set_project('typo');
ROLLBACK;
SELECT * FROM migrations.set_project('typo');
SELECT * FROM migrations.set_project(repeat('x', 201));
SELECT * FROM migrations.load('/nowhere', repeat('x', 201));
