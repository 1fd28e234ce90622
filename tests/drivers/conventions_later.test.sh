# Files are added to a folder whose migrations are registered already.
new_database driver_conventions_later
folder=$RUN/later
mkdir -p "$folder"
load() { sql "SELECT name, result FROM migrations.load('$folder') WHERE direction IS NOT NULL"; }
requires() { sql "SELECT array_to_string(requires, ',') FROM migrations.migration WHERE version = '$1'"; }

# b runs before a, so what a requires changes with what is added to b
printf 'databaseChangeLog:\n- include: {file: b.sql}\n- include: {file: a.sql}\n' >"$folder/changelog.yml"
printf -- '--liquibase formatted sql\n--changeset x:1\nCREATE TABLE b ();\n--rollback DROP TABLE b;\n' >"$folder/b.sql"
printf -- '--liquibase formatted sql\n--changeset x:1\nCREATE TABLE a () INHERITS (b);\n--rollback DROP TABLE a;\n' >"$folder/a.sql"
is 'loaded' $'x:1|added\nx:1|added' "$(load)"
is 'a requires b' b.1 "$(requires a.1)"
printf -- '--changeset x:2\nALTER TABLE b ADD i int;\n--rollback ALTER TABLE b DROP i;\n' >>"$folder/b.sql"
is 'pending: it requires the new one' $'x:1|unchanged\nx:2|added\nx:1|replaced' "$(load)"
is 'a requires more' b.2 "$(requires a.1)"
is 'the order' 'b.1 b.2 a.1' "$(sql "SELECT string_agg(version, ' ' ORDER BY step) FROM migrations.apply()")"
printf -- '--changeset x:3\nALTER TABLE b ADD j int;\n--rollback ALTER TABLE b DROP j;\n' >>"$folder/b.sql"
is 'applied: it stays' $'x:1|unchanged\nx:2|unchanged\nx:3|added\nx:1|unchanged' "$(load)"
is 'a requires what it did' b.2 "$(requires a.1)"
is 'the new one' b.3 "$(sql 'SELECT version FROM migrations.apply()')"
is 'taken back' 'b.3 a.1 b.2 b.1' "$(sql "SELECT string_agg(version, ' ' ORDER BY step) FROM migrations.rollback(4)")"

# a down that does nothing
printf -- '--liquibase formatted sql\n--changeset x:1\nSELECT 1;\n--rollback not required\n' >"$folder/c.sql"
printf -- '- include: {file: c.sql}\n' >>"$folder/changelog.yml"
load >/dev/null
is 'all' 5 "$(sql 'SELECT count(*) FROM migrations.apply()')"
is 'an empty down' c.1 "$(sql 'SELECT version FROM migrations.rollback(1)')"

# contexts
printf -- '--liquibase formatted sql\n--changeset x:1\nSELECT 1;\n--rollback empty\n--changeset x:2 context:test\nSELECT 2;\n' >"$folder/c.sql"
out=$(sql "SELECT FROM migrations.load('$folder')" 2>&1) && fail 'a context was ignored'
has 'contexts are required' 'file "c.sql", line 5: context:test cannot be evaluated without the option contexts' "$out"
is 'contexts are given' 1 "$(sql "SELECT count(*) FROM migrations.load('$folder', options => '{\"contexts\": \"prod\"}') WHERE result = 'ignored: changeset x:2 is skipped: the given contexts do not match test'")"
is 'it is meant' 1 "$(sql "SELECT count(*) FROM migrations.load('$folder', options => '{\"contexts\": \"test\"}') WHERE result = 'added'")"
