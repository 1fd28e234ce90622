# The SQL of the guide for failures gives what the guide shows.
new_database driver_recovery
check_document "$ROOT/docs/recovery.md"
is 'where it ends' '001|0' "$(sql 'SELECT migrations.version(), (SELECT count(*) FROM parts)')"
