# What must not grow faster than what there is to do: time with the number of statements,
# of notices, of migrations; memory with the number of migrations.
new_database driver_growth

milliseconds() { # command…
    local started=$EPOCHREALTIME
    "$@" >/dev/null 2>&1 || fail "$*"
    echo $(((${EPOCHREALTIME/./} - ${started/./}) / 1000))
}

# Four times as much may take eight times as long, and a little for noise.
linear() { # what small large
    [ "$3" -lt $(($2 * 8 + 500)) ] || fail "$1: $2 ms, four times as much $3 ms"
}

for statement in 'DROP TABLE IF EXISTS nowhere' 'SELECT 1'; do
    for count in 2500 10000; do
        sql "SELECT migrations.add('$count', 'many', repeat(E'$statement;\n', $count), project => 'p$count', replace => true)" >/dev/null
    done
    linear "$statement" "$(PGOPTIONS='-c log_statement=all' milliseconds sql "BEGIN; SELECT FROM migrations.apply(project => 'p2500'); ROLLBACK")" \
        "$(PGOPTIONS='-c log_statement=all' milliseconds sql "BEGIN; SELECT FROM migrations.apply(project => 'p10000'); ROLLBACK")"
done

# The memory of the process itself, without the server's shared buffers, in kB.
many() { # project count
    sql "SET client_min_messages = warning; SELECT count(migrations.add(n::text, 'n', 'SELECT 1 -- ' || repeat('x', 50000), project => '$1')) FROM generate_series(1, $2) n" >/dev/null
    "$BIN/psql" -X -q -A -t <<SQL
SET client_min_messages = warning;
SELECT count(*) FROM migrations.apply(project => '$1') \\gset
SELECT substring(pg_read_file('/proc/' || pg_backend_pid() || '/status') FROM 'RssAnon:\s+(\d+)');
SQL
}
started=$EPOCHREALTIME
small=$(many m1 250)
middle=$EPOCHREALTIME
large=$(many m2 1000)
linear 'migrations' $(((${middle/./} - ${started/./}) / 1000)) $(((${EPOCHREALTIME/./} - ${middle/./}) / 1000))
# Parsed or read, the texts of the second project are 50 MB.
[ "$large" -lt $((small + 10000)) ] || fail "memory: $small kB after 250 migrations, $large kB after 1000"

# Status, plan, run and rollback of migrations that require others, without fresh statistics.
sql "SELECT migrations.add('1', 'other', 'SELECT 1', project => 'other'); SELECT count(*) FROM migrations.apply(project => 'other')" >/dev/null 2>&1
for count in 2000 8000; do
    sql "SELECT count(migrations.add(n::text, 'n', 'SELECT 1', 'SELECT 1', project => 'r$count', requires => CASE n % 10 WHEN 0 THEN ARRAY['other:1', (n - 1)::text] WHEN 1 THEN NULL ELSE ARRAY[(n - 1)::text, greatest(1, n / 2)::text, 'extension:plpgsql'] END)) FROM generate_series(1, $count) n" >/dev/null
done
for call in "status('P')" "plan(project => 'P')" "apply(project => 'P')" "rollback(1, 'P')" "force('1', 'P')" "reset('P', 'P')"; do
    linear "$call" "$(milliseconds sql "SET client_min_messages = warning; SELECT FROM migrations.${call//P/r2000}")" \
        "$(milliseconds sql "SET client_min_messages = warning; SELECT FROM migrations.${call//P/r8000}")"
done

# Skipped migrations, and files.
for count in 500 2000; do
    sql "SELECT count(migrations.add(n::text, 'n', 'SELECT 1', project => 's$count', precondition => 'SELECT false', on_fail => 'skip')) FROM generate_series(1, $count) n" >/dev/null
done
for n in 1 2; do
    linear "skip, run $n" "$(milliseconds sql "SET client_min_messages = warning; SELECT FROM migrations.apply(project => 's500')")" \
        "$(milliseconds sql "SET client_min_messages = warning; SELECT FROM migrations.apply(project => 's2000')")"
done
for count in 2000 8000; do
    mkdir -p "$RUN/files$count"
    for n in $(seq $count); do echo "SELECT $n" >"$RUN/files$count/${n}_x.sql"; done
done
linear 'load' "$(milliseconds sql "SELECT FROM migrations.load('$RUN/files2000', 'f2000')")" \
    "$(milliseconds sql "SELECT FROM migrations.load('$RUN/files8000', 'f8000')")"

# Two thousand transactions in one CALL: memory contexts and locks stay what they were.
sql "SELECT count(migrations.add(n::text, 'n', CASE WHEN n % 10 = 0 THEN format('CREATE TABLE e%1\$s (id int); CREATE INDEX CONCURRENTLY ON e%1\$s (id)', n) ELSE format('CREATE TABLE e%s (id int)', n) END, project => 'each')) FROM generate_series(1, 2000) n" >/dev/null
mapfile -t seen < <("$BIN/psql" -X -q -A -t <<'SQL'
SET client_min_messages = warning;
CALL migrations.apply_each('1000', 'each') \gset
SELECT sum(total_bytes) FROM pg_backend_memory_contexts;
CALL migrations.apply_each(project => 'each') \gset
SELECT sum(total_bytes) FROM pg_backend_memory_contexts;
SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory';
SQL
)
# (Caches of the server grow by doubling.)
[ "${seen[1]}" -lt $((seen[0] + 2500000)) ] || fail "memory contexts: ${seen[0]} bytes after 1000 migrations, ${seen[1]} after 2000"
is 'locks' 0 "${seen[2]}"
