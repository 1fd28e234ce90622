# What a text means and what it stores must not depend on the settings of the session that
# runs it: not on a SET, nor on what a client gives when it connects, nor on SET clauses of a
# function around the call, nor on the caller's temporary tables.
new_database security_session
sql "CREATE SCHEMA trap; CREATE SCHEMA app; CREATE TABLE seen (call text, name text, value text)" >/dev/null
names="search_path standard_conforming_strings transform_null_equals backslash_quote array_nulls xmloption
    DateStyle IntervalStyle TimeZone timezone_abbreviations bytea_output xmlbinary extra_float_digits lc_monetary lc_numeric lc_time
    default_text_search_config quote_all_identifiers check_function_bodies row_security session_replication_role
    gin_fuzzy_search_limit password_encryption default_tablespace temp_tablespaces default_table_access_method
    default_toast_compression plpgsql.variable_conflict plpgsql.check_asserts plpgsql.extra_errors"
# Of each another value than the default.
sets="SET search_path = trap, public; SET transform_null_equals = on; SET backslash_quote = on;
    SET array_nulls = off; SET xmloption = document; SET DateStyle = 'SQL, DMY'; SET IntervalStyle = sql_standard;
    SET TimeZone = 'Asia/Tokyo'; SET timezone_abbreviations = 'Australia'; SET bytea_output = escape; SET xmlbinary = hex;
    SET extra_float_digits = -3; SET lc_monetary = 'POSIX'; SET lc_numeric = 'POSIX'; SET lc_time = 'POSIX';
    SET default_text_search_config = 'pg_catalog.german'; SET quote_all_identifiers = on; SET check_function_bodies = off;
    SET row_security = off; SET session_replication_role = replica; SET gin_fuzzy_search_limit = 1;
    SET password_encryption = md5; SET default_tablespace = pg_default; SET temp_tablespaces = pg_default;
    SET default_table_access_method = heap; SET default_toast_compression = pglz; SET plpgsql.variable_conflict = use_column;
    SET plpgsql.check_asserts = off; SET plpgsql.extra_errors = 'all'; SET escape_string_warning = off; SET standard_conforming_strings = off;"
