# The SQL of the guides that need only a database.
new_database driver_clients_guide
check_document "$ROOT/docs/clients.md"

new_database driver_guides
sql "SELECT migrations.add('001', 'one', 'CREATE TABLE one (id int)', 'DROP TABLE one', verify => 'SELECT count(*) = 0 FROM one'); SELECT migrations.add('002', 'two', 'CREATE TABLE two (id int)', 'DROP TABLE two')" >/dev/null
check_document "$ROOT/docs/ci.md"
is 'deployed' '003|' "$(sql "SELECT migrations.version(), string_agg(state, '') FILTER (WHERE state <> 'applied') FROM migrations.status()")"

for guide in settings guide scripts errors history importers reference; do
    new_database "driver_$guide"
    check_document "$ROOT/docs/$guide.md"
done
new_database driver_install
check_document "$ROOT/docs/install.md"
sql 'DROP OWNED BY deployer, app_owner; DROP ROLE deployer, app_owner'

# Each guide is linked from the README, and what they link to is there.
for guide in "$ROOT"/docs/*.md; do
    grep -q "(docs/$(basename "$guide"))" "$ROOT/README.md" || fail "the README doesn't name docs/$(basename "$guide")"
done
# A heading in the form of a link to it, as GitHub makes it.
anchors() { # file
    awk '/^```/ {code = !code} !code && sub(/^#+ /, "")' "$1" | tr '[:upper:]' '[:lower:]' | sed -E 's/[^a-z0-9_ -]//g; s/ /-/g'
}
while IFS=: read -r file link; do
    link=${link#*](}
    link=${link%)}
    target=${link%%#*}
    if [ -z "$target" ]; then target=$file; else target=$(dirname "$file")/$target; fi
    [ -e "$target" ] || fail "$file links to $link, which isn't there"
    case $link in
    *.md#* | '#'*) grep -qxF -- "${link#*#}" <(anchors "$target") || fail "$file links to $link, and $target has no such heading" ;;
    esac
done < <(cd "$ROOT" && grep -oE '\]\([^)]*\)' README.md ARCHITECTURE.md CONTRIBUTING.md docs/*.md docs/*/*.md | sed "s|^|$ROOT/|" | grep -v 'http')
