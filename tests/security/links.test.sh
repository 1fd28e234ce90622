# load() and the client's loader read regular files below the folder, and nothing else: no
# link may bring in a file from elsewhere, no pipe or device may be read or waited for, no
# name may be taken for another one. The links of a Kubernetes volume work.
new_database security_links
loader() { PATH=$BIN:$PATH timeout 60 sh "$ROOT/pg_migrations.sh" "$@" 2>&1; }
server_load() { sql "SET statement_timeout = '60s'; SELECT file || ' ' || result FROM migrations.load('$1', '$2')" 2>&1; }
folder=$RUN/links
mkdir -p "$folder/inner" "$RUN/secret"
echo 'SELECT 1' >"$folder/001_a.sql"
echo "password = 'to be seen by nobody'" >"$RUN/secret/server.conf"
echo 'SELECT 9' >"$RUN/secret/009_elsewhere.sql"
chmod -R a+rX "$RUN/secret" "$folder"

# Both refuse a file, with the reason, and register nothing.
refused() { # what file why
    local out
    chmod -R a+rX "$folder" 2>/dev/null || true
    out=$(error_of server_load "$folder" refused)
    has "$1, on the server" "$2: cannot read \".*$2\": $3" "$out"
    lacks "$1, on the server" 'seen by nobody|SELECT 9' "$out"
    out=$(error_of loader load "$folder" -p refused)
    has "$1, on the client" "\"$2\": $3$" "$out"
    lacks "$1, on the client" 'seen by nobody|SELECT 9' "$out"
    out=$(error_of loader sql "$folder")
    lacks "$1, as SQL" 'seen by nobody|SELECT 9' "$out"
    is "$1: nothing is there" '' "$(sql "SELECT version FROM migrations.migration")"
    rm -f "$folder/$2" "$folder/inner"/*
}
out='it is a link that leads out of the folder'
ln -s "$RUN/secret/server.conf" "$folder/002_b.sql"; refused 'an absolute link' 002_b.sql "$out"
ln -s ../secret/server.conf "$folder/002_b.sql"; refused 'a relative link' 002_b.sql "$out"
ln -s inner/../../secret/server.conf "$folder/002_b.sql"; refused 'over a folder' 002_b.sql "$out"
ln -s ../../secret/server.conf "$folder/inner/c"; ln -s inner/c "$folder/002_b.sql"; refused 'over another link' 002_b.sql "$out"
ln -s ../secret "$folder/.hidden"; ln -s .hidden/009_elsewhere.sql "$folder/009_x.sql"; refused 'over a link to a folder' 009_x.sql "$out"
ln -s "$folder/../secret/server.conf" "$folder/002_b.sql"; refused 'by its own path' 002_b.sql "$out"
mkdir -p "$RUN/links_too"; echo 'SELECT 9' >"$RUN/links_too/009_x.sql"
ln -s "$RUN/links_too/009_x.sql" "$folder/009_x.sql"; refused 'a folder whose name begins alike' 009_x.sql "$out"
ln -s /dev/zero "$folder/002_b.sql"; refused 'a link to a device' 002_b.sql 'it is not a regular file'
ln -s /proc/self/environ "$folder/002_b.sql"; refused 'a file of the system' 002_b.sql "$out"
ln -s 002_b.sql "$folder/002_b.sql"; refused 'a loop' 002_b.sql 'it is a link that leads nowhere'
ln -s 003_c.sql "$folder/002_b.sql"; ln -s 002_b.sql "$folder/003_c.sql"; refused 'a loop of two' 002_b.sql 'it is a link that leads nowhere'
rm -f "$folder/003_c.sql"
ln -s nothing "$folder/002_b.sql"; refused 'a link to nothing' 002_b.sql 'it is a link that leads nowhere'
ln -s "$RUN/secret/server.conf" "$folder/flyway.conf"; refused 'the configuration of a tool' flyway.conf "$out"
ln -s "$RUN/secret/server.conf" "$folder/db.changelog-master.xml"; refused 'a changelog' db.changelog-master.xml "$out"
mkfifo "$folder/002_b.sql"; refused 'a pipe' 002_b.sql 'it is not a regular file'
mkfifo "$folder/inner/002_b.sql"; refused 'a pipe below' inner/002_b.sql 'it is not a regular file'
mkfifo "$folder/.pipe"; ln -s .pipe "$folder/002_b.sql"; refused 'a link to a pipe' 002_b.sql 'it is not a regular file'
rm -f "$folder/.hidden" "$folder/.pipe"
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$folder/002_b.sql"
refused 'a socket' 002_b.sql 'it is not a regular file'
printf 'SELECT 1' >"$folder/$(printf '002_\377.sql')"; LC_ALL=C refused 'a name not in UTF-8' '002_.*.sql' 'its name is not in UTF-8'
rm -f "$folder"/002_*

# names that would be other names or commands, or move a terminal's cursor
odd() { # what name where not
    local out
    printf 'SELECT 1' >"$folder/$2"
    out=$(error_of server_load "$folder" refused)
    has "$1, on the server" "holds the character U\\+$3, which cannot be seen" "$out"
    lacks "$1: shown as it is" $'\033|\u202e' "$out"
    out=$(error_of loader load "$folder" -p refused)
    has "$1, on the client" "$4" "$out"
    lacks "$1: shown as it is" $'\033|\u202e' "$out"
    rm -f "$folder"/*002*
}
odd 'a line break' $'x\n002_b.sql' 000A 'its name holds a line break'
odd 'a carriage return' $'002_b\r.sql' 000D 'its name holds a line break'
odd 'an escape sequence' $'002_\033[2Jb.sql' 001B 'U\+001B'
odd 'from right to left' $'002_\u202eb.sql' 202E 'U\+202E'
has 'one file' 'holds the character U\+202E' "$(sql "SELECT migrations.add_file(E'002_\\u202Eb.sql', 'SELECT 1')" 2>&1 || true)"
for name in "-002_b.sql" "002_'\$(touch x)\`touch y\`;.sql" '002_"b" c.sql' '--help.sql' '002_%s%n.sql'; do
    mkdir -p "$RUN/odd_names" && printf 'SELECT 1' >"$RUN/odd_names/$name"
done
printf 'SELECT 1' >"$RUN/odd_names/001_first.sql"
chmod -R a+rX "$RUN/odd_names"
rm "$RUN/odd_names/-002_b.sql" "$RUN/odd_names/--help.sql" "$RUN/odd_names/002_\"b\" c.sql" "$RUN/odd_names/002_%s%n.sql"
is 'a name that is code' "001_first.sql added
002_'\$(touch x)\`touch y\`;.sql added" "$(cd "$RUN/odd_names" && loader load . -p named | grep -v ', 0 unchanged')"
is 'the server' "$(cd "$RUN/odd_names" && loader load . -p named -v | sed '/, 2 unchanged/d; s/unchanged/added/')" "$(server_load "$RUN/odd_names" named_too)"
is 'nothing ran' 2 "$(find "$RUN/odd_names" -type f | wc -l)"
mkdir "$RUN/dash"
for name in '002_"b" c.sql' '003_%s%n.sql' '-004_x.sql'; do printf 'SELECT 1' >"$RUN/dash/$name"; done
chmod -R a+rX "$RUN/dash"
has 'a dash' '"-004_x.sql" is not that of a migration' "$(cd "$RUN/dash" && loader load . -p dash || true)"
has 'a dash' '"-004_x.sql" is not that of a migration' "$(server_load "$RUN/dash" dash || true)"

# a link to a folder elsewhere is ignored, and said to be
ln -s "$RUN/secret" "$folder/more"
ln -s . "$folder/again"
ln -s inner "$folder/beside"
for out in "$(server_load "$folder" ignored)" "$(loader load "$folder" -p ignored_too)"; do
    has 'taken' '^001_a.sql added$' "$out"
    lacks 'not taken' '009' "$out"
    has 'said' 'more"(:| is) .*ignored.* a link that leads out of the folder' "$out"
done
rm "$folder/more" "$folder/again" "$folder/beside"

# links that stay below are followed
echo 'SELECT 2' >"$folder/inner/two"
ln -s inner/two "$folder/002_b.sql"
ln -s "$folder/inner/two" "$folder/003_c.sql"
ln -s ../links/inner/two "$folder/004_d.sql"
expected='001_a.sql added
002_b.sql added
003_c.sql added
004_d.sql added'
is 'below, on the server' "$expected" "$(server_load "$folder" below)"
is 'below, on the client' "$expected
4 added, 0 unchanged" "$(loader load "$folder" -p below_too)"

# a folder that is a link itself, and a volume of Kubernetes: all its files are links
volume=$RUN/volume
mkdir -p "$volume/..2026_01_01/deeper"
echo 'CREATE TABLE k (a int)' >"$volume/..2026_01_01/001_k.up.sql"
echo 'DROP TABLE k' >"$volume/..2026_01_01/001_k.down.sql"
echo 'SELECT 2' >"$volume/..2026_01_01/deeper/seed_l.sql"
ln -s ..2026_01_01 "$volume/..data"
for file in 001_k.up.sql 001_k.down.sql deeper; do ln -s "..data/$file" "$volume/$file"; done
ln -s .. "$volume/..2026_01_01/deeper/loop"
ln -s "$volume" "$RUN/mounted"
chmod -R a+rX "$volume"
expected='001_k.up.sql added
001_k.down.sql added'
is 'a volume, on the server' "$expected" "$(server_load "$RUN/mounted" volume | grep -v deeper)"
is 'a volume, on the client' "$expected" "$(loader load "$RUN/mounted" -p volume_too | grep -v 'deeper\|, 0 unchanged')"
is 'with its folders' "$(server_load "$volume" volume | grep deeper)" "$(loader load "$volume" -p volume | grep deeper)"
has 'with its folders' '^deeper/seed_l.sql ' "$(server_load "$volume" volume)"
# and its next state
mkdir "$volume/..2026_01_02"
cp "$volume/..2026_01_01"/*.sql "$volume/..2026_01_02/"
echo 'SELECT 3' >"$volume/..2026_01_02/003_m.sql"
chmod -R a+rX "$volume"
rm "$volume/deeper"
ln -sfn ..2026_01_02 "$volume/..data"
ln -s ..data/003_m.sql "$volume/003_m.sql"
has 'the next state' '^003_m.sql added' "$(server_load "$volume" volume)"
has 'the next state' '^003_m.sql added' "$(loader load "$volume" -p volume_too)"

# while somebody exchanges a file and a link to one elsewhere, no other file is ever read
race=$RUN/race
mkdir "$race"
echo 'SELECT 1' >"$race/.right"
chmod -R a+rX "$race"
python3 - "$race" "$RUN/secret/009_elsewhere.sql" <<'PYTHON' &
import os, sys, time
folder, elsewhere = sys.argv[1:]
name, other = folder + "/001_a.sql", folder + "/.next"
end = time.time() + 3
while time.time() < end:
    os.symlink(elsewhere, other); os.rename(other, name)
    os.link(folder + "/.right", other); os.rename(other, name)
PYTHON
for n in $(seq 60); do
    sql "SELECT migrations.load('$race', 'race$n')" >/dev/null 2>&1 || true
done
wait
is 'races' 'SELECT 1' "$(sql "SELECT DISTINCT trim(E'\n' FROM up) FROM migrations.migration WHERE project_id IN (SELECT id FROM migrations.project WHERE name LIKE 'race%')")"
