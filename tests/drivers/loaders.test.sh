# Folders of files: load() on the server, pg_migrations.sh on the client, add() by hand.
# The same file gives the same checksum on each way, and a folder goes in as a whole.
new_database driver_loaders
folder=$RUN/folder
mkdir -p "$folder"
loader() { PATH=$BIN:$PATH sh "$ROOT/pg_migrations.sh" "$@"; }
registered() { sql "SELECT m.version, m.name, up_checksum, down_checksum FROM migrations.migration m JOIN migrations.project p ON p.id = project_id WHERE p.name = '$1' ORDER BY version_key"; }
last_line() { tail -n 1 <<<"$1"; }

# one text, written in many ways
printf 'CREATE TABLE a (t text);\nSELECT 1;\n' >"$folder/001_plain.up.sql"
printf 'DROP TABLE a;' >"$folder/001_plain.down.sql"
printf 'CREATE TABLE a (t text);\r\nSELECT 1;\r\n' >"$folder/002_crlf.sql"
printf '\357\273\277CREATE TABLE a (t text);\nSELECT 1;\n' >"$folder/003_bom.sql"
printf 'CREATE TABLE a (t text);\nSELECT 1;' >"$folder/004_no newline.sql"
printf 'CREATE TABLE a (t text);\nSELECT 1;\n\n\n' >"$folder/005_more.sql"
printf '\357\273\277CREATE TABLE a (t text);\r\nSELECT 1;\r\n\r\n' >"$folder/006_all.sql"
printf '%s' '$migration$ '"it's \\ \"odd\" :x :'y' é" >"$folder/10_odd'name\$(x)\`y\`.sql"
printf 'not one of ours' >"$folder/README.md"
out=$(loader load "$folder" -p client)
is 'files' 8 "$(grep -c ' added$' <<<"$out")"
is 'natural order' "10_odd'name\$(x)\`y\`.sql added" "$(tail -n 2 <<<"$out" | head -n 1)"
is 'totals' '8 added, 0 unchanged' "$(last_line "$out")"
is 'server' 8 "$(sql "SELECT count(*) FROM migrations.load('$folder', 'server') WHERE result = 'added'")"
PGOPTIONS="-c migrations.project=pasted" "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 <<<"$(loader sql "$folder")" >"$RUN/pasted"
is 'pasted' 8 "$(grep -c '|added$' "$RUN/pasted")"
for file in "$folder"/*.sql; do
    "$BIN/psql" -X -q -v ON_ERROR_STOP=1 -v file="${file##*/}" -v content="$(cat "$file")" \
        <<<"SELECT migrations.add_file(:'file', :'content', 'byhand') \gset" || fail "add_file $file"
done
is 'all are there' 7 "$(registered client | wc -l)"
for way in server pasted byhand; do
    is "$way" "$(registered client)" "$(registered $way)"
done
is 'one checksum' 1 "$(sql "SELECT count(DISTINCT up_checksum) FROM migrations.migration WHERE version < '007'")"
is 'add gives it, too' t "$(sql "SELECT migrations.add('001', 'x', E'CREATE TABLE a (t text);\nSELECT 1;', project => 'added') = 'added' AND count(DISTINCT up_checksum) = 1 FROM migrations.migration WHERE version = '001'")"
is 'the text is what it was' "$(cat "$folder"/10_*)" "$(sql "SELECT up FROM migrations.migration WHERE version = '10' LIMIT 1")"

