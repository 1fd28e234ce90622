# A dump of 300 MB, most of it the data of COPY: apply() takes its text into memory once, and
# works little more than psql does. psql works on two processors at once (the client reads and
# sends while the server copies), so the time on the clock depends on the machine. What is
# compared is the processor time of client and server together. Besides what psql does, apply()
# has to read the text from its table and to compute its SHA-256; so the server's own sha256()
# of it is part of what it is compared with. The limit is for the median of five rounds.
read -r version _ <<<"$VERSIONS"
variable=BIN_$version
BIN=${!variable}
trap stop_clusters EXIT
new_cluster large 'max_wal_size = 4GB'
export PGHOST=$RUN/large

sql_in postgres 'CREATE DATABASE source'
sql_in source "CREATE TABLE short AS SELECT g AS id, g % 1000 AS a, md5(g::text) AS b FROM generate_series(1, 2600000) g;
    ALTER TABLE short ADD PRIMARY KEY (id);
    CREATE TABLE wide AS SELECT g AS id, repeat(md5(g::text), 40) AS v FROM generate_series(1, 150000) g;
    ALTER TABLE wide ADD PRIMARY KEY (id)"
mkdir "$RUN/large/files"
dump=$RUN/large/files/001_dump.sql
"$BIN/pg_dump" -d source >"$dump"
sum="SELECT (SELECT count(*) || ',' || sum(hashtextextended(s::text, 0)) FROM short s), (SELECT sum(hashtextextended(w::text, 0)) FROM wide w)"
expected=$(sql_in source "$sum")
sql_in postgres 'DROP DATABASE source'
size=$(($(wc -c <"$dump") / 1024))
[ "$size" -gt 290000 ] || fail "the dump has $size kB only"

sql_in postgres 'CREATE DATABASE by_psql'
new_database by_apply
load_folder "$RUN/large/files"

processor="SELECT 'processor', 10 * (stat[14]::int + stat[15]::int) FROM string_to_array(pg_read_file('/proc/' || pg_backend_pid() || '/stat'), ' ') stat;"
milliseconds() { # database file: the processor time of client and server
    local client server
    "$BIN/psql" -X -q -d postgres -c CHECKPOINT
    local TIMEFORMAT='%U %S'
    { time "$BIN/psql" -X -q -v ON_ERROR_STOP=1 -d "$1" -f "$2" >"$RUN/large/output" 2>"$RUN/large/messages"; } 2>"$RUN/large/time" ||
        { cat "$RUN/large/messages" >&2; fail "$2 failed"; }
    client=$(awk '{ print int(1000 * ($1 + $2)) }' "$RUN/large/time")
    server=$(sed -n 's/^ *processor *| *//p' "$RUN/large/output")
    echo $((client + server))
}
# Each run is rolled back, so that the next one finds the same.
{ echo 'BEGIN;'; cat "$dump"; echo "ROLLBACK; $processor"; } >"$RUN/large/psql.sql"
echo "SELECT sha256(convert_to(up, 'UTF8')) FROM migrations.migration; $processor" >"$RUN/large/hash.sql"
cat >"$RUN/large/apply.sql" <<SQL
BEGIN;
SELECT version FROM migrations.apply();
SELECT 'memory', substring(status FROM 'VmHWM:\s+(\d+)')::int - substring(status FROM 'RssShmem:\s+(\d+)')::int
FROM pg_read_file('/proc/' || pg_backend_pid() || '/status') status;
ROLLBACK;
$processor
SQL
ratios=()
for _ in 1 2 3 4 5; do
    by_psql=$(milliseconds by_psql "$RUN/large/psql.sql")
    hash=$(milliseconds by_apply "$RUN/large/hash.sql")
    by_apply=$(milliseconds by_apply "$RUN/large/apply.sql")
    memory=$(sed -n 's/^ *memory *| *//p' "$RUN/large/output")
    ratios+=($((by_apply * 100 / (by_psql + hash))))
    echo "psql: $by_psql ms, sha256(): $hash ms, apply(): $by_apply ms"
done
echo "ratios in percent: ${ratios[*]}; text: $size kB, memory: $memory kB"
ratio=$(printf '%s\n' "${ratios[@]}" | sort -n | sed -n 3p)
[ "$ratio" -le 120 ] || fail "apply() takes $ratio % of the processor time of psql and sha256() (${ratios[*]})"
# The text, the 64 MB that building an index takes, and what any session has.
[ "$memory" -gt "$size" ] && [ "$memory" -lt $((size + 131072)) ] || fail "memory: $memory kB for a text of $size kB"

is 'applied' 001 "$(sql 'SET client_min_messages = warning; SELECT version FROM migrations.apply()')"
is 'what has come' "$expected" "$(sql "$sum")"
