# The SQL that the README shows.
export PGDATABASE=driver_readme
sql_in postgres 'CREATE DATABASE driver_readme'
check_document "$ROOT/README.md"
sql 'DROP OWNED BY deployer; DROP ROLE deployer'

# Every function that there is has a place in the reference.
while read -r name; do
    grep -q "^| .*\`migrations\.$name(" "$ROOT/README.md" || fail "the README's reference lacks $name"
done < <(sql "SELECT proname FROM pg_proc WHERE pronamespace = 'migrations'::regnamespace AND prorettype <> 'trigger'::regtype")
