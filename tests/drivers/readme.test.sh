# The SQL that the README shows runs, from its top to its end, in one session.
export PGDATABASE=driver_readme
sql_in postgres 'CREATE DATABASE driver_readme'
sql_blocks "$ROOT/README.md" >"$RUN/readme.sql"
[ "$(grep -c ';' "$RUN/readme.sql")" -gt 20 ] || fail 'the SQL was not found'
out=$("$BIN/psql" -X -e -v ON_ERROR_STOP=1 -f "$RUN/readme.sql" 2>&1) || fail "$out"
has 'nothing to do' 'nothing to do: project default is at version 002' "$out"
has 'another project' ' 001 +\| applied' "$out"
sql 'DROP OWNED BY deployer; DROP ROLE deployer'

# Every function that there is has a place in the reference.
while read -r name; do
    grep -q "^| .*\`migrations\.$name(" "$ROOT/README.md" || fail "the README's reference lacks $name"
done < <(sql "SELECT proname FROM pg_proc WHERE pronamespace = 'migrations'::regnamespace AND prorettype <> 'trigger'::regtype")
