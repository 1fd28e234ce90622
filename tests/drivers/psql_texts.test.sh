# Random texts full of odd quoting, psql's commands and COPY data: psql -f in one database
# and a migration in another one leave the same rows.
TEXTS=${TEXTS:-75}
SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}
echo "SEED=$SEED TEXTS=$TEXTS"
RANDOM=$SEED

# Each of these leaves what it makes in R, so that no process is needed.
one() { R=${!#}; local n=$((RANDOM % $# + 1)); R=${!n}; }

NL=$'\n'
# What must not be taken for what it looks like.
fragment() {
    one ';' ' ; ' '--' ' -- x' '/*' '*/' '(' ')' '"' '""' ':x' ':"x"' '::' ':=' 'é' 'END' 'BEGIN ATOMIC' 'COPY data FROM stdin;' \
        "$NL" "$NL;" '{?x}' '$1' '[' 'CASE' 'E' '0' 'a b' '%'
}
fragments() { # what else may come
    local all='' n=$((RANDOM % 5))
    while [ $n -gt 0 ]; do
        n=$((n - 1))
        if [ $# -gt 0 ] && [ $((RANDOM % 2)) = 0 ]; then one "$@"; else fragment; fi
        all+=$R
    done
    R=$all
}
comment() {
    case $((RANDOM % 6)) in
    0) R="-- ; ' \$\$ \" /* :x \\q$NL" ;;
    1) R="/* ; ' */" ;;
    2) R="/* \$a\$ /* ; \" -- */ ' \\i x */" ;;
    3) R="--$NL" ;;
    4) R='/**/' ;;
    5) R=$NL ;;
    esac
}
plain() {
    if [ "$CONFORMING" = on ]; then
        fragments "''" '\' '\n' '$$' '$a$' "$NL\\.$NL"
        R="'$R'"
    else
        fragments "''" "\\'" '\\' '\n' '$$' '$a$' '\;'
        local first=$R
        R="'$first'"
        [ $((RANDOM % 3)) != 0 ] || { fragments "\\'" '\\' "''" && R="'$first' -- it's;$NL  '$R'"; }
    fi
}
escaped() {
    fragments "''" "\\'" '\\' '\n' '\x41' '\073' '$$' '$a$' "\\';"
    # shellcheck disable=SC2089
    R="E'$R'"
    # psql, which reads line by line, takes what continues a literal for a plain one. So
    # there is no quote after a backslash in it.
    local first=$R
    case $((RANDOM % 4)) in
    0) fragments "''" '\\;' '\n' && R="$first$NL '$R'" ;;
    1) fragments "''" '\\;' '\n' && R="$first -- don't;$NL -- \"$NL	'$R'" ;;
    esac
}
dollars() {
    local tag
    one '' a é_1 a_b
    tag="\$$R\$"
    fragments "'" '\' "\\'" '\.' ' $x$ ' ' $b$;$b$ ' ';$ '
    # A dollar sign at the end would be part of what ends it.
    R="$tag$R $tag"
}
literal() {
    one plain escaped dollars
    # shellcheck disable=SC2090
    $R
}
# An expression of type text.
expression() {
    case $((RANDOM % 20)) in
    0 | 1 | 2) plain ;;
    3 | 4) escaped ;;
    5 | 6) dollars ;;
    7) if [ "$CONFORMING" = on ]; then fragments '\0041' '\+00003b' '\\' "''" && R="U&'$R'"; else escaped; fi ;;
    8) one "B'01'" "B'01'$NL'10'" "b''" "X'1F'" "x'3b'" && R="($R)::text" ;;
    9) plain && R="(N$R || '')" ;;
    10) R="(SELECT \"a;\"\"b'\" FROM (SELECT ${RANDOM}::text AS \"a;\"\"b'\") AS \"\$\$ -- /*\")" ;;
    11) R='(SELECT U&"d\0061t;" FROM (SELECT 1::text AS "dat;") AS x$a$)' ;;
    12) comment && R="(2*$R 3)::text" ;;
    13) one "2*/* ; */3" "5--1;'$NL-2" "5-/*\$\$*/-6" "1</* /* ' */ */2" "@ -1--$NL" "2*/**//**/3" "7/--;$NL 2" && R="($R)::text" ;;
    14) one '[2:3]' '[:2]' '[1 :2]' '[1: 3]' '[2:]' '[:]' && R="((ARRAY[1,2,3,4])$R)::text" ;;
    15) one "'12'::int" "CAST('3;' AS varchar)" "1e3" '1.' '.5' "'1'::int::numeric(3,1)" && R="($R)::text" ;;
    16) plain && R="CASE WHEN (1=1) THEN $R ELSE 'END' END" ;;
    17) one ":'v$N'" "(:'v$N')" "(:{?v$N})::text" "(:{?no})::text" "(:n$N)::text" "(:n$N::int8+:n$N)::text" "(SELECT :\"v$N\" FROM (SELECT 'q'::text AS :\"v$N\") q)" "(ARRAY[1,2,3])[:n$N]::text" "(ARRAY[1,2,3])[1\\:2]::text" ;;
    18) plain && R="format('%s', $R)" ;;
    19) expression && local left=$R && comment && local between=$R && expression && R="($left ||$between $R)" ;;
    esac
}
data() { # text or csv
    local n=$((RANDOM % 5)) all=
    while [ $n -gt 0 ]; do
        n=$((n - 1))
        case $1 in
        text) one 'SELECT 1;	it'"'"'s' '\N	$$ -- /*' '\\.	\\.' ' \\.	a\tb\n;' '	' '"	\;' '\\	:x' ':'"'v'"'	COPY data FROM stdin;' '\q	\q' '--	/*' 'x	\e;' ;;
        csv) one '"a;'"$NL"'b",1' "it's,\$\$" '\.x,1' '"\.x",\' "\"\"\"$NL;\"\"\"," "SELECT 1;,--" ' \.,"x' ',\q' ':x,"\"' '"a'"$NL$NL"'",' ;;
        esac
        # (An open quote would go on to the end.)
        [ "$R" = ' \.,"x' ] && R=' \.,x'
        all+=$R$NL
    done
    R=$all
}
copy() { # nothing after the data
    local format=text options='' head end
    if [ $((RANDOM % 2)) = 0 ]; then
        format=csv
        one ' WITH (FORMAT csv)' " (FORMAT csv, NULL 'a;b')" ' CSV' " WITH (FORMAT$NL csv, NULL 'x$NL;')"
        # A NULL with a newline is refused; one in a comment isn't.
        [[ $R == *"x$NL"* ]] && R=" WITH (FORMAT /* ';$NL ' */ csv)"
        options=$R
    else
        one '' '' " WITH (NULL '\\N')" " (DELIMITER E'\\t')" " WHERE a <> ';'" "$NL"
        [ "$CONFORMING" = on ] || [[ $R != *NULL* ]] || R=" WITH (NULL '\\\\N')"
        options=$R
    fi
    one 'COPY data (a, b) FROM stdin' 'copy public.data(a, "b") from STDIN' "COPY$NL data (a, b) /* ; */ FROM$NL stdin"
    head=$R$options
    one ';' ';' ' ;' ";  -- ;' a" "$NL;" ' \g' "; --$NL"
    end=${R%"$NL"}
    data $format
    R="$head$end$NL$R"
}
routine() {
    expression
    one "CREATE OR REPLACE FUNCTION fn(a int, \"end\" int DEFAULT (1)) RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT CASE WHEN a > 0 THEN CASE a WHEN 1 THEN 'x;' END ELSE 'END' END; END; INSERT INTO log (v) VALUES (fn(1));" \
        "CREATE OR REPLACE PROCEDURE pr()$NL BEGIN ATOMIC INSERT INTO log (v) VALUES ('a;');; INSERT INTO log (v) VALUES (CASE 1 WHEN 1 THEN 'b;' END);$NL END; CALL pr();" \
        "CREATE OR REPLACE FUNCTION fn2() RETURNS text LANGUAGE sql AS \$f\$ SELECT 'BEGIN ATOMIC; END'::text; \$f\$; INSERT INTO log (v) SELECT fn2();" \
        "CREATE OR REPLACE RULE r AS ON INSERT TO ruled DO ALSO (INSERT INTO log (v) VALUES ('a;'); INSERT INTO log (v) VALUES (NEW.v));$NL INSERT INTO ruled VALUES ($R);" \
        "DO \$do\$BEGIN INSERT INTO log (v) VALUES (';'); END\$do\$;" \
        "PREPARE p$N AS INSERT INTO log (v) VALUES (\$1||';');EXECUTE p$N('a'); DEALLOCATE p$N;"
}
statement() {
    local first gap
    case $((RANDOM % 14)) in
    0 | 1 | 2 | 3) expression && R="INSERT INTO log (v) VALUES ($R);" ;;
    4) literal && R="CALL put(v := $R);" ;;
    5) literal && R="CALL put(n=>2, v =>$R);" ;;
    6) expression && first=$R && expression && R="INSERT INTO log (v) SELECT $first\\;INSERT INTO log (v) SELECT $R;" ;;
    7) expression && first=$R && one '\g' '\gx' ' \g \\ SELECT 1;' && R="INSERT INTO log (v) VALUES ($first) $R" ;;
    8) one "\\echo it is ; 'a \\\\ b' \"c'\"" '\pset format unaligned' '\timing off \x off' '\echo' '\qecho -- ;' && R="$NL$R" ;;
    9) one "\\set v$N 'it''s \\\\ ; ' \"q\" ';'" "\\set v$N a;b" "\\set v$N :n$N:'v$N'" "\\set n$N 2" "\\unset no" && R="$NL$R" ;;
    10 | 11)
        copy
        one '' '\.'
        first=$R
        copy
        R="$R\\."
        [ -z "$first" ] || R+="${NL}COPY data (a) FROM stdin;$NL\\."
        ;;
    12) routine ;;
    # No empty statement: after a COPY it makes psql take what follows for data.
    13) comment ;;
    esac
    first=$R
    one "$NL" "$NL" ' '
    # Commands and the end of data end with their lines.
    case $first in *\\g | *\\gx | *\\. | "$NL"*) R=$NL ;; esac
    gap=$R
    comment
    R="$first$gap$R"
}
text() {
    local all="\\set v$N 'a \\' b;' \"c\"$NL\\set n$N 3$NL" n=$((4 + RANDOM % 12))
    while [ $n -gt 0 ]; do
        n=$((n - 1))
        statement
        all+="$R"
    done
    case $((RANDOM % 4)) in
    0) all+="${NL}\\q${NL}SELECT 1 / 0; \\i none" ;;
    1) all+="${NL}SELECT '-- no end'" ;;
    *)
        copy
        # (At the end of a file without it psql may send what it has sent before.)
        all+="$NL$R\\.$NL"
        ;;
    esac
    [ $((RANDOM % 5)) = 0 ] && all=${all//"$NL"/$'\r\n'}
    R=$all
}

