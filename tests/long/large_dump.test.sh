# A dump of 300 MB, most of it the data of COPY: apply() takes its text into memory once, and
# is about as fast as psql. What is compared with psql is the median of five pairs of runs.
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

milliseconds() { # database file
    local started
    "$BIN/psql" -X -q -d postgres -c CHECKPOINT
    started=$EPOCHREALTIME
    "$BIN/psql" -X -q -v ON_ERROR_STOP=1 -d "$1" -f "$2" >"$RUN/large/output"
    echo $(((${EPOCHREALTIME/./} - ${started/./}) / 1000))
}
# Taken back, so that each run finds the same.
{ echo 'BEGIN;'; cat "$dump"; echo 'ROLLBACK;'; } >"$RUN/large/psql.sql"
cat >"$RUN/large/apply.sql" <<'SQL'
BEGIN;
SELECT version FROM migrations.apply();
SELECT 'memory', substring(status FROM 'VmHWM:\s+(\d+)')::int - substring(status FROM 'RssShmem:\s+(\d+)')::int
FROM pg_read_file('/proc/' || pg_backend_pid() || '/status') status;
ROLLBACK;
SQL
ratios=()
for _ in 1 2 3 4 5; do
    by_psql=$(milliseconds by_psql "$RUN/large/psql.sql")
    by_apply=$(milliseconds by_apply "$RUN/large/apply.sql")
    memory=$(sed -n 's/^ *memory *| *//p' "$RUN/large/output")
    ratios+=($((by_apply * 100 / by_psql)))
done
echo "ratios in percent: ${ratios[*]}; text: $size kB, memory: $memory kB"
ratio=$(printf '%s\n' "${ratios[@]}" | sort -n | sed -n 3p)
[ "$ratio" -le 130 ] || fail "apply() takes $ratio % of psql's time (${ratios[*]})"
# The text, the 64 MB that building an index takes, and what any session has.
[ "$memory" -gt "$size" ] && [ "$memory" -lt $((size + 131072)) ] || fail "memory: $memory kB for a text of $size kB"

is 'applied' 001 "$(sql 'SET client_min_messages = warning; SELECT version FROM migrations.apply()')"
is 'what has come' "$expected" "$(sql "$sum")"