body() { # call
    echo "INSERT INTO public.seen SELECT pg_catalog.concat('$1'), n, pg_catalog.current_setting(n, true) FROM pg_catalog.unnest('{$(tr -s ' \n' ',' <<<"$names" | sed 's/,$//')}'::text[]) n;
INSERT INTO public.seen VALUES ('$1', 'text', 'back\\slash ' || ('01/02/2024'::date + time '10:00')::timestamptz || ' ' || (NULL = NULL IS NULL) || ' ' || '{NULL}'::text[]::text || ' ' || '\x41'::bytea::text || ' ' || interval '1 day 2 hours' || 1.1::float8)"
}
number=0
differs() { # what prologue call
    number=$((number + 1))
    local version
    version=$(printf '%03d' $number)
    sql "SELECT migrations.add('$version', 'look', \$m\$$(body "$1")\$m\$, precondition => \$m\$SELECT current_setting('TimeZone') <> 'Asia/Tokyo'\$m\$, verify => \$m\$SELECT 'a\b' = E'a\\\\b' AND current_setting('TimeZone') <> 'Asia/Tokyo'\$m\$, project => 'p')" >/dev/null
    sql "$2 LOAD 'plpgsql'; $3" >/dev/null 2>"$RUN/err" || fail "$1: $(cat "$RUN/err")"
    is "$1" '' "$(sql "SELECT s.name, s.value, r.value FROM public.seen s JOIN public.seen r ON r.call = 'reference' AND r.name = s.name WHERE s.call = '$1' AND s.value IS DISTINCT FROM r.value")"
    is "$1 ran" "$(sql "SELECT count(*) FROM public.seen WHERE call = 'reference'")" "$(sql "SELECT count(*) FROM public.seen WHERE call = '$1'")"
}
apply="SELECT FROM migrations.apply(project => 'p');"
each="CALL migrations.apply_each(project => 'p')"
differs reference '' "$apply"
differs atomic "$sets" "$apply"
differs 'in a block' "BEGIN; $sets" "$apply COMMIT;"
differs 'SET LOCAL' "BEGIN; ${sets//SET /SET LOCAL }" "$apply COMMIT;"
sql "CREATE FUNCTION public.wrapped() RETURNS void LANGUAGE sql SET search_path = trap SET TimeZone = 'Asia/Tokyo' SET standard_conforming_strings = off SET session_replication_role = replica AS 'SELECT FROM migrations.apply(project => ''p'')'" >/dev/null
differs wrapped '' 'SELECT public.wrapped();'
differs verified "$sets" "$apply SELECT migrations.version(); SELECT FROM migrations.verify(project => 'p');"
is 'verify holds' t "$(sql "SET standard_conforming_strings = off; SET escape_string_warning = off; SET TimeZone = 'Asia/Tokyo'; SELECT bool_and(ok) FROM migrations.verify(project => 'p')")"
# a stepwise run is a statement of its own; one whose statements commit sets them for the session
stepwise() { # what body
    number=$((number + 1))
    sql "SELECT migrations.add('$(printf '%03d' $number)', 'look', \$m\$$2\$m\$, project => 'p')" >/dev/null
    "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 >"$RUN/after" 2>"$RUN/err" <<<"$sets
        $each;
        SELECT current_setting('TimeZone'), current_setting('search_path'), current_setting('standard_conforming_strings')" || fail "$1: $(cat "$RUN/err")"
    is "$1: back" 'Asia/Tokyo|trap, public|off' "$(tail -n 1 "$RUN/after")"
    is "$1" '' "$(sql "SELECT s.name, s.value, r.value FROM public.seen s JOIN public.seen r ON r.call = 'reference' AND r.name = s.name WHERE s.call = '$1' AND s.value IS DISTINCT FROM r.value")"
    has "$1 ran" '^[1-9]' "$(sql "SELECT count(*) FROM public.seen WHERE call = '$1'")"
}
stepwise stepwise "$(body stepwise)"
stepwise apart "$(body apart); VACUUM public.seen"

# what a client gives when it connects
connected() { # what PGOPTIONS
    PGTZ=Asia/Tokyo PGDATESTYLE='SQL, DMY' PGOPTIONS="$2" differs "$1" '' "$apply"
}
connected connected '-c search_path=trap,public -c IntervalStyle=sql_standard -c bytea_output=escape -c extra_float_digits=-3'
# the defaults of database and role count, the role's first; so does the project
sql "ALTER DATABASE security_session SET TimeZone = 'America/Lima'; ALTER DATABASE security_session SET search_path = app, public; ALTER ROLE postgres IN DATABASE security_session SET IntervalStyle = iso_8601" >/dev/null
seen() { # project prologue
    sql "SELECT migrations.add('1', 'look', 'SELECT current_setting(''TimeZone''), current_setting(''search_path''), current_setting(''IntervalStyle'')', project => '$1')" >/dev/null
    sql "SET client_min_messages = warning; SET TimeZone = 'Asia/Tokyo'; SET search_path = trap; SET IntervalStyle = sql_standard; SELECT messages FROM migrations.apply(project => '$1')"
}
expected='{"{\"current_setting\":\"America/Lima\",\"current_setting\":\"app, public\",\"current_setting\":\"iso_8601\"}"}'
is 'defaults' "$expected" "$(seen q1)"
is 'defaults, connected with others' "$expected" "$(PGTZ=Asia/Tokyo PGOPTIONS='-c search_path=trap -c IntervalStyle=sql_standard' seen q2)"
sql "ALTER ROLE postgres IN DATABASE security_session RESET IntervalStyle; SELECT FROM migrations.set_project('q3', search_path => 'app', settings => '{\"timezone\": \"Europe/Oslo\", \"intervalstyle\": \"postgres_verbose\", \"standard_conforming_strings\": \"off\"}')" >/dev/null
is "the project's" '{"{\"current_setting\":\"Europe/Oslo\",\"current_setting\":\"app, pg_temp\",\"current_setting\":\"postgres_verbose\"}"}' "$(seen q3)"
# a superuser's SET counts as little where a lesser role calls
sql "CREATE ROLE lesser; GRANT USAGE ON SCHEMA migrations TO lesser; GRANT EXECUTE ON ALL ROUTINES IN SCHEMA migrations TO lesser" >/dev/null
is 'a lesser role' '{"{\"current_setting\":\"origin\"}"}' "$(sql "SELECT FROM migrations.add('1', 'x', 'SELECT current_setting(''session_replication_role'')', project => 'lesser'); SET client_min_messages = warning; SET session_replication_role = replica; SET ROLE lesser; SELECT messages FROM migrations.apply(project => 'lesser')" | tail -n 1)"
sql 'DROP OWNED BY lesser; DROP ROLE lesser' >/dev/null

