# A database of another encoding is refused when the extension is created.
sql_in postgres "CREATE DATABASE driver_latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
out=$("$BIN/psql" -X -v VERBOSITY=verbose -d driver_latin -c 'CREATE EXTENSION pg_migrations' 2>&1) && fail 'should be refused'
has 'error' 'ERROR:  0A000: pg_migrations needs a database with encoding UTF8' "$out"
has 'hint' "HINT:  CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0;|HINT:  CREATE DATABASE . ENCODING" "$out"
