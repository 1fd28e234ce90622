-- Jobs of pg_cron, where there is none. (With it: tests/drivers/cron.test.sh)
SET client_min_messages = warning;
CREATE EXTENSION pg_migrations;
RESET client_min_messages;
\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT migrations.schedule('*/5 * * * *');
SELECT migrations.unschedule();
SELECT migrations.schedule(NULL);
SELECT migrations.schedule('*/5 * * * *', 'nope');
SELECT migrations.schedule('*/5 * * * *', 'a:b');
BEGIN READ ONLY;
SELECT migrations.schedule('*/5 * * * *');
ROLLBACK;
-- a migration can't schedule
SELECT migrations.add('001', 'schedules', $$SELECT migrations.schedule('* * * * *')$$);
SELECT * FROM migrations.apply();
-- where pg_cron would be, if the server loaded it
SET cron.database_name = 'it''s \there';
SELECT migrations.schedule('*/5 * * * *');
SELECT migrations.unschedule();
SET cron.database_name = 'regress_schedule';
SELECT migrations.schedule('*/5 * * * *');
SELECT migrations.unschedule();
-- the setting is no more than a name: pg_cron's own answer comes from what is installed
RESET cron.database_name;
SELECT migrations.schedule('*/5 * * * *');
