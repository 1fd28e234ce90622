# Attack: an author, with the right to register migrations and no other one, gives texts for
# whose reading takes time in proportion to the square of their size, or which grow without end
# while they are read. Only a restart of the server would end such a session.
# It must fail: the time is in proportion to the text; what grows is bounded by count and size
# (54000); and whatever takes long is ended by statement_timeout, a cancel or a termination.
new_database security_endless_input
sql 'CREATE ROLE endless_author LOGIN; GRANT USAGE ON SCHEMA migrations TO endless_author; GRANT EXECUTE ON ALL ROUTINES IN SCHEMA migrations TO endless_author' >/dev/null
as_author() { "$BIN/psql" -X -q -A -t -U endless_author "$@"; }

milliseconds() { # SQL
    local started=$EPOCHREALTIME
    as_author -c "SET client_min_messages = error" -c "$1" >"$RUN/endless.out" 2>&1 || true
    echo $(((${EPOCHREALTIME/./} - ${started/./}) / 1000))
}
# Four times as much may take eight times as long, and a little for noise.
linear() { # what SQL, with SIZE for a number
    local small large
    small=$(milliseconds "${2//SIZE/100000}")
    large=$(milliseconds "${2//SIZE/400000}")
    [ "$large" -lt $((small * 8 + 500)) ] || fail "$1: $small ms, four times as much $large ms: $(head -c 500 "$RUN/endless.out")"
}

# One text, of many of something.
for part in '${' '${x' '$' '$a' '$$' "'" "E''" "''" '"' '/*' '-' '--' ':x' ":'x" ':{?x' '\\\\' '\\\\;' ';' '(' '\\\\set x y\n' '\\\\set x :x:x\n' '\\\\echo x\n' '\\\\unset x\n' \
    'COPY t FROM stdin;\n1\n\\\\.\n' 'COPY t FROM stdin;' '\\\\g\n' '-- +goose down\n' '-- migrate:down\n' '-- x\n' '\n' ' ' 'E\x27\x27 --\n' 'BEGIN ATOMIC ' 'a.'; do
    linear "text of $part" "SELECT migrations.add('1', 'x', repeat(E'${part//\'/\'\'}', SIZE / 4), project => 'p' || SIZE, replace => true)"
    linear "file of $part" "SELECT migrations.add_file('1_a.sql', repeat(E'${part//\'/\'\'}', SIZE / 4), project => 'f' || SIZE, replace => true)"
done

# Files that include the next one twice.
twice="SELECT count(*) FROM migrations.add_files((SELECT array_agg(format('%s_a.sql', lpad(n::text, 3, '0')) ORDER BY n) FROM generate_series(1, 22) n), (SELECT array_agg(CASE WHEN n = 22 THEN 'SELECT 1' ELSE repeat(format(E'\\\\ir %s_a.sql\n', lpad((n + 1)::text, 3, '0')), TIMES) END ORDER BY n) FROM generate_series(1, 22) n))"
for times in 2 100 10000; do
    time=$(milliseconds "${twice//TIMES/$times}")
    has "includes, $times" 'file "0.._a.sql", line [0-9]+: it includes more than 10000 files' "$(cat "$RUN/endless.out")"
    [ "$time" -lt 3000 ] || fail "includes, $times: $time ms"
done
has 'the SQLSTATE of what is too much' '54000' "$(as_author -v VERBOSITY=verbose -c "${twice//TIMES/2}" 2>&1)"
large="SELECT count(*) FROM migrations.add_files(ARRAY['1_a.sql', 'b.sql'], ARRAY[repeat(E'\\\\ir b.sql\n', 1000), repeat('-- x', 500000)])"
has 'includes of much' 'with what they include are larger than 512 MB' "$(milliseconds "$large"; cat "$RUN/endless.out")"

# A section says at which line it begins; it isn't padded up to it.
before=$(sql 'SELECT pg_database_size(current_database())')
time=$(milliseconds "SELECT count(*) FROM migrations.add_files(ARRAY['c.sql'], ARRAY[E'--liquibase formatted sql\n' || (SELECT string_agg(E'--changeset a:' || i || E'\nSELECT 1;', E'\n') FROM generate_series(1, 8000) i)], convention => 'liquibase', project => 'padding')")
grown=$(($(sql 'SELECT pg_database_size(current_database())') - before))
[ "$grown" -lt 30000000 ] || fail "8000 changesets take $grown bytes"
echo "8000 changesets: $time ms, $grown bytes"

# What takes long, ends when it is to end. As large as memory allows on a small machine.
LARGE=(
    "SELECT migrations.add('1', 'x', repeat('SELECT 1; -- x ', 8000000), replace => true, project => 'large')"
    "SELECT migrations.add('2', 'x', repeat(E'\r\n', 60000000), replace => true, project => 'large')"
    "SELECT migrations.add_file('3_x.sql', repeat('\${', 40000000), project => 'large')"
    "SELECT migrations.add_file('3_x.sql', repeat(E'-- migrate:up\n', 8000000), project => 'large')"
    "SELECT migrations.add_file('x.sql', E'--liquibase formatted sql\n--changeset a:1\n' || repeat(E'--rollback x\n', 8000000), project => 'large')"
    "SELECT count(*) FROM migrations.add_files(ARRAY['1_a.sql', 'b.sql'], ARRAY[repeat(E'\\\\ir b.sql\n', 200), repeat('-- x', 500000)])"
    "SELECT count(*) FROM migrations.add_files((SELECT array_agg('a' || n || '/b/c/d/V' || n || '__x.sql') FROM generate_series(1, 100000) n), array_fill('SELECT 1'::text, ARRAY[100000]), project => 'large')"
)
for call in "${LARGE[@]}"; do
    for way in timeout cancel terminate; do
        case $way in
        timeout) limit=600ms code='57014|canceling statement due to statement timeout' ;;
        cancel) limit=60s code='canceling statement due to user request' ;;
        terminate) limit=60s code='terminating connection due to administrator command' ;;
        esac
        PGAPPNAME=endless_$way as_author -c "SET statement_timeout = '$limit'" -c "$call" >"$RUN/endless.$way" 2>&1 &
        client=$!
        if [ "$way" != timeout ]; then
            wait_for "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'endless_$way' AND state = 'active' AND query LIKE 'SELECT%'"
            sleep 0.6
            sql "SELECT pg_${way}_backend(pid) FROM pg_stat_activity WHERE application_name = 'endless_$way'" >/dev/null 2>&1
        fi
        started=$EPOCHREALTIME
        wait "$client" || true
        took=$(((${EPOCHREALTIME/./} - ${started/./}) / 1000))
        # It may have been done before.
        if grep -qE 'ERROR|FATAL' "$RUN/endless.$way" && ! grep -qE "$code" "$RUN/endless.$way" && ! grep -qE 'cannot run|file "|mark|no migration|placeholder' "$RUN/endless.$way"; then
            fail "$way of $call: $(head -c 500 "$RUN/endless.$way")"
        fi
        [ "$took" -lt 2500 ] || fail "$way of $call took $took ms: $(head -c 500 "$RUN/endless.$way")"
        echo "$way: $took ms: $(head -c 100 "$RUN/endless.$way" | head -1)"
    done
done
