# A database of another encoding is refused when the extension is created.
sql_in postgres "CREATE DATABASE driver_latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
out=$(error_of "$BIN/psql" -X -v VERBOSITY=verbose -d driver_latin -c 'CREATE EXTENSION pg_migrations')
has 'error' 'ERROR:  0A000: pg_migrations needs a database with encoding UTF8' "$out"
has 'hint' "HINT:  CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0;" "$out"

# A client of another encoding gets all that is said.
new_database driver_encoding
out=$(PGCLIENTENCODING=LATIN1 error_of "$BIN/psql" -X -v VERBOSITY=verbose -c "SELECT migrations.version('nope')")
has 'what is wrong' 'ERROR:  42704: project "nope" does not exist' "$out"
has 'and what to do' 'HINT:  A project begins with its first migration' "$out"
