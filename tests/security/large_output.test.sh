# Attack: a migration gives rows and notices of any size. What is kept of them for the column
# `messages`, the history and the log would take all memory, or be more than a value can be, so
# that a right migration fails.
# It must fail: what is kept is bounded (64 kB each, 1 MB of each kind for a migration), a row or
# message says what was cut, and the migration is applied.
new_database security_output
run() { # version text
    sql "SET client_min_messages = error; SELECT migrations.add('$1', 'output', \$t\$$2\$t\$)" >/dev/null
    "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -c "SELECT coalesce(sum(length(m)), 0), count(*), max(length(m)), min(m) FROM migrations.apply('$1') a, unnest(a.messages) m" 2>/dev/null
}

is 'large rows' '500|20|25|(a row of 60000004 bytes)' "$(run 1 "SELECT repeat('x', 60000000) FROM generate_series(1, 20)")"
out=$(run 2 "SELECT repeat('x', 60000) FROM generate_series(1, 30)")
has 'many rows' '\|18\|' "$out"
at_most "the size of messages of many rows ($out)" 1100000 "${out%%|*}"
has 'a row that grows as JSON' ' more bytes' "$(run 3 "SELECT repeat(E'\\x01', 60000)")"
out=$(run 4 "DO \$\$ BEGIN FOR n IN 1..30 LOOP RAISE NOTICE '%', repeat('x', 1000000); END LOOP; END \$\$")
at_most "the size of notices ($out)" 1200000 "${out%%|*}"
has 'notices' '\([0-9]+ more\)' "$out"
# A truth is seen even in a large row.
sql "SET client_min_messages = error; SELECT migrations.add('5', 'verified', 'SELECT 1', verify => 'SELECT true, repeat(''x'', 60000000)'); SELECT FROM migrations.apply()" >/dev/null
sql "SET client_min_messages = error; SELECT migrations.add('6', 'failure', 'DO \$\$ BEGIN RAISE EXCEPTION ''%'', repeat(''x'', 1000000); END \$\$')" >/dev/null
error_of "$BIN/psql" -X -q -c "CALL migrations.apply_each()" >/dev/null
is 'the message of a failure' t "$(sql "SELECT max(length(message)) BETWEEN 65000 AND 66000 FROM migrations.history WHERE outcome = 'failure'")"
