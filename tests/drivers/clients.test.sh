# Clients as people have them: a web editor that sends several statements as one query,
# shows the rows of the last one and gives up after a while; a role with few rights; and
# the guide to all of this.
if ! command -v python3 >/dev/null; then skip 'no python3'; return; fi
new_database driver_clients
# An administrator who is no superuser, with what the README says that a role needs
sql "
CREATE ROLE editor LOGIN CREATEDB CREATEROLE BYPASSRLS;
ALTER DATABASE driver_clients OWNER TO editor;
GRANT USAGE ON SCHEMA migrations TO editor;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA migrations TO editor;
GRANT SELECT ON migrations.history, migrations.backups TO editor;
CREATE TABLE gate (is_open boolean);
CREATE PROCEDURE wait_for_gate() LANGUAGE plpgsql AS \$\$
    BEGIN LOOP EXIT WHEN EXISTS (SELECT FROM public.gate WHERE is_open); PERFORM pg_sleep(0.02); END LOOP; END \$\$;
INSERT INTO gate VALUES (true);
GRANT SELECT ON gate TO editor;
GRANT ALL ON SCHEMA public TO editor" >/dev/null
wire() { PGUSER=editor python3 "$ROOT/tests/drivers/wire.py" "$@" 2>&1; }
editor() { wire simple "$1" || true; }