# again: nothing changes; changed: refused as a whole, or replaced
is 'unchanged' 8 "$(loader load "$folder" -p client -v | grep -c '\.sql unchanged$')"
is 'only the totals' '0 added, 8 unchanged' "$(loader load "$folder" -p client)"
is 'unchanged on the server' '8|8' "$(sql "SELECT count(*), count(*) FILTER (WHERE result = 'unchanged') FROM migrations.load('$folder', 'server')")"
printf 'SELECT 2' >"$folder/002_crlf.sql"
printf 'SELECT 7' >"$folder/007_new.sql"
printf 'SELECT 8' >"$folder/nameless.sql"
printf 'SELECT 9' >"$folder/0010_ten.sql"
status=0
out=$(loader load "$folder" -p client 2>&1) || status=$?
is 'exit status' 3 "$status"
has 'refused' 'ERROR:  4 files were refused, so nothing of the folder is registered' "$out"
has 'why' '002_crlf.sql: migration 002 of project "client" is already registered with another content\.$' "$out"
has 'its HINT' '^HINT:  Correct or move away these files.*use -r\.' "$out"
has 'no version' '^nameless.sql: file name "nameless.sql" is not that of a migration\. ' "$out"
has 'other digits' '0010_ten.sql: version 0010 is the same as version 10' "$out"
is 'nothing was registered' '' "$(sql "SELECT version FROM migrations.status('client') WHERE version = '007'")"
printf 'SELECT \377' >"$folder/011_latin.sql"
status=0
out=$(loader load "$folder" -p client 2>&1) || status=$?
is 'exit status of files that are no texts' 1 "$status"
has 'not UTF-8' '"011_latin.sql": it is not in UTF-8$' "$out"
out=$(error_of sql "SELECT * FROM migrations.load('$folder', 'server')")
has 'on the server' 'ERROR:  5 files of ".*" were refused, so nothing of it is registered' "$out"
has 'each of them' '0010_ten.sql: version 0010 is the same as version 10 of project "server"\.$' "$out"
has 'and' '^011_latin.sql: cannot read ".*/011_latin.sql": it is not in UTF-8\.$' "$out"
has 'and' '^002_crlf.sql: migration 002 of project "server" is already registered with another content\.$' "$out"
has 'and' '^nameless.sql: file name "nameless.sql" is not that of a migration\. ' "$out"
is 'nothing was registered on the server' '' "$(sql "SELECT version FROM migrations.status('server') WHERE version = '007'")"
rm "$folder/nameless.sql" "$folder/0010_ten.sql" "$folder/011_latin.sql"
out=$(loader load "$folder" -p client -r)
has 'replaced' '^002_crlf.sql replaced$' "$out"
is 'totals, with what was replaced' '1 added, 1 replaced, 7 unchanged' "$(last_line "$out")"
is 'replaced on the server' 'added unchanged replaced' "$(sql "SELECT string_agg(DISTINCT result, ' ' ORDER BY result) FROM migrations.load('$folder', 'server', replace => true)" | sed 's/added replaced unchanged/added unchanged replaced/')"

# what is registered, but not in the folder
mkdir -p "$RUN/half"
printf 'SELECT 1' >"$RUN/half/1_a.sql"
for n in 3 7; do printf 'SELECT 1' >"$RUN/half/${n}_b.sql"; done
loader load "$RUN/half" -p half >/dev/null
sql "SELECT migrations.add_repeatable('a view', 'SELECT 1', project => 'half')" >/dev/null
rm "$RUN/half"/[37]_b.sql
is 'not in this folder' '0 added, 1 unchanged, 3 registered but not in this folder: 3, 7, a view' "$(loader load "$RUN/half" -p half)"
sql "SELECT migrations.add(n::text, 'x', 'SELECT 1', project => 'half') FROM generate_series(10, 20) n" >/dev/null
is 'the first of many' '0 added, 1 unchanged, 14 registered but not in this folder: 3, 7, 10, 11, 12, 13, 14, 15, 16, 17 and 4 more' "$(loader load "$RUN/half" -p half)"
sql "CREATE ROLE loads; GRANT USAGE ON SCHEMA migrations TO loads; GRANT EXECUTE ON FUNCTION migrations.add_files TO loads"
is 'who may load, and not look' '0 added, 1 unchanged' "$(PGOPTIONS='-c role=loads' loader load "$RUN/half" -p half)"
sql 'DROP OWNED BY loads; DROP ROLE loads'

