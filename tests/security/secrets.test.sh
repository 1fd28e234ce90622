# The value of a secret variable must not get into what is kept, logged or shown: errors of
# all kinds, notices, rows, the history, states, the server's log, other sessions' views.
new_database security_secrets
secret='S3cr3t Pa'"''"'ss\word of the vault'
value="S3cr3t Pa''ss\\word of the vault"
sql "SELECT placeholders FROM migrations.set_project(placeholders => '\${x}')" >/dev/null
is 'set' set "$("$BIN/psql" -X -q -A -t -v v="$value" <<<"SELECT migrations.set_variable('password', :'v', secret => true)")"
quoted=${value//\'/\'\'}
# Pieces of it, in any case and however quoted.
lacks_secret() { lacks "$1" '[sS]3[cC][rR]3[tT]|[wW]ord of the vau|e vault' "$2"; }
is 'who is one' '{password}|{password}' "$(sql 'SELECT variables, secrets FROM migrations.set_project()')"
lacks_secret 'the event' "$(sql 'SELECT history FROM migrations.history')"
has 'the event' 'password \(secret\)' "$(sql "SELECT message FROM migrations.history WHERE action = 'set_variable'")"

all() { # version, body, what must be there
    local out
    mark_log
    sql "SELECT migrations.add('$1', 'uses it', \$m\$$2\$m\$, replace => true)" >/dev/null
    for call in 'SELECT * FROM migrations.apply()' 'CALL migrations.apply_each()'; do
        out=$("$BIN/psql" -X -v VERBOSITY=verbose -c "$call" 2>&1) || true
        has "$call of $2" "$3" "$out"
        lacks_secret "$call of $2" "$out"
    done
    lacks_secret "the log of $2" "$(log_since)"
    lacks_secret "the state after $2" "$(sql 'SELECT s FROM migrations.status() s; SELECT u FROM migrations.unfinished u; SELECT e FROM migrations.event e; SELECT p FROM migrations.plan() p')"
}
expand="'\${password}'"
all 001 "SELECT $expand::int" 'invalid input syntax for type integer: "\*\*\*"'
all 001 "SELECT lower($expand)::int" 'invalid input syntax for type integer: "\*\*\*"'
all 001 "SELECT x FROM \"\${password}\"" 'relation "\*\*\*" does not exist'
all 001 "CREATE TABLE x (n int, t text CHECK (t = '')); INSERT INTO x VALUES (1, $expand)" 'Failing row contains \(1, \*\*\*\)'
all 001 "CREATE TABLE x (n int, t text CHECK (t = '')); INSERT INTO x VALUES (1, repeat($expand, 9))" 'Failing row contains \(1, \*\*\*'
all 001 "DO \$x\$ BEGIN EXECUTE format('SELECT %L::int', $expand); END \$x\$" 'QUERY:  SELECT  ?E?.\*\*\*.::int|CONTEXT: '
all 001 "DO \$x\$ BEGIN EXECUTE format('SELECT %L, nothing', $expand); END \$x\$" 'column "nothing" does not exist'
all 001 "DO \$x\$ BEGIN RAISE EXCEPTION 'no %', $expand USING DETAIL = $expand, HINT = $expand; END \$x\$" 'no \*\*\*'
all 001 "DO \$x\$ BEGIN RAISE WARNING 'see %', $expand USING HINT = $expand; RAISE LOG 'see %', $expand; END \$x\$; SELECT 1/0" 'WARNING: .*see \*\*\*'
all 001 "DO \$x\$ BEGIN EXECUTE format('DO %L', 'BEGIN RAISE NOTICE ''inner''; END -- ' || $expand); END \$x\$; SELECT 1/0" 'NOTICE: .*inner'
all 001 "SELECT \${password}" 'syntax error at or near'
all 001 "DROP TABLE IF EXISTS \"\${password}\"; SELECT 1/0" 'division by zero'
all 001 "CREATE TABLE y (a int); COPY y FROM PROGRAM 'echo abc'; SELECT json_in(textin(unknownout($expand)))" 'invalid input syntax|cannot cast|echo|does not exist'
all 001 "SELECT ('{\"a\": ' || $expand)::json" 'JSON data, line 1'
all 001 "CREATE INDEX CONCURRENTLY i ON \"\${password}\" (x)" 'relation "\*\*\*" does not exist|cannot run inside a transaction'

# a row of the last statement, a notice in messages, conditions and verify
sql "SELECT migrations.add('001', 'rows', \$m\$DO \$x\$ BEGIN RAISE NOTICE 'n %', $expand; END \$x\$; SELECT 1 AS one, $expand AS p\$m\$, precondition => \$m\$DO \$x\$ BEGIN RAISE NOTICE 'p %', $expand; END \$x\$; SELECT true\$m\$, verify => \$m\$DO \$x\$ BEGIN IF nullif(current_setting('app.fail', true), 'no') = 'on' AND EXISTS (SELECT FROM migrations.history WHERE name = 'rows' AND action = 'apply') THEN RAISE EXCEPTION 'no %', $expand; END IF; END \$x\$\$m\$, replace => true)" >/dev/null
mark_log
out=$("$BIN/psql" -X -c "SET log_statement = 'all'; SET app.fail = 'on'" -c 'SELECT * FROM migrations.apply()' -c 'SELECT * FROM migrations.verify()' 2>&1)
lacks_secret 'rows' "$out"
has 'a row' '\\"p\\":\\"\*\*\*\\"' "$out"
has 'a notice' 'NOTICE: n \*\*\*' "$out"
has 'verify' 'no \*\*\* \(P0001\)' "$out"
sql "SELECT migrations.add('002', 'skips', 'SELECT 1', precondition => \$\$SELECT $expand::int\$\$, on_fail => 'skip')" >/dev/null
lacks_secret 'the reason of a skip' "$(sql 'SELECT messages FROM migrations.apply(); SELECT h FROM migrations.history h' 2>&1)"
sql "SELECT migrations.remove('002')" >/dev/null
lacks_secret 'log_statement' "$(log_since)"

# what other sessions see while it runs, a parallel worker's text among it
sql "CREATE TABLE big AS SELECT g FROM generate_series(1, 100000) g; ANALYZE big; ALTER TABLE big SET (parallel_workers = 2)
" >/dev/null
sql "SELECT migrations.add('003', 'parallel', \$\$CREATE TABLE seen AS SELECT a.query FROM pg_stat_activity a, (SELECT count(*) FROM big WHERE g % 3 = 1 AND $expand <> '') b; SELECT count(pg_sleep(0.01)) FROM big WHERE g % 1000 = 0 AND $expand <> ''\$\$)" >/dev/null
(PGOPTIONS='-c parallel_setup_cost=0 -c parallel_tuple_cost=0 -c min_parallel_table_scan_size=0' sql 'SELECT FROM migrations.apply()' >/dev/null 2>&1) &
for _ in $(seq 40); do
    sql "SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid()" >>"$RUN/activity"
    sleep 0.02
done
wait
has 'activity was seen' '003 parallel' "$(cat "$RUN/activity")"
lacks_secret 'activity' "$(cat "$RUN/activity")"
lacks_secret 'its own activity' "$(sql 'SELECT query FROM seen')"

# a bundle has the name, and not the value; it is a secret there, too, before it has a value
lacks_secret 'a bundle' "$(sql 'SELECT migrations.export_bundle()')"
is 'its name' '["password"]' "$(sql "SELECT migrations.export_bundle() -> 'secrets'")"
sql "SELECT FROM migrations.import_bundle(migrations.export_bundle(), 'copy')" >/dev/null 2>&1
sql "SELECT migrations.set_variable('password', 'another secret', 'copy')" >/dev/null
is 'imported' '{password}' "$(sql "SELECT secrets FROM migrations.set_project('copy')")"
has 'masked there' 'syntax for type integer: "\*\*\*"' "$(sql "SELECT migrations.remove(version, 'copy') FROM migrations.status('copy'); SELECT migrations.add('001', 'x', \$\$SELECT $expand::int\$\$, project => 'copy'); SELECT migrations.apply(project => 'copy')" 2>&1)"

# once a secret, always one, until somebody says otherwise; and only what can be masked
sql "SELECT migrations.set_variable('password', NULL); SELECT migrations.set_variable('password', 'new value')" >/dev/null
is 'still' '{password}' "$(sql 'SELECT secrets FROM migrations.set_project()')"
has 'too short' 'ERROR:  the value of secret variable "password" has fewer than 4 characters' "$(sql "SELECT migrations.set_variable('password', 'abc')" 2>&1 || true)"
has 'too long' 'ERROR:  the value of secret variable "password" is longer than 65536 bytes' "$(sql "SELECT migrations.set_variable('password', repeat('x', 65537))" 2>&1 || true)"
is 'nothing' set "$(sql "SELECT migrations.set_variable('password', '')")"
sql "SELECT migrations.set_variable('password', 'abc', secret => false)" >/dev/null
is 'no more' '{}' "$(sql 'SELECT secrets FROM migrations.set_project()')"

# as a bound parameter it isn't in the client's statement, which log_statement logs
if [ "$("$BIN/psql" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')" -ge 16 ]; then
    mark_log
    PGOPTIONS='-c log_statement=all -c log_parameter_max_length=0' "$BIN/psql" -X -q -A -t >/dev/null <<<"
SELECT migrations.set_variable('bound', \$1, secret => true) \\bind 'S3cr3t in a parameter' \\g"
    has 'bound' 'set_variable' "$(log_since)"
    lacks_secret 'bound' "$(log_since)"
    is 'it is set' t "$(sql "SELECT variables ->> 'bound' = 'S3cr3t in a parameter' FROM migrations.project WHERE name = 'default'")"
else
    skip 'psql has no \bind'
fi