# what a caller may pass: timeouts, messages, a role, settings of an application
is 'passed' '{"{\"w\":\"7MB\",\"l\":\"6s\",\"t\":\"acme\"}"}' "$(sql "SELECT FROM migrations.add('1', 'x', 'SELECT current_setting(''work_mem'') w, current_setting(''lock_timeout'') l, current_setting(''app.tenant'') t', project => 'passed'); SET client_min_messages = warning; SET work_mem = '7MB'; SET lock_timeout = '6s'; SET app.tenant = 'acme'; SELECT messages FROM migrations.apply(project => 'passed')" | tail -n 1)"

# a setting of a library that is loaded by the text
is 'before its library' error "$(sql "SELECT FROM migrations.add('1', 'x', \$m\$DO 'BEGIN CREATE TABLE vc AS SELECT current_setting(''plpgsql.variable_conflict'') v; END'\$m\$, project => 'library'); SET plpgsql.variable_conflict = use_column; SET client_min_messages = warning; SELECT FROM migrations.apply(project => 'library'); SELECT v FROM vc" | tail -n 1)"

# a temporary table of the caller's doesn't hide one of the project; the text's own does what it did
sql "CREATE TABLE app.hidden (n int); SELECT FROM migrations.set_project('temp', search_path => 'app');
    SELECT migrations.add('1', 'x', 'INSERT INTO hidden VALUES (1); CREATE TEMPORARY TABLE own (n int); INSERT INTO own VALUES (2); DROP TABLE own', project => 'temp')" >/dev/null
sql "CREATE TEMPORARY TABLE hidden (n int); SELECT FROM migrations.apply(project => 'temp')" >/dev/null 2>&1
is 'not hidden' 1 "$(sql 'SELECT count(*) FROM app.hidden')"
sql "SELECT FROM migrations.set_project('temp', search_path => 'pg_temp, app'); SELECT migrations.add('2', 'x', 'INSERT INTO hidden VALUES (1)', project => 'temp')" >/dev/null
sql "CREATE TEMPORARY TABLE hidden (n int); SELECT FROM migrations.apply(project => 'temp')" >/dev/null 2>&1
is 'hidden, as the project has it' 1 "$(sql 'SELECT count(*) FROM app.hidden')"
# SET search_path inside a text counts in it
sql "SELECT migrations.add('3', 'x', 'CREATE TABLE a3 (); SET search_path = trap; CREATE TABLE t3 ()', project => 'temp')" >/dev/null
sql "SELECT FROM migrations.apply(project => 'temp')" >/dev/null 2>&1
is 'its own path' 'f|t' "$(sql "SELECT to_regclass('app.t3') IS NOT NULL, to_regclass('trap.t3') IS NOT NULL")"
# plan reads texts as the run does
is 'plan' 'pending; CREATE INDEX CONCURRENTLY in line 1 cannot run inside a transaction' "$(sql "SELECT FROM migrations.add('1', 'x', \$m\$SELECT 'a\\'; CREATE INDEX CONCURRENTLY i ON t (x)\$m\$, project => 'plans'); SET escape_string_warning = off; SET standard_conforming_strings = off; SELECT reason FROM migrations.plan(project => 'plans')" | tail -n 1)"