# a big one, past what a command line takes
{ echo 'SELECT 1 -- '; head -c 3000000 /dev/zero | tr '\0' x; echo; } >"$folder/020_big.sql"
has 'big' '^020_big.sql added$' "$(loader load "$folder" -p client)"
is 'the same' "$(sql "SELECT result FROM migrations.load('$folder', 'server') WHERE version = '020'") $(sql "SELECT count(DISTINCT up_checksum) FROM migrations.migration WHERE version = '020'")" 'added 1'

{ echo 'SELECT 1 -- '; head -c 20000000 /dev/zero | tr '\0' y; echo; } >"$folder/021_bigger.sql"
has 'bigger' '^021_bigger.sql added$' "$(loader load "$folder" -p client)"
is 'all of it' 20000013 "$(sql "SELECT max(octet_length(up)) FROM migrations.migration")"
rm "$folder/021_bigger.sql"

# a folder in folders, and what is said of it
deep=$RUN/deep
mkdir -p "$deep/db/migrations/old" "$deep/.git" "$RUN/elsewhere"
printf 'SELECT 1' >"$deep/db/migrations/1_a b.sql"
printf 'SELECT 2' >"$deep/db/migrations/old/0_gone.sql"
printf 'SELECT 3' >"$deep/.git/3_hidden.sql"
printf 'SELECT 4' >"$RUN/elsewhere/4_linked.sql"
ln -sfn "$RUN/elsewhere" "$deep/db/migrations/link"
expected='db/migrations/1_a b.sql added
db/migrations/old/0_gone.sql ignored: the option ignore covers it'
has 'a migration in a folder that is not read' '"db/migrations/old/0_gone.sql": it has the name of a migration, but is not read: it is in a folder that numbered does not read' \
    "$(loader load "$deep" -p deep 2>&1 || true)"
is 'subfolders' "$expected
1 added, 0 unchanged, 1 ignored" "$(loader load "$deep" -p deep --ignore 'old/,**/old/*')"
is 'on the server' "$expected" "$(sql "SELECT file || ' ' || result FROM migrations.load('$deep', 'deep on the server', options => '{\"ignore\": \"**/old/\"}')")"
is 'pasted, too' 'db/migrations/1_a b.sql|1|a b|up|unchanged' "$(PGOPTIONS="-c migrations.project=deep" "$BIN/psql" -X -q -A -t <<<"$(loader sql "$deep" -i "**/old/")" | head -n 1)"
has 'a convention' 'file "db/migrations/1_a b.sql", line 1: text before' "$(loader load "$deep" -p deep -c goose -i "**/old/" 2>&1 || true)"
has 'an unknown one' 'unknown convention "gose"' "$(loader load "$deep" -c gose 2>&1 || true)"
has 'the options in its own words' '^HINT:  Specify one: -c [a-z-]+ or -c' "$(mkdir -p "$RUN/either" && printf -- '-- migrate:up\nSELECT 1;\n' >"$RUN/either/1_a.sql" && printf -- '-- +goose Up\nSELECT 1;\n' >"$RUN/either/2_b.sql" && loader load "$RUN/either" 2>&1 || true)"
has 'an option' 'numbered has no option "prefix"' "$(loader load "$deep" -c numbered -o '{"prefix": "V"}' 2>&1 || true)"
has 'pasted with both' "convention => .migration.goose.migration., options => .migration.\{\}.migration.\);" "$(loader sql "$deep" -c goose -o '{}')"

# what has the name of a migration goes to the server, whatever its ending
named=$RUN/named
mkdir -p "$named"
printf 'CREATE TABLE named_a (id int)' >"$named/001_a.sql.sql"
printf 'CREATE TABLE named_b (id int)' >"$named/002_b.sql"
printf 'CREATE TABLE named_c (id int)' >"$named/003_c.sql"
for name in 004_d.up.psql 004_d.pgsql 004_d.ddl 004_d.sql.bak 004_d.sql~ 004_d.txt 004_d 004_d.rb 004_d.sql.gz V4__d.tmpl \
    R__d.pg d.down.pg d.dml; do
    printf 'SELECT 4' >"$named/$name"
    message="\"$name\": it has the name of a migration, but is not read|file \"$name\": a migration in another language"
    out=$(error_of loader load "$named" -p named)
    has "$name from the client" "$message" "$out"
    out=$(error_of sql "SELECT FROM migrations.load('$named', 'named')")
    has "$name on the server" "$message" "$out"
    out=$(loader load "$named" -p "named $name" -i "$name, x/**") || fail "$name isn't ignored"
    has "$name is ignored" "^002_b.sql added" "$out"
    rm "$named/$name"
