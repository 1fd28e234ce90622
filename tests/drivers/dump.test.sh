# A dump of a database with all kinds of objects is applied as a migration in a new database, whose
# dump is the same. Tested with each kind of dump, with its \restrict lines.
new_database dump_source
extension_dropped() { sql 'DROP EXTENSION pg_migrations'; }
extension_dropped
sql 'CREATE ROLE dump_reader' >/dev/null
"$BIN/psql" -X -q -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
CREATE SCHEMA "odd; schema";
CREATE TYPE mood AS ENUM ('sad;', 'it''s', '"ok"');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE SEQUENCE odd START 7 INCREMENT 3 CYCLE MAXVALUE 100;
CREATE FUNCTION atomic(a int, "end" int DEFAULT 1) RETURNS text LANGUAGE sql
BEGIN ATOMIC
    SELECT 1;
    SELECT CASE WHEN a > 0 THEN CASE a WHEN 1 THEN 'x;' END ELSE 'END;' END;
END;
CREATE PROCEDURE work(INOUT n int) LANGUAGE plpgsql AS $$BEGIN n := n + 1; -- ;
END$$;
CREATE FUNCTION changed() RETURNS trigger LANGUAGE plpgsql AS $f$BEGIN NEW.v := NEW.v || $$;'$$; RETURN NEW; END$f$;
CREATE TABLE "odd; schema"."Table;" (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    n bigserial, v text DEFAULT E'it''s; \\ "\n', m mood DEFAULT 'sad;', p pair, d positive, s span, raw bytea, j jsonb,
    list text[], twice int GENERATED ALWAYS AS (length(v) * 2) STORED, CONSTRAINT "odd;" CHECK (v <> ';''--'));
INSERT INTO "odd; schema"."Table;" (v, m, p, d, s, raw, j, list)
SELECT CASE n % 7 WHEN 0 THEN NULL WHEN 1 THEN '\.' WHEN 2 THEN E'a\nb\tc\\N\\.\r\n' WHEN 3 THEN $$COPY x FROM stdin; '";--/*$$
    WHEN 4 THEN repeat('é;', 3000) WHEN 5 THEN E'\\.\n\\.\n\\q' ELSE ':x ${x}' END, 'it''s', (n, 'a,"b')::pair, n, span(0, n),
    decode(md5(n::text), 'hex'), jsonb_build_object('a;', $$it's \$$), ARRAY['a,b', NULL, '{"', E'\\.'] FROM generate_series(1, 500) n;
CREATE TRIGGER changed BEFORE INSERT ON "odd; schema"."Table;" FOR EACH ROW WHEN (NEW.v = ';') EXECUTE FUNCTION changed();
CREATE TABLE csv (line text);
INSERT INTO csv SELECT format('"%s;","it''s",\%s', n, n) FROM generate_series(1, 20000) n;
CREATE TABLE large (id int, v text);
INSERT INTO large SELECT n, string_agg(md5((n * i)::text), E'\n') FROM generate_series(1, 20) n, generate_series(1, 3000) i GROUP BY n ORDER BY n;
CREATE TABLE nothing ();
INSERT INTO nothing DEFAULT VALUES;
CREATE TABLE empty (a int, "b;" text);
CREATE TABLE parts (id int, at date NOT NULL, v text) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE parts_2 PARTITION OF parts DEFAULT;
INSERT INTO parts SELECT n, date '2020-01-01' + n, 'part;' FROM generate_series(1, 800) n;
CREATE INDEX ON parts (at) WHERE v <> ';';
ALTER TABLE parts ADD UNIQUE (id, at);
CREATE TABLE child (extra int) INHERITS (large);
ALTER TABLE empty ADD CONSTRAINT refers FOREIGN KEY (a) REFERENCES "odd; schema"."Table;" DEFERRABLE INITIALLY DEFERRED;
CREATE VIEW seen AS SELECT id, v || ';' AS "v;", CASE WHEN d > 3 THEN 'END' END AS c FROM "odd; schema"."Table;" WHERE v <> $$'$$;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n, max("v;") AS v FROM seen;
CREATE UNIQUE INDEX ON counted (n);
CREATE RULE logged AS ON INSERT TO empty DO ALSO (INSERT INTO csv VALUES (';'); DELETE FROM csv WHERE line = ';');
ALTER TABLE csv ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON csv FOR SELECT TO dump_reader USING (line <> ';');
CREATE STATISTICS stats ON id, v FROM large;
CREATE AGGREGATE all_of (text) (SFUNC = textcat, STYPE = text, INITCOND = ';');
CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq);
CREATE PUBLICATION told FOR TABLE large;
COMMENT ON TABLE csv IS E'it''s; \\ -- /* \n\\.';
COMMENT ON COLUMN seen."v;" IS '$$;$$ :x';
GRANT SELECT ON seen, csv TO dump_reader;
GRANT EXECUTE ON FUNCTION atomic TO dump_reader;
REVOKE ALL ON FUNCTION changed() FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA "odd; schema" GRANT SELECT ON TABLES TO dump_reader;
SELECT nextval('odd');
SQL
rows="SELECT format('%s|%s|%s|%s', (SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM \"odd; schema\".\"Table;\" t),
    (SELECT count(*) FROM csv), (SELECT md5(string_agg(v, '' ORDER BY id)) FROM ONLY large), (SELECT count(*) FROM parts_1))"
expected=$(sql "$rows")

# A dump without what differs from one to the next.
dump() { "$BIN/pg_dump" "$@" | sed '/^.\(un\)\?restrict /d'; }
for kind in copy inserts column-inserts; do
    options=()
    [ $kind = copy ] || options=("--$kind")
    folder=$RUN/dump_$kind
    mkdir -p "$folder"
    PGDATABASE=dump_source dump "${options[@]}" >"$RUN/before.sql"
    {
        echo '\restrict k3Yk3Yk3Y'
        cat "$RUN/before.sql"
        printf '\n\\unrestrict k3Yk3Yk3Y\n'
    } >"$folder/001_dump.sql"
    [ $kind != copy ] || at_least 'the size of the dump' 3000001 "$(wc -c <"$folder/001_dump.sql")"
    new_database "dump_${kind/-/_}"
    load_folder "$folder"
    is "applied, $kind" 1 "$(sql 'SET client_min_messages = warning; SELECT count(*) FROM migrations.apply()')"
    is "rows, $kind" "$expected" "$(sql "$rows")"
    extension_dropped
    dump "${options[@]}" >"$RUN/after.sql"
    diff "$RUN/before.sql" "$RUN/after.sql" >"$RUN/dump.diff" || fail "the dumps differ, $kind: $(head -40 "$RUN/dump.diff")"
done
