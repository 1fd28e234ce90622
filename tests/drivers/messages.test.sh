# NOTICEs of a migration, in the client's output and in the rows; and those of the extension.
new_database driver_messages
sql "SELECT migrations.add('001', 'notices', 'DO \$\$ BEGIN RAISE NOTICE ''from the body''; END \$\$; SELECT 42 AS answer')" >/dev/null
sql "SELECT migrations.add('002', 'wrapped', E'BEGIN;\nCREATE TABLE w ();\nEND;', 'DROP TABLE w')" >/dev/null
out=$(sql 'SELECT version, statements, messages FROM migrations.apply()' 2>&1)
has 'sent' '^NOTICE:  from the body$' "$out"
has 'finished' '^NOTICE:  applied 001 \(notices\) in [0-9.]+ ms$' "$out"
has 'kept with the rows' '^001\|2\|\{"NOTICE: from the body","\{\\"answer\\":42\}"\}$' "$out"
has 'BEGIN and COMMIT' '^NOTICE:  BEGIN and COMMIT around the migration are dropped$' "$out"
has 'are not counted' '^002\|1\|\{"NOTICE: BEGIN and COMMIT around the migration are dropped"\}$' "$out"
out=$(sql 'SELECT version FROM migrations.rollback()' 2>&1)
has 'rolled back' '^NOTICE:  rolled back 002 \(wrapped\) in [0-9.]+ ms$' "$out"
# the context of a NOTICE says where it comes from
sql "SELECT migrations.add('003', 'context', E'SELECT 1;\nDROP TABLE IF EXISTS nowhere', 'SELECT 1')" >/dev/null
out=$("$BIN/psql" -X -q -v VERBOSITY=verbose -c 'SELECT * FROM migrations.apply()' 2>&1)
has 'notice' 'NOTICE:  00000: table "nowhere" does not exist, skipping' "$out"

# psql's commands that mean nothing here
sql "SELECT migrations.add('050', 'psql', E'\\\\echo one\nSELECT 1;\n\\\\set ON_ERROR_STOP on\n')" >/dev/null
out=$(sql "SELECT messages FROM migrations.apply()" 2>&1)
has 'reported' 'NOTICE:  \\echo in line 1 is ignored' "$out"
has 'kept' '"NOTICE: \\\\set in line 3 is ignored"' "$out"

# All that the server logs of itself at the highest level is no hindrance, and isn't kept.
sql "SELECT migrations.add('060', 'quiet', 'DO \$\$ BEGIN RAISE NOTICE ''a notice''; RAISE WARNING ''a warning''; RAISE DEBUG ''a debug line''; END \$\$; CREATE TABLE quiet (i int PRIMARY KEY)', 'DROP TABLE quiet')" >/dev/null
sql "ALTER DATABASE driver_messages SET log_min_messages = debug5"
is 'what is kept' '{"NOTICE: a notice","WARNING: a warning"}' "$(PGOPTIONS='-c client_min_messages=warning' sql 'SELECT messages FROM migrations.apply()' 2>/dev/null)"
sql "ALTER DATABASE driver_messages RESET log_min_messages"
grep -q 'DEBUG:  a debug line' "$RUN/server.log" || fail 'the log has less than it was asked for'
