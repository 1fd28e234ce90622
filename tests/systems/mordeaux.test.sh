# A face protection service: ten files, each with a down, and what its team does with them.
folder=$ROOT/tests/systems/mordeaux
quiet() { PGOPTIONS='-c client_min_messages=warning' sql "$1"; }

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

# the catalog
is 'tables' 'alerts cluster_members clusters content embeddings event_audit faces policies sources tenants' \
    "$(sql "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")"
is 'UUID keys and times on each' 10 "$(sql "SELECT count(*) FROM (SELECT attrelid FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid AND relkind = 'r' AND relnamespace = 'public'::regnamespace WHERE (attname, atttypid) IN (('id', 'uuid'::regtype), ('created_at', 'timestamptz'::regtype), ('updated_at', 'timestamptz'::regtype)) GROUP BY attrelid HAVING count(*) = 3) t")"
is 'keys to rows of a tenant name the tenant' 0 "$(sql "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND confrelid <> 'tenants'::regclass AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = conrelid AND attnum = conkey[1] AND attname = 'tenant_id')")"
is 'views' 'cluster_summary open_alerts' "$(sql "SELECT string_agg(viewname, ' ' ORDER BY viewname) FROM pg_views WHERE schemaname = 'public'")"
is 'audited tables' 9 "$(sql "SELECT count(*) FROM pg_trigger WHERE tgfoid = 'record_event'::regproc")"

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

# the same with a transaction for each; then a database that was half migrated by hand
new_database system_mordeaux_each
load_folder "$folder"
quiet 'CALL migrations.apply_each()' >/dev/null
dump_schema | diff "$RUN/mordeaux.10" - || fail 'apply_each makes another schema'
quiet 'CALL migrations.rollback_each(10)' >/dev/null
dump_schema | diff "$RUN/mordeaux.0" - || fail 'rollback_each leaves something'
for n in 001 002 003 004; do "$BIN/psql" -X -q -v ON_ERROR_STOP=1 <"$(ls "$folder/$n"_*[a-z].sql | grep -v down)"; done
dump_schema >"$RUN/mordeaux.4"
out=$(quiet 'SELECT * FROM migrations.apply()' 2>&1) && fail 'applied on top of it'
has 'what is there' 'ERROR:  relation "tenants" already exists' "$out"
has 'where' 'migration 001 \(create_tenants\) of project default, statement 1 of' "$out"
dump_schema | diff "$RUN/mordeaux.4" - || fail 'half done'
is 'baseline' 4 "$(quiet "SELECT count(*) FROM migrations.baseline('004', reason => 'made by hand')")"
is 'the rest' '005 010 6' "$(quiet "SELECT min(version), max(version), count(*) FROM migrations.apply()" | tr '|' ' ')"
dump_schema | diff "$RUN/mordeaux.10" - || fail 'another schema after the baseline'
is 'a baseline stays' 6 "$(quiet "SELECT count(*) FROM migrations.reset('default', confirm => 'default')")"
dump_schema | diff "$RUN/mordeaux.4" - || fail 'reset took more, or less'
