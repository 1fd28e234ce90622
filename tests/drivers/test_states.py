"""What status() says while a migration runs, and once a run was cut off."""
import re
from contextlib import contextmanager

import pytest

LOCK = "locktype = 'advisory' AND objid = 7"


@contextmanager
def held(database):
    """Within it, a migration that asks for advisory lock 7 waits."""
    holder = database.session()
    holder.execute("BEGIN; SELECT pg_advisory_xact_lock(7)")
    yield
    holder.execute("COMMIT")


def start(database, call):
    """Starts a call, and returns once its migration waits for the lock."""
    run = database.start(call)
    database.wait_for(f"SELECT count(*) > 0 FROM pg_locks WHERE {LOCK} AND NOT granted AND pid = {run.pid}")
    return run


def state(session, version):
    return session.rows("SELECT state, message FROM migrations.status() WHERE version = %s", [version])[0]


@pytest.fixture
def reader(database):
    """A session of a role that may do nothing but look at the status."""
    database.admin.execute("""CREATE ROLE states_reader; GRANT USAGE ON SCHEMA migrations TO states_reader;
        GRANT EXECUTE ON FUNCTION migrations.status(text) TO states_reader""")
    session = database.session()
    session.execute("SET ROLE states_reader")
    yield session
    database.admin.execute("DROP OWNED BY states_reader; DROP ROLE states_reader")


def test_running(database, reader):
    database.value("""SELECT migrations.add('1', 'one', 'SELECT pg_advisory_xact_lock(7); SELECT 1/(SELECT count(*) FROM pg_class WHERE relname = ''there'')',
        'SELECT pg_advisory_xact_lock(7)')""")
    # It has failed before: while it runs, that is not what is said.
    database.fails("CALL migrations.apply_each()")
    found, message = state(database, "1")
    assert found == "failed" and message.startswith("division by zero")
    database.admin.execute("CREATE TABLE there ()")
    for call in ["CALL migrations.apply_each()", "SELECT FROM migrations.apply()"]:
        with held(database):
            run = start(database, call)
            found, message = state(database, "1")
            assert found == "running" and message.startswith(f"process {run.pid} since")
            found, message = state(reader, "1")
            assert found == "running" and re.match(rf"process {run.pid} since 20[0-9-]+ [0-9:]+ ", message)
        run.finish()
        assert state(database, "1") == ("applied", None)
        with held(database):
            run = start(database, call.replace("apply", "rollback"))
            found, message = state(database, "1")
            assert found == "running" and message.startswith(f"its rollback, process {run.pid} since 20")
        run.finish()
        assert state(database, "1") == ("pending", None)
    assert database.value("SELECT count(*) FROM pg_locks WHERE locktype IN ('advisory', 'userlock')") == 0

    # Killed: nothing stale.
    with held(database):
        run = start(database, "CALL migrations.apply_each()")
        database.value(f"SELECT pg_terminate_backend({run.pid})")
        database.wait_for("SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'userlock'")
        assert state(database, "1")[0] == "pending"
        assert run.end().sqlstate == "57P01"
    database.rows("CALL migrations.apply_each()")
    assert state(database, "1") == ("applied", None)


def test_interrupted_block(database):
    """A block that has committed a part is cut off: it is interrupted until people decide."""
    database.value("""CREATE TABLE n (i int);
        SELECT migrations.add('2', 'two', $up$SELECT 1;
            DO $$BEGIN INSERT INTO n VALUES (1); COMMIT; PERFORM pg_advisory_xact_lock(7); END$$; SELECT 2$up$)""")
    interrupted = "statement 2, DO, may have committed a part of its work: mark_statement_done() or retry()"
    for how in ["cancel", "terminate"]:
        with held(database):
            run = start(database, "CALL migrations.apply_each()")
            found, message = state(database, "2")
            assert found == "running" and message.startswith("process")
            database.value(f"SELECT pg_{how}_backend({run.pid})")
            assert run.end().sqlstate == {"cancel": "57014", "terminate": "57P01"}[how]
        found, message = state(database, "2")
        assert found == "interrupted" and message.startswith(interrupted)
        error = database.fails("CALL migrations.apply_each()")
        assert error.diag.message_primary.startswith("statement 2 of migration 2 (two) of project default was interrupted")
        found, message = state(database, "2")
        assert found == "interrupted" and message.startswith(interrupted)
        assert f"interrupted: {interrupted}" in database.value("SELECT reason FROM migrations.plan() WHERE version = '2'")
        # The cancel is not forgotten.
        assert ("last error: canceling statement due to user request (57014)" in message) == (how == "cancel")
        database.value("SELECT migrations.retry('2')")
        assert state(database, "2") == ("pending", "after statement 1; the next stepwise run continues")
        assert database.value("SELECT reason FROM migrations.plan() WHERE version = '2'").startswith("pending: after statement 1")
    database.admin.notices.clear()
    database.rows("CALL migrations.apply_each()")
    assert any("applied 2" in notice for notice in database.admin.notices)
    assert state(database, "2") == ("applied", None)
