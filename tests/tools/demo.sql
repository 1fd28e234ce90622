\pset null -
\echo
\echo '--- What is registered, and what would be done?'
SELECT version, name, state, has_down FROM migrations.status();
SELECT step, version, name, direction FROM migrations.plan();
\echo '--- Apply all of it, in one transaction.'
SELECT step, version, name, statements, duration FROM migrations.apply();
SELECT version, name, state, applied_by, duration FROM migrations.status();
SELECT migrations.version();
\echo '--- The schema is there.'
\dt
\echo '--- A second apply has nothing to do.'
SELECT * FROM migrations.apply();
\echo '--- Take the last two back, and look again.'
SELECT step, version, name, direction, duration FROM migrations.rollback(2);
SELECT version, name, state FROM migrations.status();
SELECT migrations.version();
\echo '--- Who did what, and when.'
SELECT seq, version, action, outcome, effective_role, duration FROM migrations.history ORDER BY seq;
