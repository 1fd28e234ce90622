# A face protection service: ten files, each with a down, and what its team does with them.
# 005 keeps vectors where the server has the extension, else arrays: what differs is said
# where it is asserted.
folder=$ROOT/tests/systems/mordeaux
docs=$ROOT/docs/systems/mordeaux.md
quiet() { PGOPTIONS='-c client_min_messages=warning' sql "$1"; }
by_hand() { cat "$folder"/{001_create_tenants,002_create_sources,003_create_content,004_create_faces}.sql | "$BIN/psql" -X -q -v ON_ERROR_STOP=1; }
vector=$(sql_in postgres "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")

# all up, all down, all up again, in one transaction
new_database system_mordeaux
load_folder "$folder"
dump_schema >"$RUN/mordeaux.0"
is 'applied' 10 "$(quiet 'SELECT count(*) FROM migrations.apply()')"
dump_schema >"$RUN/mordeaux.10"
is 'status' '10|10' "$(sql "SELECT count(*) FILTER (WHERE state = 'applied'), count(*) FILTER (WHERE has_down) FROM migrations.status()")"
has 'reset wants the name' 'confirm' "$(quiet "SELECT * FROM migrations.reset('default')" 2>&1 || true)"
is 'reset' 10 "$(quiet "SELECT count(*) FROM migrations.reset('default', confirm => 'default')")"
dump_schema | diff "$RUN/mordeaux.0" - || fail 'the downs leave something'
is 'again' 10 "$(quiet 'SELECT count(*) FROM migrations.apply()')"
dump_schema | diff "$RUN/mordeaux.10" - || fail 'the second time is another schema'

# each down alone reverses its up; a transaction for each, one by one and all at once
each() {
    new_database system_mordeaux_each
    load_folder "$folder"
    for n in 1 2 3 4 5 6 7 8 9 10; do
        quiet "CALL migrations.apply_each('$n')" >/dev/null
        dump_schema >"$RUN/mordeaux.each.$n"
    done
    diff "$RUN/mordeaux.10" "$RUN/mordeaux.each.10" || fail 'apply_each makes another schema'
    cp "$RUN/mordeaux.0" "$RUN/mordeaux.each.0"
    for n in 10 9 8 7 6 5 4 3 2 1; do
        ! cmp -s "$RUN/mordeaux.each.$n" "$RUN/mordeaux.each.$((n - 1))" || fail "$n changes nothing"
        quiet 'CALL migrations.rollback_each(1)' >/dev/null
        dump_schema | diff "$RUN/mordeaux.each.$((n - 1))" - || fail "the down of $n leaves something"
    done
    is 'all in one call' 10 "$(quiet 'CALL migrations.apply_each()' | cut -d'|' -f1)"
    dump_schema | diff "$RUN/mordeaux.10" - || fail 'the second time is another schema'
    is 'and back' 10 "$(quiet 'CALL migrations.rollback_each(10)' | cut -d'|' -f1)"

    # a database that was half migrated by hand: a baseline is never rolled back
    by_hand
    diff "$RUN/mordeaux.each.4" <(dump_schema) || fail 'psql makes another schema'
    out=$(error_of quiet 'SELECT * FROM migrations.apply()')
    has 'what is there' 'ERROR:  relation "tenants" already exists' "$out"
    has 'where' 'migration 001 \(create_tenants\) of project default, statement 1 of' "$out"
    dump_schema | diff "$RUN/mordeaux.each.4" - || fail 'half done'
    is 'baseline' 4 "$(quiet "SELECT count(*) FROM migrations.baseline('004', reason => 'made by hand')")"
    is 'the rest' '005 010 6' "$(quiet "SELECT min(version), max(version), count(*) FROM migrations.apply()" | tr '|' ' ')"
    dump_schema | diff "$RUN/mordeaux.10" - || fail 'another schema after the baseline'
    is 'a baseline stays' 6 "$(quiet "SELECT count(*) FROM migrations.reset('default', confirm => 'default')")"
    dump_schema | diff "$RUN/mordeaux.each.4" - || fail 'reset took more, or less'

    # marked as applied, the same has its downs
    is 'the baseline is taken back' 4 "$(quiet "SELECT count(*) FROM generate_series(1, 4) n, migrations.mark_pending(n::text, reason => 'no baseline')")"
    is 'marked' '001 002 003 004' "$(quiet "SELECT string_agg(version, ' ') FROM generate_series(1, 4) n, migrations.mark_applied(n::text, reason => 'made by hand') WHERE action = 'mark_applied'")"
    is 'planned' '005 006 007 008 009 010' "$(sql "SELECT string_agg(version, ' ' ORDER BY step) FROM migrations.plan()")"
    is 'the rest' 6 "$(quiet 'SELECT count(*) FROM migrations.apply()')"
    dump_schema | diff "$RUN/mordeaux.10" - || fail 'another schema after mark_applied'
    is 'why' '4|made by hand' "$(sql "SELECT count(*), max(reason) FROM migrations.history WHERE action = 'mark_applied'")"
    is 'all go' '10|001' "$(quiet "SELECT count(*), min(version) FROM migrations.reset('default', confirm => 'default')")"
    dump_schema | diff "$RUN/mordeaux.0" - || fail 'the downs of what was marked leave something'

    # the extension vector
    if [ "$vector" = 0 ]; then
        is 'the run says what it does without' 'NOTICE: the extension vector is not there: embeddings are arrays, and searched one by one' "$(sql "SELECT messages[1] FROM migrations.apply('005') WHERE version = '005'" 2>/dev/null)"
        skip 'no extension vector: its index, and whose it is'
    else
        quiet "SELECT count(*) FROM migrations.apply('005')" >/dev/null
        is 'brought along' 'installed by 005_create_embeddings' "$(sql "SELECT obj_description(oid, 'pg_extension') FROM pg_extension WHERE extname = 'vector'")"
        has 'its index is used' 'Index Scan using idx_embeddings_nearest' "$(sql "SET enable_seqscan = off; EXPLAIN SELECT face_id FROM embeddings ORDER BY embedding <=> array_fill(1, '{512}')::vector LIMIT 5")"
        quiet "SELECT count(*) FROM migrations.rollback(1)" >/dev/null
        is 'and taken away' 0 "$(sql "SELECT count(*) FROM pg_extension WHERE extname = 'vector'")"
        quiet "SELECT count(*) FROM migrations.apply('005')" >/dev/null
        sql 'CREATE TABLE other (v vector)'
        has 'unless others use it' 'NOTICE: the extension vector stays: cannot drop extension vector because other objects depend on it' "$(sql "SELECT messages FROM migrations.rollback(1)" 2>/dev/null)"
        sql 'DROP TABLE other; DROP EXTENSION vector; CREATE EXTENSION vector'
        is 'and where it was there before' 005 "$(quiet "SELECT version FROM migrations.apply('005')")"
        quiet "SELECT count(*) FROM migrations.rollback(1)" >/dev/null
        is 'it stays' 1 "$(sql "SELECT count(*) FROM pg_extension WHERE extname = 'vector'")"
    fi
}
meanwhile each

