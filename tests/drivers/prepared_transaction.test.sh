# The error names a prepared transaction that holds a project, and the statements that end it.
new_database driver_prepared
sql "SELECT migrations.add('001', 'a', 'CREATE TABLE a ()')" >/dev/null
"$BIN/psql" -X -q <<<"BEGIN; SELECT version FROM migrations.apply(); PREPARE TRANSACTION 'left alone';" >/dev/null 2>&1
out=$(sql 'SELECT * FROM migrations.apply()' 2>&1) && fail 'should be refused'
has 'named' "DETAIL:  The prepared transaction 'left alone' of user postgres has held their lock since .*: end it with COMMIT PREPARED or ROLLBACK PREPARED\." "$out"
sql "COMMIT PREPARED 'left alone'"
is 'applied' 001 "$(sql 'SELECT migrations.version()')"
