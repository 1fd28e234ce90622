# The front page: its SQL runs, and its transcripts are what psql prints.
export PGDATABASE=driver_readme
sql_in postgres 'CREATE DATABASE driver_readme'
check_document "$ROOT/README.md"
sql 'DROP OWNED BY deployer; DROP ROLE deployer'

squeezed() { sed -E -e 's/-{3,}/---/g' -e 's/ +/ /g' -e 's/ $//'; }
printed=$(cat "$CARGO_TARGET_DIR/results/documents/README.out")
blocks=$(awk '/^```text$/ {on = 1; n++; next} /^```$/ {on = 0} on {print n "\t" $0}' "$ROOT/README.md")
has 'there are transcripts' . "$blocks"
for block in $(cut -f 1 <<<"$blocks" | sort -un); do
    text=$(sed -n "s/^$block\t//p" <<<"$blocks" | squeezed)
    [[ $printed == *"$text"* ]] || fail "psql does not print this transcript of the README: $text"
done
size=$(wc -c <"$ROOT/README.md")
[ "$size" -le 8192 ] || fail "the README has $size bytes; what is more than a front page belongs into docs/"