# the catalog
is 'tables' 'alerts cluster_members clusters content embeddings event_audit faces policies sources tenants' \
    "$(sql "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")"
is 'UUID keys and times on each' 10 "$(sql "SELECT count(*) FROM (SELECT attrelid FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid AND relkind = 'r' AND relnamespace = 'public'::regnamespace WHERE (attname, atttypid) IN (('id', 'uuid'::regtype), ('created_at', 'timestamptz'::regtype), ('updated_at', 'timestamptz'::regtype)) GROUP BY attrelid HAVING count(*) = 3) t")"
is 'keys to rows of a tenant name the tenant' 0 "$(sql "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND confrelid <> 'tenants'::regclass AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = conrelid AND attnum = conkey[1] AND attname = 'tenant_id')")"
# With vector there is an index more, over the vectors, and the function, the operator and
# the check that stand in for it aren't there.
case $vector in
1) expected='10|2|57|16|19' functions='' operators='' checks=48 type='vector(512)' ;;
*) expected='10|2|56|16|19' functions='cosine_distance ' operators='<=>' checks=49 type='real[]' ;;
esac
is 'tables, views, indexes, foreign keys, triggers' "$expected" "$(sql "
    WITH mine AS (SELECT * FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    SELECT count(*) FILTER (WHERE relkind = 'r'), count(*) FILTER (WHERE relkind = 'v'), count(*) FILTER (WHERE relkind = 'i'),
        (SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid IN (SELECT oid FROM mine)),
        (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM mine)) FROM mine")"
own="NOT EXISTS (SELECT FROM pg_depend WHERE objid = o.oid AND deptype = 'e')"
is 'functions' "${functions}is_allowed keep_event_audit raise_alert record_event set_updated_at similar_faces" \
    "$(sql "SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc o WHERE pronamespace = 'public'::regnamespace AND $own")"
