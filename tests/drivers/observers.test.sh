# Libraries of the server that watch or audit statements: stepwise runs work with them. pgaudit
# would refuse statements that commit inside a call; it works if it is loaded after pg_migrations.
source "$ROOT/tests/tools/fetch.sh"
version=$("$BIN/postgres" --version | sed 's/.*) \([0-9]*\).*/\1/')
trap stop_clusters EXIT
# What can be fetched goes into the private installation, beside the other extensions.
install() { # package
    local folder
    folder=$(fetch_packages "$1-$version" "postgresql-$version-$1") || { skip "$1: $folder"; return 1; }
    find "$folder" -name '*.so' -exec cp {} "$RUN/root$("$PG_CONFIG" --pkglibdir)/" \;
    find "$folder" -path '*/extension/*' -type f -exec cp {} "$RUN/root$("$PG_CONFIG" --sharedir)/extension/" \;
}
# All kinds of statements that commit by themselves, beside ordinary ones.
register() {
    sql 'CREATE EXTENSION pg_migrations; CREATE TABLE base (v int, w int); CREATE TABLE whole (i int) PARTITION BY LIST (i); CREATE TABLE part PARTITION OF whole FOR VALUES IN (1)'
    sql "SET client_min_messages = warning;
        SELECT migrations.add('1', 'first', 'CREATE TABLE first (i int); INSERT INTO first VALUES (1)', 'DROP TABLE first');
        SELECT migrations.add('2', 'index', 'CREATE INDEX CONCURRENTLY i1 ON base (v); REINDEX INDEX CONCURRENTLY i1; CREATE INDEX CONCURRENTLY ON base (w)', 'DROP INDEX CONCURRENTLY i1');
        SELECT migrations.add('3', 'block', 'DO \$\$BEGIN INSERT INTO base VALUES (1); COMMIT; INSERT INTO base VALUES (2); ROLLBACK; END\$\$', 'SELECT 1', transactional => false);
        SELECT migrations.add('4', 'vacuum', 'VACUUM base; ALTER TABLE whole DETACH PARTITION part CONCURRENTLY', 'SELECT 1');
        SELECT migrations.add('5', 'fails', 'SELECT 1; CREATE UNIQUE INDEX CONCURRENTLY u ON base (v)', 'SELECT 1')" >/dev/null
}
each() { PGOPTIONS='-c client_min_messages=warning' "$BIN/psql" -X -q -A -t -c "$1" -c 'SELECT 1' 2>&1; }
works() { # name
    sql 'INSERT INTO base VALUES (1)'
    has "$1: fails as it should" 'could not create unique index "u"' "$(each 'CALL migrations.apply_each()')"
    is "$1: states" 'applied applied applied applied failed' "$(sql "SELECT string_agg(state, ' ' ORDER BY version) FROM migrations.status()")"
    is "$1: indexes" 'base_w_idx i1' "$(sql "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_index JOIN pg_class ON oid = indexrelid WHERE indrelid = 'base'::regclass AND indisvalid")"
    is "$1: blocks" '1 1' "$(sql "SELECT string_agg(v::text, ' ') FROM base")"
    sql 'DELETE FROM base' >/dev/null
    has "$1: goes on" '^1\|' "$(each 'CALL migrations.apply_each()')"
    has "$1: back" '^4\|' "$(each 'CALL migrations.rollback_each(4)')"
    is "$1: atomic" 2 "$(sql "SELECT count(*) FROM migrations.redo(1)" 2>/dev/null)"
}

preload() { # cluster, libraries
    new_cluster "$1" "shared_preload_libraries = '$2'" "compute_query_id = on" "track_functions = all" "auto_explain.log_min_duration = 0" \
        'auto_explain.log_nested_statements = on' "pgaudit.log = 'none'"
    export PGHOST=$RUN/$1 PGDATABASE=postgres
    register
}
if [ -e "$RUN/root$("$PG_CONFIG" --pkglibdir)/auto_explain.so" ]; then
    observers=pg_stat_statements,auto_explain
else
    observers=
    skip 'pg_stat_statements and auto_explain: not in this installation'
fi
if install pgaudit; then
    # loaded after: all works, and is audited
    preload audited pg_migrations,pgaudit
    works 'audited'
    sql 'DROP TABLE base, whole, part, first CASCADE; DROP EXTENSION pg_migrations'
    register
    sql 'CREATE EXTENSION pgaudit' >/dev/null
    server psql -X -q -h "$PGHOST" -U postgres -c "ALTER SYSTEM SET pgaudit.log = 'all'" -c 'SELECT pg_reload_conf()' >/dev/null
    wait_for "SELECT current_setting('pgaudit.log') = 'all'"
    works 'audited, all'
    for statement in 'CREATE INDEX,INDEX,public.i1,.*CREATE INDEX CONCURRENTLY i1' 'VACUUM,,,.*VACUUM base' 'DO,,,.*COMMIT' 'CREATE TABLE,TABLE,public.first,'; do
        grep -qE "AUDIT: .*$statement" "$RUN/audited/log" || fail "not audited: $statement; $(grep AUDIT "$RUN/audited/log")"
    done
    # loaded before: refused before anything runs
    for libraries in pgaudit,pg_migrations pgaudit; do
        preload "refused_${libraries//,/_}" "$libraries"
        out=$(each 'CALL migrations.apply_each()')
        has "$libraries" 'ERROR:  migration 2 \(index\) of project default cannot run while pgaudit is loaded before pg_migrations' "$out"
        has "$libraries: hint" 'HINT:  Name pg_migrations before pgaudit in shared_preload_libraries' "$out"
        is "$libraries: nothing has run" '' "$(sql "SELECT to_regclass('first')")"
        is "$libraries: the others run" 1 "$(sql "SELECT version FROM migrations.apply('1')" 2>/dev/null)"
    done
fi
for package in set-user pg-qualstats pg-wait-sampling plpgsql-check; do
    if install "$package"; then
        observers=${observers:+$observers,}$(case $package in set-user) echo set_user ;; pg-qualstats) echo pg_qualstats ;; pg-wait-sampling) echo pg_wait_sampling ;; *) echo plpgsql_check ;; esac)
    fi
done
if [ -n "$observers" ]; then
    preload outside "pg_migrations,$observers"
    works 'loaded after'
    preload inside "$observers"
    works 'loaded before'
fi
