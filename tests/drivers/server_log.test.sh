# The server's log: the one line of a failed run, and log_statement for each statement.
new_database driver_log
sql "SELECT migrations.add('001', 'table', 'CREATE TABLE a (id int)')" >/dev/null
sql "SELECT migrations.add('002', 'fails', E'SELECT 1;\n\nSELECT ''it''''s'' / 0')" >/dev/null

mark_log
! sql 'SELECT * FROM migrations.apply()' 2>/dev/null || fail 'should fail'
line=$(log_since | grep 'run failed')
is 'one line' 1 "$(wc -l <<<"$line")"
has 'its content' 'LOG:  pg_migrations: run failed: run=[0-9a-f-]{36} project="default" version="002" statement=2 line=3 sqlstate=22P02 message="invalid input syntax for type integer: ..it.s.."' "$line"
lacks 'no statement with it' 'STATEMENT:  SELECT \* FROM migrations.apply\(\)' "$(log_since | grep -A1 'run failed' | head -2 | tail -1)"
is 'the database is as before' 'f|' "$(sql "SELECT to_regclass('a') IS NOT NULL, migrations.version()")"

# a refusal is logged, too, and so is a failure that the caller catches
sql "SELECT migrations.add('002', 'fails', E'SELECT 1;\n COMMIT', replace => true)" >/dev/null
mark_log
sql 'DO $$ BEGIN PERFORM migrations.apply(); EXCEPTION WHEN OTHERS THEN END $$'
has 'refused' 'version="002" statement=2 line=2 sqlstate=2D000 message="COMMIT is not allowed in a migration"' "$(log_since)"

# log_statement
sql "SELECT migrations.add('002', 'mends', E'-- first\nCREATE TABLE b (id int); INSERT INTO b\nVALUES (1);\n  SELECT * FROM b', replace => true)" >/dev/null
mark_log
PGOPTIONS='-c log_statement=mod' sql 'SELECT version FROM migrations.apply()' >/dev/null
has 'ddl' 'LOG:  migration 002 \(mends\) of project default, statement 1 of 3, line 2: CREATE TABLE b \(id int\)$' "$(log_since)"
has 'mod' 'LOG:  migration 002 \(mends\) of project default, statement 2 of 3, line 2: INSERT INTO b$' "$(log_since)"
lacks 'not a SELECT' 'statement 3 of 3' "$(log_since)"
mark_log
PGOPTIONS='-c log_statement=all' sql 'SELECT version FROM migrations.apply()' >/dev/null
lacks 'nothing ran' 'migration 00' "$(log_since)"

# in a migration that can't run inside a transaction, too
sql "SELECT migrations.add('003', 'apart', E'CREATE TABLE c (id int);\nVACUUM c')" >/dev/null
mark_log
PGOPTIONS='-c log_statement=all' sql 'CALL migrations.apply_each()' >/dev/null 2>&1
has 'ordinary' 'LOG:  migration 003 \(apart\) of project default, statement 1 of 2, line 1: CREATE TABLE c \(id int\)$' "$(log_since)"
has 'by itself' 'LOG:  migration 003 \(apart\) of project default, statement 2 of 2, line 2: VACUUM c$' "$(log_since)"
