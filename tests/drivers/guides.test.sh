# The SQL of the guides that need only a database.
new_database driver_clients_guide
check_document "$ROOT/docs/clients.md"

new_database driver_guides
sql "SELECT migrations.add('001', 'one', 'CREATE TABLE one (id int)', 'DROP TABLE one', verify => 'SELECT count(*) = 0 FROM one'); SELECT migrations.add('002', 'two', 'CREATE TABLE two (id int)', 'DROP TABLE two')" >/dev/null
check_document "$ROOT/docs/ci.md"
is 'deployed' '003|' "$(sql "SELECT migrations.version(), string_agg(state, '') FILTER (WHERE state <> 'applied') FROM migrations.status()")"

new_database driver_settings
check_document "$ROOT/docs/settings.md"

# Each guide is linked from the README, and what they link to is there.
for guide in "$ROOT"/docs/*.md; do
    grep -q "(docs/$(basename "$guide"))" "$ROOT/README.md" || fail "the README doesn't name docs/$(basename "$guide")"
done
while IFS=: read -r file link; do
    link=${link#*](}
    link=${link%%[)#]*}
    [ -z "$link" ] || [ -e "$(dirname "$file")/$link" ] || fail "$file links to $link, which isn't there"
done < <(cd "$ROOT" && grep -oE '\]\([^)]*\)' README.md ARCHITECTURE.md docs/*.md docs/*/*.md | sed "s|^|$ROOT/|" | grep -v 'http')
