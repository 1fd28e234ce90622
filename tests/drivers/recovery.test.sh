# The guide for failures: what it shows happens so.
new_database driver_recovery
check_document "$ROOT/docs/recovery.md"
is 'where it ends' '001|0' "$(sql 'SELECT migrations.version(), (SELECT count(*) FROM parts)')"
