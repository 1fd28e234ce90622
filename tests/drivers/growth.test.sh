# Work grows in proportion to the number of statements, notices and migrations, and memory in
# proportion to the number of migrations. Work is not measured as elapsed time, which depends on
# other processes, but as the pages that a call reads, and the processor time of its process.
new_database driver_growth

# The pages of our tables and the catalog that a call looks at.
pages() { # query
    "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 <<SQL 2>/dev/null | sed -n 's/^ *Buffers: //p' | head -n 1 |
SET client_min_messages = error;
EXPLAIN (ANALYZE, BUFFERS, COSTS off, TIMING off, SUMMARY off) $1;
SQL
        tr -c '0-9\n' ' ' | awk '{n = 0; for (i = 1; i <= NF; i++) n += $i; print n}'
}

# The microseconds on a processor of a session's process while it runs SQL.
work() { # SQL
    "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 <<SQL 2>/dev/null | tail -n 1
SET client_min_messages = ${LEVEL:-error};
SELECT split_part(pg_read_file('/proc/' || pg_backend_pid() || '/schedstat'), ' ', 1)::bigint AS before \\gset
\\o /dev/null
$1;
\\o
SELECT (split_part(pg_read_file('/proc/' || pg_backend_pid() || '/schedstat'), ' ', 1)::bigint - :before) / 1000;
SQL
}

# Four times as much may take five times the pages: trees of indexes grow by a level.
linear_pages() { # what small large
    { [ "$2" -gt 0 ] && [ "$3" -gt 0 ]; } || fail "$1: no pages were counted"
    [ "$3" -lt $(($2 * 5)) ] || fail "$1: $2 pages, for four times as much $3"
}

# Four times as much may take eight times the work; what takes the square takes sixteen times.
linear() { # what small large
    { [ "$2" -gt 0 ] && [ "$3" -gt 0 ]; } || fail "$1: no work was counted"
    [ "$3" -lt $(($2 * 8)) ] || fail "$1: $2 us of work, for four times as much $3 us"
}

for statement in 'DROP TABLE IF EXISTS nowhere' 'SELECT 1'; do
    for count in 2500 10000; do
        sql "SELECT migrations.add('$count', 'many', repeat(E'$statement;\n', $count), project => 'p$count', replace => true)" >/dev/null
    done
    linear "$statement" "$(LEVEL=notice PGOPTIONS='-c log_statement=all' work "BEGIN; SELECT FROM migrations.apply(project => 'p2500'); ROLLBACK")" \
        "$(LEVEL=notice PGOPTIONS='-c log_statement=all' work "BEGIN; SELECT FROM migrations.apply(project => 'p10000'); ROLLBACK")"
done

# The memory of the process itself, without the server's shared buffers, in kB.
many() { # project count
    sql "SET client_min_messages = warning; SELECT count(migrations.add(n::text, 'n', 'SELECT 1 -- ' || repeat('x', 50000), project => '$1')) FROM generate_series(1, $2) n" >/dev/null
    "$BIN/psql" -X -q -A -t <<SQL
SET client_min_messages = warning;
SELECT split_part(pg_read_file('/proc/' || pg_backend_pid() || '/schedstat'), ' ', 1)::bigint AS before \\gset
SELECT count(*) FROM migrations.apply(project => '$1') \\gset
SELECT (split_part(pg_read_file('/proc/' || pg_backend_pid() || '/schedstat'), ' ', 1)::bigint - :before) / 1000;
SELECT substring(pg_read_file('/proc/' || pg_backend_pid() || '/status') FROM 'RssAnon:\s+(\d+)');
SQL
}
mapfile -t few < <(many m1 250)
mapfile -t more < <(many m2 1000)
linear 'migrations' "${few[0]}" "${more[0]}"
small=${few[1]} large=${more[1]}
# Parsed or read, the texts of the second project are 50 MB.
at_most 'memory after 1000 migrations (kB), for that after 250 and 10 MB' $((small + 9999)) "$large"

# Status, plan, run and rollback of migrations that require others, without fresh statistics.
sql "SELECT migrations.add('1', 'other', 'SELECT 1', project => 'other'); SELECT count(*) FROM migrations.apply(project => 'other')" >/dev/null 2>&1
for count in 2000 8000; do
    sql "SELECT count(migrations.add(n::text, 'n', 'SELECT 1', 'SELECT 1', project => 'r$count', requires => CASE n % 10 WHEN 0 THEN ARRAY['other:1', (n - 1)::text] WHEN 1 THEN NULL ELSE ARRAY[(n - 1)::text, greatest(1, n / 2)::text, 'extension:plpgsql'] END)) FROM generate_series(1, $count) n" >/dev/null
done
for call in "status('P')" "plan(project => 'P')" "apply(project => 'P')" "rollback(1, 'P')" "force('1', 'P')" "reset('P', 'P')"; do
    small="SELECT FROM migrations.${call//P/r2000}" large="SELECT FROM migrations.${call//P/r8000}"
    # Those that change nothing can be asked twice.
    case $call in status* | plan*) linear "$call" "$(work "$small")" "$(work "$large")" ;; esac
    linear_pages "$call" "$(pages "$small")" "$(pages "$large")"
done

# Skipped migrations, and files.
for count in 500 2000; do
    sql "SELECT count(migrations.add(n::text, 'n', 'SELECT 1', project => 's$count', precondition => 'SELECT false', on_fail => 'skip')) FROM generate_series(1, $count) n" >/dev/null
done
for n in 1 2; do
    linear "skip, run $n" "$(work "SELECT FROM migrations.apply(project => 's500')")" \
        "$(work "SELECT FROM migrations.apply(project => 's2000')")"
done
for count in 2000 8000; do
    mkdir -p "$RUN/files$count"
    for n in $(seq $count); do echo "SELECT $n" >"$RUN/files$count/${n}_x.sql"; done
done
linear 'load' "$(work "SELECT FROM migrations.load('$RUN/files2000', 'f2000')")" \
    "$(work "SELECT FROM migrations.load('$RUN/files8000', 'f8000')")"

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
at_most 'memory contexts after 2000 migrations (bytes), for those after 1000 and 2.5 MB' $((seen[0] + 2499999)) "${seen[1]}"
is 'locks' 0 "${seen[2]}"