is 'operators' "$operators" "$(sql "SELECT string_agg(oprname, ' ') FROM pg_operator o WHERE oprnamespace = 'public'::regnamespace AND $own")"
is 'keys, unique constraints, checks' "10|11|$checks" "$(sql "SELECT count(*) FILTER (WHERE contype = 'p'), count(*) FILTER (WHERE contype = 'u'), count(*) FILTER (WHERE contype = 'c') FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0")"
is 'triggers' 'keep_event_audit 1, record_event 9, set_updated_at 9' "$(sql "SELECT string_agg(f || ' ' || n, ', ' ORDER BY f) FROM (SELECT tgfoid::regproc::text AS f, count(*) AS n FROM pg_trigger WHERE NOT tgisinternal AND tgfoid IN (SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace) GROUP BY 1) t")"
is 'an embedding' "$type" "$(sql "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'embeddings'::regclass AND attname = 'embedding'")"
is 'foreign keys that no index begins with' '' "$(sql "
    SELECT string_agg(conname, ' ') FROM pg_constraint
    WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND NOT EXISTS (
        SELECT FROM pg_index WHERE indrelid = conrelid AND indisvalid
            AND (indkey::int2[])[0:cardinality(conkey) - 1] = conkey
            AND (indpred IS NULL OR pg_get_expr(indpred, indrelid) ~ '^\(\w+ IS NOT NULL\)$'))")"
is 'what does not cascade' clusters_tenant_id_merged_into_fkey "$(sql "SELECT string_agg(conname, ' ') FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND confdeltype <> 'c'")"
is 'described' 12 "$(sql "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') AND obj_description(oid, 'pg_class') IS NOT NULL")"
is 'views' 'cluster_summary open_alerts' "$(sql "SELECT string_agg(viewname, ' ' ORDER BY viewname) FROM pg_views WHERE schemaname = 'public'")"

# data: two tenants, a picture with three faces
sql "INSERT INTO tenants (id, name, slug) VALUES ('00000000-0000-0000-0000-00000000000a', 'Acme', 'acme'), ('00000000-0000-0000-0000-00000000000b', 'Bolt', 'bolt');
     INSERT INTO sources (id, tenant_id, name, source_type, base_url) VALUES ('00000000-0000-0000-0000-0000000000aa', '00000000-0000-0000-0000-00000000000a', 'news', 'crawler', 'https://news.example');
     INSERT INTO content (id, tenant_id, source_id, content_type, url, sha256) SELECT '00000000-0000-0000-0000-0000000000c1', tenant_id, id, 'image', base_url || '/1.jpg', sha256('1') FROM sources;
     INSERT INTO faces (id, tenant_id, content_id, box_x, box_y, box_width, box_height, confidence, quality)
     SELECT ('00000000-0000-0000-0000-0000000000f' || n)::uuid, tenant_id, id, n * 0.2, 0.1, 0.1, 0.2, 0.9, 0.8 FROM content, generate_series(1, 3) n;
     INSERT INTO embeddings (tenant_id, face_id, model, embedding)
     SELECT tenant_id, id, 'arc', ARRAY(SELECT CASE WHEN right(id::text, 1) = '3' THEN -1 ELSE 1 END + 0.1 * (i % right(id::text, 1)::int) FROM generate_series(1, 512) i)::real[] FROM faces"
has 'another tenant' 'violates foreign key constraint' "$(sql "INSERT INTO content (tenant_id, source_id, content_type, url, sha256) SELECT '00000000-0000-0000-0000-00000000000b', id, 'image', 'u', sha256('2') FROM sources" 2>&1 || true)"
is 'similar' '00000000-0000-0000-0000-0000000000f2|t' "$(sql "SELECT face_id, similarity > 0.99 FROM similar_faces('00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000f1', 'arc')")"
! sql "UPDATE embeddings SET embedding = '{1,2,3}'::real[]" 2>/dev/null || fail 'three dimensions'
is 'no rule is no' f "$(sql "SELECT is_allowed('00000000-0000-0000-0000-00000000000a', 'search')")"
sql "INSERT INTO policies (tenant_id, name, action, effect, conditions) VALUES ('00000000-0000-0000-0000-00000000000a', 'analysts', 'search', 'allow', '{\"role\": \"analyst\"}')"
is 'allowed' 't|f' "$(sql "SELECT is_allowed(tenant_id, 'search', '{\"role\": \"analyst\"}'), is_allowed(tenant_id, 'export', '{\"role\": \"analyst\"}') FROM policies")"
sql "INSERT INTO clusters (tenant_id, label) VALUES ('00000000-0000-0000-0000-00000000000a', 'A');
     INSERT INTO cluster_members (tenant_id, cluster_id, face_id, similarity) SELECT c.tenant_id, c.id, f.id, 0.9 FROM clusters c, faces f WHERE f.id < '00000000-0000-0000-0000-0000000000f3'"