folder=$RUN/texts
mkdir -p "$folder/on" "$folder/off"
for CONFORMING in on off; do
    for N in $(seq 101 $((100 + TEXTS))); do
        text
        printf '%s' "$R" >"$folder/$CONFORMING/${N}_text.sql"
    done
done
chmod -R go+rX "$folder"

new_database psql_texts
sql "CREATE TABLE log (id serial, v text);
CREATE TABLE data (id serial, a text, b text);
CREATE TABLE ruled (v text);
CREATE PROCEDURE put(v text, n int DEFAULT 1) LANGUAGE sql AS 'INSERT INTO log (v) SELECT v FROM generate_series(1, n)'"
sql_in postgres 'CREATE DATABASE psql_texts_psql TEMPLATE psql_texts'
rows="SELECT 'log', id, v, NULL FROM log UNION ALL SELECT 'data', id, a, b FROM data ORDER BY 1, 2"
for CONFORMING in on off; do
    files=()
    for N in $(seq 101 $((100 + TEXTS))); do files+=(-f "$folder/$CONFORMING/${N}_text.sql"); done
    PGDATABASE=psql_texts_psql PGOPTIONS="-c standard_conforming_strings=$CONFORMING -c escape_string_warning=off" \
        "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 "${files[@]}" >/dev/null 2>"$RUN/psql.out" || fail "psql, $CONFORMING: $(cat "$RUN/psql.out")"
    sql "SELECT FROM migrations.set_project('$CONFORMING', settings => '{\"standard_conforming_strings\": \"$CONFORMING\", \"escape_string_warning\": \"off\"}')
         ; SELECT count(*) FROM migrations.load('$folder/$CONFORMING', '$CONFORMING')" >"$RUN/load.out" 2>&1 || fail "load, $CONFORMING: $(cat "$RUN/load.out")"
    applied=$(sql "SELECT count(*) FROM migrations.apply(project => '$CONFORMING')" 2>"$RUN/apply.out") || fail "apply, $CONFORMING: $(cat "$RUN/apply.out")"
    is 'all were applied' "$TEXTS" "$applied"
    sql "$rows" >"$RUN/migrations.rows"
    PGDATABASE=psql_texts_psql sql "$rows" >"$RUN/psql.rows"
    diff "$RUN/psql.rows" "$RUN/migrations.rows" >"$RUN/rows.diff" || fail "rows, $CONFORMING: $(head -40 "$RUN/rows.diff")"
done
has 'rows' '^[1-9][0-9][0-9]' "$(sql "SELECT count(*) FROM log")"
