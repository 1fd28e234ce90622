"""Clients as people have them: a web editor that sends several statements as one query, shows
the rows of the last one and gives up after a while; and a role with few rights."""
import os
import socket

import psycopg
import pytest

GATE = """CREATE TABLE gate (is_open boolean);
    CREATE PROCEDURE wait_for_gate() LANGUAGE plpgsql AS $$
        BEGIN LOOP EXIT WHEN EXISTS (SELECT FROM public.gate WHERE is_open); PERFORM pg_sleep(0.02); END LOOP; END $$;
    INSERT INTO gate VALUES (true)"""


@pytest.fixture
def editor(database):
    """A session of an administrator who is no superuser, with what the README says that a role needs."""
    database.value(GATE)
    database.value(f"""CREATE ROLE editor LOGIN CREATEDB CREATEROLE BYPASSRLS;
        ALTER DATABASE {database.name} OWNER TO editor;
        GRANT USAGE ON SCHEMA migrations TO editor;
        GRANT EXECUTE ON ALL ROUTINES IN SCHEMA migrations TO editor;
        GRANT SELECT ON migrations.history, migrations.backups TO editor;
        GRANT SELECT ON gate TO editor;
        GRANT ALL ON SCHEMA public TO editor""")
    yield database.session("editor")
    for session in database.sessions[1:]:
        session.close()
    database.value("REASSIGN OWNED BY editor TO postgres; DROP OWNED BY editor; DROP ROLE editor")


def test_several_statements(database, editor):
    """One query of several statements: one transaction, and the rows of the last one."""
    assert editor.rows("""SELECT migrations.add('001', 'one', 'CREATE TABLE m_001 (id int)', 'DROP TABLE m_001');
        SELECT migrations.add('002', 'two', 'SELECT migrations.keep(''m_001''); CREATE TABLE m_002 (id int); SET search_path = pg_temp', 'DROP TABLE m_002');
        SELECT version, name, direction FROM migrations.apply()""") == [("001", "one", "up"), ("002", "two", "up")]
    # Nothing to do: no rows, no error.
    assert editor.rows("SELECT version FROM migrations.apply()") == []
    assert editor.value("CALL migrations.apply_each()") == 0
    assert editor.value("SELECT count(*) FROM migrations.redo(); SHOW search_path") == '"$user", public'
    assert editor.value("SELECT count(*) FROM migrations.backups") == 2
    assert editor.rows("SELECT DISTINCT effective_role FROM migrations.history") == [("editor",)]

    # One of them fails: nothing of the query is there.
    error = editor.fails("""SELECT migrations.add('003', 'three', 'CREATE TABLE m_003 (id int)');
        SELECT migrations.add('004', 'four', 'SELECT 1/0');
        SELECT * FROM migrations.apply()""")
    assert (error.sqlstate, error.diag.message_primary, error.diag.message_hint) == ("22012", "division by zero", None)
    assert database.rows("SELECT migrations.version(), to_regclass('m_003'), (SELECT count(*) FROM migrations.status())") == [("002", None, 2)]
    error = editor.fails("SELECT migrations.add('003', 'three', 'CREATE TABLE m_003 (id int)'); CALL migrations.apply_each()")
    assert error.sqlstate == "25001"
    assert error.diag.message_primary.startswith("CALL migrations.apply_each() cannot run inside a transaction block")
    assert error.diag.message_hint.startswith("Send the CALL as a statement of its own")
    assert database.value("SELECT count(*) FROM migrations.status()") == 2


def test_rights(editor):
    """All other calls that a deployment can need, as this role; and no more than that."""
    assert editor.rows("""
        SELECT migrations.set_project('side', search_path => 'public', settings => '{"lock_timeout": "5s"}');
        SELECT migrations.add('001', 'one', 'CREATE TABLE one (id int)', 'DROP TABLE one');
        SELECT migrations.add('002', 'two', 'SELECT migrations.keep(''one'')', 'SELECT 1');
        SELECT migrations.add('001', 'side', 'CREATE TABLE side (id int); CREATE ROLE side_role', 'DROP TABLE side; DROP ROLE side_role', project => 'side');
        SELECT * FROM migrations.apply_all(); SELECT * FROM migrations.plan(); SELECT * FROM migrations.verify();
        SELECT * FROM migrations.mark_pending('001', 'side'); SELECT * FROM migrations.mark_applied('001', 'side');
        SELECT migrations.export_bundle('side'); SELECT * FROM migrations.reset('side', 'side');
        SELECT migrations.remove('001', 'side'); SELECT migrations.next_version('side');
        SELECT migrations.forget(backup) FROM migrations.backups; SELECT version FROM migrations.apply()""") == []
    error = editor.fails("SELECT * FROM migrations.migration")
    assert (error.sqlstate, error.diag.message_primary) == ("42501", "permission denied for table migration")


