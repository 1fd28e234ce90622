# The guide for failures: what it shows happens so.
new_database driver_recovery
out=$(run_document "$ROOT/docs/recovery.md") || fail "$out"
has 'atomic' 'CONTEXT:  migration 002 \(codes\) of project default, statement 2 of 2, line 1' "$out"
has 'stepwise' '003 +\| failed +\| could not create unique index "parts_code"' "$out"
has 'valid again' 'parts_code +\| t' "$out"
has 'cut off' 'ERROR:  the power is gone' "$out"
has 'undecided' "HINT:  Look at what it has done. SELECT \\* FROM migrations.mark_statement_done\\('004', 'default'\\)" "$out"
has 'not inside a transaction' 'ERROR:  DROP INDEX CONCURRENTLY cannot run inside a transaction' "$out"
is 'where it ends' '001|0' "$(sql 'SELECT migrations.version(), (SELECT count(*) FROM parts)')"