done
loader load "$named" -p named >"$RUN/out.named"
is 'two endings' 'CREATE TABLE named_a (id int)' "$(sql "SELECT up FROM migrations.migration m JOIN migrations.project p ON p.id = project_id WHERE p.name = 'named' AND version = '001'")"

# what can't be read, or isn't a text, or is there twice
odd=$RUN/odd
mkdir -p "$odd/1_folder.sql"
printf 'SELECT 1' >"$odd/3_a.sql"
is 'no file: a folder' 1 "$(sql "SELECT count(*) FROM migrations.load('$odd', 'odd')")"
is 'on the client, too' '3_a.sql unchanged' "$(loader load "$odd" -p odd -v | head -n 1)"
printf 'SELECT 1;\0 SELECT 2' >"$odd/4_nul.sql"
has 'NUL' 'it holds a NUL byte' "$(sql "SELECT * FROM migrations.load('$odd', 'odd')" 2>&1 || true)"
out=$(error_of loader load "$odd" -p odd)
has 'NUL on the client' '"4_nul.sql": it holds a NUL byte$' "$out"
rm "$odd/4_nul.sql"
if [ "$(id -u)" != 0 ]; then
    touch "$odd/5_closed.sql" && chmod 000 "$odd/5_closed.sql"
    out=$(error_of loader load "$odd" -p odd)
    has 'closed' '"5_closed.sql": it cannot be read$' "$out"
    rm "$odd/5_closed.sql"
fi
printf 'SELECT 2' >"$odd/003_b.up.sql"
has 'twice' '003_b.up.sql and 3_a.sql hold the same part of one migration' "$(sql "SELECT * FROM migrations.load('$odd', 'odd', replace => true)" 2>&1 || true)"
has 'twice on the client' 'hold the up of version 3\. ' "$(loader load "$odd" -p odd -r 2>&1 || true)"
is 'it is what it was' 'SELECT 1' "$(sql "SELECT up FROM migrations.migration m JOIN migrations.project p ON p.id = project_id WHERE p.name = 'odd'")"
is 'a relative folder' '3_a.sql unchanged' "$(rm "$odd/003_b.up.sql"; cd "$RUN" && CDPATH=/tmp:. loader load -v -p odd odd | head -n 1)"

# what can't be read at all
for call in "'/nowhere/at/all'" "'$folder/README.md'"; do
    out=$(error_of sql "SELECT * FROM migrations.load($call)")
    has "$call" 'ERROR:  cannot read "' "$out"
done
mkdir -p "$RUN/empty"
is 'empty' '' "$(sql "SELECT * FROM migrations.load('$RUN/empty')" 2>/dev/null)"
has 'empty on the client' 'holds no .sql files' "$(loader load "$RUN/empty" 2>&1 || true)"
has 'no folder' 'there is no folder "/nowhere"' "$(loader load /nowhere 2>&1 || true)"
sql "CREATE ROLE reader; GRANT USAGE ON SCHEMA migrations TO reader; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA migrations TO reader"
has 'rights' 'ERROR:  permission denied to read files of the server' "$(sql "SET ROLE reader; SELECT * FROM migrations.load('$folder', 'reader')" 2>&1 || true)"
is 'given' 10 "$(sql "GRANT pg_read_server_files TO reader; SET ROLE reader; SELECT count(*) FROM migrations.load('$folder', 'reader')")"
sql 'DROP OWNED BY reader; DROP ROLE reader'