def close_socket(session):
    """Ends a connection without a word to the server, as a client does whose process ends."""
    with socket.socket(fileno=os.dup(session.fileno())) as connection:
        connection.shutdown(socket.SHUT_RDWR)


def there(database, project):
    """Which tables of a project there are, and which of its migrations are applied: the same."""
    tables = database.rows(f"SELECT n FROM generate_series(1, 3) n WHERE to_regclass('{project}_' || n) IS NOT NULL ORDER BY n")
    applied = database.rows("SELECT version::int FROM migrations.status(%s) WHERE state = 'applied' ORDER BY 1", [project])
    assert tables == applied
    return [n for (n,) in tables]


def give_up(database, project, how, call):
    """Gives a call up while its second migration waits for the gate; gives the client's error."""
    database.value(f"""SELECT migrations.add('001', 'first', 'CREATE TABLE {project}_1 (id int)', project => '{project}');
        SELECT migrations.add('002', 'second', 'CREATE TABLE {project}_2 (id int); CALL wait_for_gate()', project => '{project}');
        SELECT migrations.add('003', 'third', 'CREATE TABLE {project}_3 (id int)', project => '{project}');
        UPDATE gate SET is_open = false""")
    database.value(f"ALTER ROLE editor SET client_connection_check_interval = '{'10ms' if how == 'checked' else '0'}'")
    run = database.start(call, user="editor")
    waits = f"FROM pg_stat_activity WHERE pid = {run.pid} AND query LIKE 'migrations: 2/3 002 second, statement 2%'"
    database.wait_for(f"SELECT EXISTS (SELECT {waits})")
    if how == "cancel":
        run.session.cancel()
    else:
        close_socket(run.session)
    error = run.end()
    if how == "closed":
        # The server does not know yet, and continues.
        assert database.value(f"SELECT count(*) {waits}") == 1
        database.value("UPDATE gate SET is_open = true")
    if how == "cancel":
        run.session.close()
    database.wait_for(f"SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {run.pid})")
    database.value("UPDATE gate SET is_open = true")
    return error


@pytest.mark.parametrize("how", ["cancel", "closed", "checked"])
def test_given_up(database, editor, how):
    """The request is given up while a run is under way: by a cancel, by closing the socket, or by
    closing it where the server looks after its clients."""
    error = give_up(database, "a", how, "SELECT * FROM migrations.apply(project => 'a')")
    assert there(database, "a") == []
    if how == "cancel":
        assert (error.sqlstate, error.diag.message_primary) == ("57014", "canceling statement due to user request")
    error = give_up(database, "e", how, "CALL migrations.apply_each(project => 'e')")
    if how == "cancel":
        assert (error.sqlstate, error.diag.message_primary) == ("57014", "canceling statement due to user request")
    # If it was closed, the second one had begun to send what it had to report.
    assert there(database, "e") == ([1, 2] if how == "closed" else [1])
    # What the user sees then, and how it continues.
    state = {"cancel": "failed", "closed": "applied", "checked": "pending"}[how]
    assert editor.value("SELECT string_agg(version || ' ' || state, ', ') FROM migrations.status('e')") == f"001 applied, 002 {state}, 003 pending"
    assert editor.rows("SELECT version FROM migrations.apply(project => 'a')") == [("001",), ("002",), ("003",)]
    assert editor.value("CALL migrations.apply_each(project => 'e')") in (1, 2)
    assert there(database, "e") == [1, 2, 3]
    assert database.value("SELECT count(*) FROM migrations.history WHERE project = 'e' AND action = 'apply' AND outcome = 'success'") == 3


def test_prepared_call(database):
    """A CALL that a driver has prepared. The abort of a failed step releases the plan of the statement."""
    session = database.sessions[0]
    database.value("SELECT migrations.add('1', 'good', 'CREATE TABLE prepared_1 ()'), migrations.add('2', 'bad', 'SELECT 1 / 0')")
    for _ in range(2):
        with pytest.raises(psycopg.errors.DivisionByZero):
            session.execute("CALL migrations.apply_each()", prepare=True)
    database.value("SELECT migrations.add('2', 'bad', 'VACUUM prepared_1; SELECT 1 / 0', replace => true)")
    with pytest.raises(psycopg.errors.DivisionByZero):
        session.execute("CALL migrations.apply_each()", prepare=True)
    assert database.rows("SELECT version, state FROM migrations.status()") == [("1", "applied"), ("2", "failed")]
    assert database.value("SELECT count(*) FROM migrations.history WHERE sqlstate = '22012'") >= 1
    database.value("SELECT migrations.add('2', 'bad', 'VACUUM prepared_1; SELECT 1', replace => true)")
    assert session.execute("CALL migrations.apply_each()", prepare=True).fetchall()[0][0] == 1
