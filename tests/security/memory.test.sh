# Attack: an author, with the right to register migrations and no other one, gives texts of
# hundreds of megabytes to a server that may have only so much memory (`ulimit -v`, a container
# with a limit). A Rust allocation that fails aborts the process; the server then takes all
# sessions down and restarts.
# It must fail: where there is too little memory the call ends with 53200 (or a limit of the
# server's own, 54000), and nobody else notices.
# How much the server may have, in kB, and how long the texts are, in bytes.
CASES=${CASES:-500000:60000000 900000:120000000}

# Gives the server, and sessions that begin from now on, so many kB of address space.
limit() { # kB
    unprivileged prlimit --pid "$(head -1 "$RUN/memory/data/postmaster.pid")" --as=$(($1 * 1024)):
}

new_cluster memory 'shared_buffers = 16MB' 'wal_level = minimal' 'max_wal_senders = 0' 'max_wal_size = 4GB'
trap stop_clusters EXIT
export PGHOST=$RUN/memory
new_database memory
sql 'CREATE ROLE memory_author LOGIN; GRANT USAGE ON SCHEMA migrations TO memory_author; GRANT EXECUTE ON ALL ROUTINES IN SCHEMA migrations TO memory_author; GRANT pg_read_server_files TO memory_author' >/dev/null
mkdir "$RUN/memory/files"
for n in 1 2 3; do
    head -c 100000000 <(yes 'SELECT 1; -- a line of a large file') >"$RUN/memory/files/${n}_large.sql"
done
chmod -R a+rX "$RUN/memory/files"

