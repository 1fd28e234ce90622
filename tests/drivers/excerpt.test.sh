# An error shows about ten lines around its place, and the line of the file.
new_database driver_excerpt
query() { sed -n '/^QUERY:/,/^CONTEXT:/p' <<<"$1" | sed '$d'; }
text() { # lines before, statement, lines behind
    local n
    for n in $(seq "$1"); do echo "SELECT $n;"; done
    echo "$2"
    for n in $(seq "$3"); do echo "SELECT $n;"; done
}
mkdir "$RUN/excerpt"
for before in 0 1 4 5 6 30 3000; do
    rm -f "$RUN/excerpt/"*
    text $before 'SELECT nowhere;' 40 >"$RUN/excerpt/001_x.sql"
    sql "SELECT FROM migrations.remove('001')" >/dev/null 2>&1 || true
    load_folder "$RUN/excerpt"
    for call in 'SELECT FROM migrations.apply()' 'CALL migrations.apply_each()'; do
        out=$(error_of sql "$call")
        has "$before before" "^LINE $((before + 1)): SELECT nowhere;" "$out"
        has "$before before" "line $((before + 1))$" "$(grep '^CONTEXT' <<<"$out")"
        count=$(query "$out" | grep -c SELECT)
        [ "$count" -ge 5 ] && [ "$count" -le 11 ] || fail "$before before: $count lines are shown"
        lacks 'no empty lines' '^$' "$(query "$out" | tr -d '\r' | sed 1d)"
    done
done

# A section of a file: the line is the file's.
rm "$RUN/excerpt/"*
{ echo '-- +goose Up'; text 20 'SELECT here;' 9; echo '-- +goose Down'; text 20 'SELECT there;' 9; } >"$RUN/excerpt/00001_x.sql"
sql "SELECT FROM migrations.remove('001')" >/dev/null
load_folder "$RUN/excerpt" goose
has 'up' '^LINE 22: SELECT here;' "$(sql "SELECT FROM migrations.apply(project => 'goose')" 2>&1 || true)"
sql "SELECT FROM migrations.mark_applied('00001', 'goose')" >/dev/null
has 'down' '^LINE 53: SELECT there;' "$(sql "SELECT FROM migrations.rollback(1, 'goose')" 2>&1 || true)"