# DB_*, where PG* isn't set; a server that isn't there yet
is 'DB_*' 10 "$(unset PGHOST PGPORT PGDATABASE PGUSER; DB_HOST=$RUN DB_PORT=5432 DB_NAME=driver_loaders DB_USER=postgres DB_PASSWORD=x loader load "$folder" -p db | grep -c ' added$')"
is 'PG* first' 10 "$(DB_HOST=/nowhere DB_NAME=none loader load "$folder" -p db -v | grep -c '\.sql unchanged$')"
has 'waited' 'no server has responded for 1 seconds' "$(PGHOST=$RUN/empty WAIT=1 loader load "$folder" 2>&1 || true)"
mkdir -p "$RUN/late" && ln -sf "$RUN/.s.PGSQL.5432" "$RUN/late/soon"
(sleep 1.5; mv "$RUN/late/soon" "$RUN/late/.s.PGSQL.5432") &
is 'a late server' 10 "$(PGHOST=$RUN/late loader load "$folder" -p late | grep -c ' added$')"
wait

# new: the next pair, with the width that there is
new=$RUN/new
mkdir -p "$new"
made() { loader new "$new" "$1" | sed 's|.*/||' | tr '\n' ' '; }
is 'the first' '000001_init schema.up.sql 000001_init schema.down.sql ' "$(made 'init schema' | tr _ ' ' | sed 's/000001 /000001_/g')"
is 'the second' '000002_more.up.sql 000002_more.down.sql ' "$(made more)"
rm "$new"/*; touch "$new/099_x.sql"
is 'three digits' '100_y.up.sql 100_y.down.sql ' "$(made y)"
rm "$new"/*; touch "$new/9_x.sql" "$new/10_x.sql" "$new/notes.sql"
is 'no padding' '11_y.up.sql 11_y.down.sql ' "$(made y)"
rm "$new"/*; touch "$new/008_x.sql"
is 'no octal numbers' '009_y.up.sql 009_y.down.sql ' "$(made y)"
rm "$new"/*; touch "$new/20240131120000_x.sql"
has 'a timestamp' '^20[0-9]{12}_y.up.sql' "$(made y)"
is 'files: the pair is there' 3 "$(ls "$new" | wc -l)"
for name in '' a/b 'a;b'; do
    has "name $name" 'the name must consist of letters' "$(loader new "$new" "$name" 2>&1 || true)"
done
has 'what new makes can be loaded' ' added$' "$(rm "$new"/*; loader new "$new" z >/dev/null; loader load "$new" -p made)"

# misuse
for call in '' 'load' 'new' "frob $folder" "load $folder extra" "new $folder"; do
    # shellcheck disable=SC2086
    has "usage of «$call»" '^usage:' "$(loader $call 2>&1 || true)"
done

# psql's \i and \ir: the files are put in their places, by both ways of loading.
mkdir -p "$RUN/including/lib"
printf 'CREATE TABLE included (n int);\n\\i lib/rows.sql\nSELECT count(*) FROM included;' >"$RUN/including/001_all.sql"
printf 'INSERT INTO included VALUES (1);\n\\ir more.sql\n' >"$RUN/including/lib/rows.sql"
printf 'INSERT INTO included VALUES (2)\n;' >"$RUN/including/lib/more.sql"
chmod -R a+rX "$RUN/including"
is 'by the server' '001|added' "$(sql "SELECT version, result FROM migrations.load('$RUN/including', 'including')")"
load_folder "$RUN/including" including_too
for project in including including_too; do
    sql 'DROP TABLE IF EXISTS included' 2>/dev/null
    is "$project" '4|{"{\"count\":2}"}' "$(sql "SELECT statements, messages FROM migrations.apply(project => '$project')" 2>/dev/null)"
done
printf '\\i lib/nothing.sql\n' >"$RUN/including/002_more.sql"
has 'not there' 'ERROR:  file "002_more.sql", line 1: it includes "lib/nothing.sql", which is not in the folder' "$(sql "SELECT FROM migrations.load('$RUN/including', 'including')" 2>&1 || true)"
