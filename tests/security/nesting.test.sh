# Attack: an author, with the right to register migrations and no other one, gives files in
# which brackets, quotes, lists or files are nested so deep that a recursive reader would run out
# of stack and end the whole server.
# It must fail: with an error that names file and line (22023), or be read for what it is; the
# server stays up and the session keeps working.
new_database security_nesting
sql 'CREATE ROLE nesting_author LOGIN; GRANT USAGE ON SCHEMA migrations TO nesting_author; GRANT EXECUTE ON ALL ROUTINES IN SCHEMA migrations TO nesting_author' >/dev/null
started=$(sql 'SELECT pg_postmaster_start_time()')

# The SQLSTATE and the message of a call, made as the author, or more lines of it.
tried() { # SQL [lines]
    "$BIN/psql" -X -q -A -t -U nesting_author -v VERBOSITY=verbose -c "SET statement_timeout = '20s'" -c "$1" 2>&1 |
        cut -c1-300 | head -"${2:-1}"
}
same_server() { # what
    is "$1: the server restarted" "$started" "$(sql 'SELECT pg_postmaster_start_time()')"
}

for count in 150 80000 1000000; do
    has "toml, $count" 'ERROR:  22023: file "flyway.toml", line 2: brackets are nested more than [0-9]+ deep' \
        "$(tried "SELECT FROM migrations.add_files(ARRAY['V1__a.sql', 'flyway.toml'], ARRAY['SELECT 1', E'[flyway]\nx = ' || repeat('[', $count) || E'\n'])")"
    for name in context contextFilter labels; do
        has "$name, $count" 'ERROR:  22023: file "x.sql", line 2: .*(parentheses are nested more than 100 deep|the line is longer than)' \
            "$(tried "SELECT FROM migrations.add_files(ARRAY['x.sql'], ARRAY[E'--liquibase formatted sql\n--changeset a:1 $name:\"' || repeat('(', $count) || E'\"\nSELECT 1;\n'], convention => 'liquibase', options => '{\"contexts\": \"a\", \"labels\": \"a\"}')")"
    done
    has "option, $count" 'ERROR:  22023: option "labels"|ERROR:  22023: argument "options" cannot be read: it is larger' \
        "$(tried "SELECT FROM migrations.add_files(ARRAY['x.sql'], ARRAY[E'--liquibase formatted sql\n--changeset a:1 labels:a\nSELECT 1;\n'], convention => 'liquibase', options => jsonb_build_object('labels', repeat('(', $count) || 'a'))")"
done
same_server 'expressions'

# Every bracket and quote, for every importer, in all files that it reads. (The unit tests of
# `src/importers` do the same with a small stack.) The names are those that the server accepts.
sql "CREATE TABLE public.openings AS SELECT * FROM unnest(ARRAY['(', '[', '{', '<a>', '<!--', '/*', '\"', '''', '\${', '\$a\$', '- ', '{\"a\":', '[{\"entries\":[', '\\i ', 'BEGIN ATOMIC ', '!(', E'-- +goose StatementBegin\n']) AS opening; GRANT SELECT ON public.openings TO nesting_author" >/dev/null
conventions=$(tried "SELECT FROM migrations.add_file('1_a.sql', '', convention => '?')" 9 | sed -n 's/^HINT:  Use one of these: \(.*\)\.$/\1/p' | tr -d ,) || true
has 'conventions' 'golang-migrate .* atlas' "$conventions"
for convention in $conventions; do
    out=$("$BIN/psql" -X -q -A -t -U nesting_author 2>&1 <<SQL
SET client_min_messages = error;
DO \$do\$
DECLARE
    o record; file text;
    files text[] := '{1_a.up.sql,1_a/metadata.toml,meta/_journal.json,flyway.conf,flyway.toml,V1__a.sql.conf,sqitch.plan,sqitch.conf,deploy/a.sql,changelog.xml,changelog.yaml,changelog.json}';
BEGIN
    FOR o IN SELECT opening FROM public.openings LOOP
        FOREACH file IN ARRAY files LOOP
            BEGIN
                PERFORM * FROM migrations.add_files(
                    ARRAY['1_z.sql', 'V1__a.sql', file], ARRAY['SELECT 1', 'SELECT 1', 'databaseChangeLog = ' || repeat(o.opening, 60000)],
                    convention => '$convention', project => 'nested');
                -- Nothing of it stays.
                RAISE EXCEPTION USING ERRCODE = 'P0001';
            EXCEPTION
                WHEN SQLSTATE '22023' OR SQLSTATE '54000' OR SQLSTATE '0A000' OR SQLSTATE '42601' OR raise_exception THEN NULL;
            END;
        END LOOP;
    END LOOP;
END \$do\$;
SQL
    ) || fail "$convention: $out"
    is "$convention" '' "$out"
done
same_server 'readers'

# What runs is read by the server's own parser, which says so itself.
for opening in '(' '[' 'CASE WHEN ' 'NOT ' 'SELECT (' 'BEGIN ATOMIC '; do
    sql "SET client_min_messages = error; SELECT migrations.add('1', 'deep', 'SELECT ' || repeat('$opening', 1000000) || '1', replace => true)" >/dev/null
    has "parser, $opening" 'ERROR:  (54001|42601)' "$(tried 'SELECT * FROM migrations.apply()')"
done
same_server 'parser'