is 'summary' 'A|2|0.900' "$(sql 'SELECT label, faces, mean_similarity FROM cluster_summary')"
sql "SELECT raise_alert('00000000-0000-0000-0000-00000000000a', 'face_match', 'warning', 'k', 'seen', '00000000-0000-0000-0000-0000000000f1') FROM generate_series(1, 2)" >/dev/null
is 'counted' 'seen|2' "$(sql 'SELECT title, occurrences FROM open_alerts')"
tables='tenants sources content faces embeddings clusters cluster_members policies alerts'
before=$(for table in $tables; do echo "SELECT '$table', max(updated_at) FROM $table;"; done)
stamps=$("$BIN/psql" -X -q -A -t <<<"$before")
is 'a change of nothing is none' "$stamps" "$("$BIN/psql" -X -q -A -t <<<"$(for table in $tables; do echo "UPDATE $table SET id = id;"; done) $before")"
is 'updated_at is kept, on each' 9 "$("$BIN/psql" -X -q -A -t <<<"BEGIN; SET mordeaux.actor = 'clock'; $(for table in $tables; do echo "UPDATE $table SET updated_at = '2000-01-01' RETURNING '$table', updated_at > created_at;"; done) ROLLBACK" | sort -u | grep -c '|t$')"
is 'no biometrics in the trail' '3|0' "$(sql "SELECT count(*), count(*) FILTER (WHERE details ? 'embedding') FROM event_audit WHERE event_type = 'embeddings.created'")"
is 'who, and what' 'ann|{"plan": {"new": "enterprise", "old": "free"}}' "$(sql "SET mordeaux.actor = 'ann'; UPDATE tenants SET plan = 'enterprise' WHERE slug = 'acme'; SELECT actor, details FROM event_audit WHERE event_type = 'tenants.updated'")"
has 'the trail stays' 'DELETE of the audit trail' "$(sql 'DELETE FROM event_audit' 2>&1 || true)"
sql "DELETE FROM tenants WHERE slug = 'acme'"
is 'cascade, and its trail' '0|0|0|1' "$(sql "SELECT (SELECT count(*) FROM embeddings), (SELECT count(*) FROM cluster_members), (SELECT count(*) FROM alerts), count(*) FROM event_audit WHERE event_type = 'tenants.deleted'")"

# 011, made by the loader, and rolled back alone
mkdir -p "$RUN/mordeaux" && cp "$folder"/*.sql "$RUN/mordeaux"
is 'the next pair' '011_create_consents.up.sql 011_create_consents.down.sql ' "$(sh "$ROOT/pg_migrations.sh" new "$RUN/mordeaux" create_consents | sed 's|.*/||' | tr '\n' ' ')"
echo 'CREATE TABLE consents (id uuid PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE);' >"$RUN/mordeaux/011_create_consents.up.sql"
echo 'DROP TABLE consents;' >"$RUN/mordeaux/011_create_consents.down.sql"
(unset PGHOST PGPORT PGDATABASE PGUSER; DB_HOST=$RUN DB_PORT=5432 DB_NAME=system_mordeaux DB_USER=postgres DB_PASSWORD=x load_folder "$RUN/mordeaux")
is '011 alone' 011 "$(quiet 'SELECT version FROM migrations.apply()')"
is 'and back' 011 "$(quiet 'SELECT version FROM migrations.rollback(1)')"
dump_schema | diff "$RUN/mordeaux.10" - || fail 'the down of 011 leaves something'

# the SQL of the documentation, and its Makefile
new_database system_mordeaux_docs
awk '/^```make$/ {on = 1; next} /^```$/ {on = 0} on' "$docs" >"$RUN/mordeaux.mk"
goal() { # goal and variables
    (cd "$ROOT" && unset PGHOST PGPORT PGDATABASE PGUSER && PATH=$BIN:$PATH PGOPTIONS='-c client_min_messages=warning' \
        make -s -f "$RUN/mordeaux.mk" DB_HOST="$RUN" DB_NAME=system_mordeaux_docs MIGRATIONS="$folder" "$@" 2>&1)
}
has 'make migrate' ' 10 \| 010 +\| create_alerts' "$(goal migrate)"
is 'make migrate-status' 10 "$(goal migrate-status | grep -c '| applied |')"
check_document "$docs" "mordeaux$([ "$vector" = 0 ] || echo _with_vector)"
dump_schema | diff "$RUN/mordeaux.10" - || fail 'make and the SQL of the documentation leave another schema'
has 'make migrate-reset asks' 'confirm' "$(goal migrate-reset || true)"
has 'make migrate-reset' ' 10 \| 001 +\| create_tenants' "$(goal migrate-reset CONFIRM=default)"
dump_schema | diff "$RUN/mordeaux.0" - || fail 'make migrate-reset leaves something'
join_meanwhile