# Calls with texts of SIZE bytes; each is a transaction of its own.
CALLS=(
    "SELECT migrations.add('1', 'a', repeat('SELECT 1;', SIZE / 9), replace => true)"
    "SELECT migrations.add('1', 'a', repeat(E'--\n', SIZE / 3), replace => true)"
    "SELECT migrations.add('1', 'a', repeat(':x', SIZE / 2), replace => true)"
    "SELECT migrations.add('1', 'a', repeat(E'\\\\set x y\n', SIZE / 9), replace => true)"
    "SELECT migrations.add('1', 'a', E'\\\\set x ' || repeat('y ', SIZE / 2), replace => true)"
    "SELECT migrations.add('1', 'a', E'COPY t FROM stdin;\n' || repeat(E'1\n', SIZE / 2), replace => true)"
    "SELECT migrations.add('1', 'a', repeat(E'COPY t FROM stdin;\n1\n\\\\.\n', SIZE / 25), replace => true)"
    "SELECT migrations.add('1', repeat('n', SIZE), 'SELECT 1', replace => true)"
    "SELECT migrations.add(repeat('1', SIZE), 'n', 'SELECT 1', replace => true)"
    "SELECT migrations.add_file('1_a.sql', repeat('SELECT 1;', SIZE / 9), replace => true)"
    "SELECT migrations.add_file('1_a.sql', repeat(E'-- +goose Down\n', SIZE / 15), replace => true)"
    "SELECT migrations.add_file('x.sql', E'--liquibase formatted sql\n--changeset a:1\n' || repeat(E'--rollback x\n', SIZE / 13), replace => true)"
    "SELECT migrations.add_file('x.sql', E'--liquibase formatted sql\n' || repeat(E'--changeset a:1\n', SIZE / 16), replace => true)"
    "SELECT count(*) FROM migrations.add_files(ARRAY['1_a.sql', '2_b.sql'], ARRAY[repeat('SELECT 1;', SIZE / 18), repeat('SELECT 2;', SIZE / 18)], replace => true)"
    "SELECT count(*) FROM migrations.add_files(ARRAY['1_a.sql', 'b.sql'], ARRAY[repeat(E'\\\\ir b.sql\n', 100), repeat('SELECT 2;', SIZE / 900)], replace => true)"
    "SELECT count(*) FROM migrations.add_files(array_fill('a'::text, ARRAY[SIZE / 100]), array_fill('b'::text, ARRAY[SIZE / 100]))"
    "SELECT count(*) FROM migrations.add_files(ARRAY['sqitch.plan', 'deploy/a.sql', 'verify/a.sql'], ARRAY[E'%project=x\na', repeat('SELECT 1;', SIZE / 9), repeat('SELECT 1;', SIZE / 9)], project => 's', replace => true)"
    "SELECT count(*) FROM migrations.load('$RUN/memory/files', 'loaded', replace => true)"
    "SELECT migrations.set_variable('x', repeat('y', SIZE)); SELECT migrations.set_project(placeholders => ':x')"
    "SELECT migrations.set_project('p', settings => jsonb_build_object('a.b', repeat('x', LEAST(SIZE, 200000000))))"
    "SELECT migrations.add_file('1_a.sql', 'x', options => jsonb_build_object('a', repeat('x', LEAST(SIZE, 200000000))))"
    "SELECT count(*) FROM migrations.apply()"
    "CALL migrations.apply_each(project => 'loaded')"
    "SELECT count(*) FROM migrations.status(); SELECT count(*) FROM migrations.plan()"
    "SELECT pg_column_size(migrations.export_bundle())"
    "SELECT pg_column_size(migrations.export_bundle('loaded'))"
    "SELECT count(*) FROM migrations.import_bundle(jsonb_build_object('format', 1, 'project', 'b', 'migrations', jsonb_build_array(jsonb_build_object('version', '1', 'name', 'a', 'up', repeat('SELECT 1;', LEAST(SIZE, 200000000) / 9)))), 'imported', replace => true)"
    "SELECT count(*) FROM migrations.import_bundle(jsonb_build_object('format', 1, 'project', 'b', 'migrations', jsonb_build_array(jsonb_build_object('version', '1', 'name', 'a', 'up', repeat(E'\"\n', LEAST(SIZE, 200000000) / 4)))), 'imported', replace => true)"
    "SELECT count(*) FROM migrations.import_bundle(jsonb_build_object('format', 1, 'project', 'b', 'migrations', array_fill(''::text, ARRAY[SIZE / 50])))"
    "SELECT migrations.add('2', 'rows', 'SELECT repeat(''x'', 60000000) FROM generate_series(1, 20)', replace => true); SELECT count(*) FROM migrations.apply()"
    "SELECT migrations.add('3', 'notices', 'DO \$\$ BEGIN FOR n IN 1..20 LOOP RAISE NOTICE ''%'', repeat(''x'', 10000000); END LOOP; END \$\$', replace => true); SELECT count(*) FROM migrations.apply()"
    "SELECT migrations.add('4', 'failure', 'DO \$\$ BEGIN RAISE EXCEPTION ''%'', repeat(''x'', 100000000); END \$\$', project => 'failure', replace => true)"
    "CALL migrations.apply_each(project => 'failure')"
)
failed=
for case in $CASES; do
    limit=${case%:*} size=${case#*:}
    limit "$limit"
    refused=0 done=0
    for call in "${CALLS[@]}"; do
        "$BIN/psql" -X -q -A -t -U memory_author -v VERBOSITY=verbose -c "SET client_min_messages = error" -c "${call//SIZE/$size}" >"$RUN/memory/out" 2>&1 || true
        if grep -qE 'terminated|server closed|crash|could not connect|recovery mode|PANIC' "$RUN/memory/out"; then
            echo "$limit kB, $size bytes: ${call:0:160}: $(head -c 300 "$RUN/memory/out")"
            failed=yes
            wait_for_server
        elif grep -q 'ERROR:  53200' "$RUN/memory/out"; then
            refused=$((refused + 1))
        elif grep -q ERROR "$RUN/memory/out"; then
            grep -m1 ERROR "$RUN/memory/out" | cut -c1-150 >>"$RUN/memory/others"
            done=$((done + 1))
        else
            done=$((done + 1))
        fi
    done
    echo "$limit kB: $done done, $refused out of memory"
done
sort "$RUN/memory/others" | uniq -c | sort -rn | head -40
! grep -E 'terminated by signal|PANIC|memory allocation of' "$RUN/memory/log" || failed=yes
lacks 'internal errors' 'XX000' "$(cat "$RUN/memory/others")"
[ -z "$failed" ] || fail 'the server went down (above)'