# One query of several statements: one transaction, and the rows of the last one
out=$(editor "SELECT migrations.add('001', 'one', 'CREATE TABLE m_001 (id int)', 'DROP TABLE m_001');
SELECT migrations.add('002', 'two', 'SELECT migrations.keep(''m_001''); CREATE TABLE m_002 (id int); SET search_path = pg_temp', 'DROP TABLE m_002');
SELECT version, name, direction FROM migrations.apply()")
is 'several statements' $'001|one|up\n002|two|up' "$out"
is 'nothing to do: no rows, no error' '' "$(editor 'SELECT version FROM migrations.apply()')"
has 'a CALL shows a row' '^0\|$' "$(editor 'CALL migrations.apply_each()')"
is 'the settings are back' '"$user", public' "$(editor 'SELECT count(*) FROM migrations.redo(); SHOW search_path')"
is 'and what it kept is listed' '2' "$(editor 'SELECT count(*) FROM migrations.backups')"
is 'as whom' 'editor' "$(editor 'SELECT DISTINCT effective_role FROM migrations.history')"

# One of them fails: nothing of the query is there
out=$(editor "SELECT migrations.add('003', 'three', 'CREATE TABLE m_003 (id int)');
SELECT migrations.add('004', 'four', 'SELECT 1/0');
SELECT * FROM migrations.apply()")
is 'a failure' '22012: division by zero' "$out"
is 'nothing of it' '002||2' "$(sql "SELECT migrations.version(), to_regclass('m_003'), (SELECT count(*) FROM migrations.status())")"
out=$(editor "SELECT migrations.add('003', 'three', 'CREATE TABLE m_003 (id int)'); CALL migrations.apply_each()")
has 'a CALL among others' '^25001: CALL migrations\.apply_each\(\) cannot run inside a transaction block' "$out"
has 'a CALL among others: hint' '^HINT: Send the CALL as a statement of its own' "$out"
is 'nothing is registered' 2 "$(sql 'SELECT count(*) FROM migrations.status()')"

# All that a run can need: the rest of the calls, as this role
is 'other calls' '' "$(editor "
SELECT migrations.set_project('side', search_path => 'public', settings => '{\"lock_timeout\": \"5s\"}');
SELECT migrations.add('001', 'side', 'CREATE TABLE side (id int); CREATE ROLE side_role', 'DROP TABLE side; DROP ROLE side_role', project => 'side');
SELECT * FROM migrations.apply_all(); SELECT * FROM migrations.plan(); SELECT * FROM migrations.verify();
SELECT * FROM migrations.mark_pending('001', 'side'); SELECT * FROM migrations.mark_applied('001', 'side');
SELECT migrations.export_bundle('side'); SELECT * FROM migrations.reset('side', 'side');
SELECT migrations.remove('001', 'side'); SELECT migrations.next_version('side');
SELECT migrations.forget(backup) FROM migrations.backups; SELECT version FROM migrations.apply()")"
is 'no more than that' '42501: permission denied for table migration' "$(editor 'SELECT * FROM migrations.migration')"

# The request is given up while a run is under way: by a cancel, by closing the socket, or
# by closing it where the server looks after its clients
calls() { # project: its second migration waits for the gate
    sql "SELECT migrations.add('001', 'first', 'CREATE TABLE $1_1 (id int)', project => '$1');
         SELECT migrations.add('002', 'second', 'CREATE TABLE $1_2 (id int); CALL wait_for_gate()', project => '$1');
         SELECT migrations.add('003', 'third', 'CREATE TABLE $1_3 (id int)', project => '$1');
         UPDATE gate SET is_open = false" >/dev/null
}
# Which tables of a project are there, and which migrations are applied: the same.
there() {
    sql "SELECT coalesce(string_agg(n::text, ' '), 'none') FROM generate_series(1, 3) n WHERE to_regclass('$1_' || n) IS NOT NULL;
         SELECT coalesce(string_agg(right(version, 1), ' ' ORDER BY version), 'none') FROM migrations.status('$1') WHERE state = 'applied'" | uniq
}
give_up() { # project signal call [setting]
    local client session="application_name = 'editor' AND query LIKE 'migrations: 2/3 002 second, statement 2%'"
    calls "$1"
    sql "ALTER ROLE editor SET client_connection_check_interval = '${4:-0}'" >/dev/null
    PGUSER=editor python3 "$ROOT/tests/drivers/wire.py" simple "$3" >"$RUN/clients.out" 2>&1 &
    client=$!
    wait_for "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE $session)"
    kill "-$2" $client
    wait $client || true
    if [ -z "${4:-}" ] && [ "$2" = USR1 ]; then
        # Nobody has told the server.
        is "$1: goes on" 1 "$(sql "SELECT count(*) FROM pg_stat_activity WHERE $session")"
        sql 'UPDATE gate SET is_open = true' >/dev/null
    fi
    wait_for "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'editor')"
    sql 'UPDATE gate SET is_open = true' >/dev/null
}
for how in cancel closed checked; do
    case $how in cancel) with=(USR2) ;; closed) with=(USR1) ;; checked) with=(USR1 10ms) ;; esac
    give_up "a_$how" "${with[0]}" "SELECT * FROM migrations.apply(project => 'a_$how')" "${with[@]:1}"
    is "apply, $how" none "$(there "a_$how")"
    [ $how != cancel ] || is 'cancelled' '57014: canceling statement due to user request' "$(cat "$RUN/clients.out")"
    give_up "e_$how" "${with[0]}" "CALL migrations.apply_each(project => 'e_$how')" "${with[@]:1}"
    case $how in
    # The second one had begun to send what it had to tell.
    closed) is "apply_each, $how" '1 2' "$(there "e_$how")" ;;
    *) is "apply_each, $how" 1 "$(there "e_$how")" ;;
    esac
    # what the user sees then, and how it goes on
    case $how in cancel) state=failed ;; closed) state=applied ;; *) state=pending ;; esac
    [ $how != cancel ] || is 'cancelled each' '57014: canceling statement due to user request' "$(cat "$RUN/clients.out")"
    is "status, $how" "001 applied, 002 $state, 003 pending" "$(editor "SELECT string_agg(version || ' ' || state, ', ') FROM migrations.status('e_$how')")"
    is "apply goes on, $how" $'001\n002\n003' "$(editor "SELECT version FROM migrations.apply(project => 'a_$how')")"
    has "apply_each goes on, $how" '^[12]\|' "$(editor "CALL migrations.apply_each(project => 'e_$how')")"
    is "all there, $how" '1 2 3' "$(there "e_$how")"
    is "once, $how" 3 "$(sql "SELECT count(*) FROM migrations.history WHERE project = 'e_$how' AND action = 'apply' AND outcome = 'success'")"
done

# The guide, from its top
sql_in postgres 'CREATE DATABASE driver_clients_guide' >/dev/null
(export PGDATABASE=driver_clients_guide; sql 'CREATE EXTENSION pg_migrations' >/dev/null; check_document "$ROOT/docs/clients.md")
sql 'REASSIGN OWNED BY editor TO postgres; DROP OWNED BY editor; DROP ROLE editor' >/dev/null
