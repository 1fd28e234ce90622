"""A transaction of a text's own with an isolation level: when another one was faster, it is run
again, as a whole. The same where the level is the session's default."""
import re

import pytest


@pytest.fixture
def table(database):
    database.value("""CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0);
        CREATE TABLE log (level text, n int)""")
    return database


def run_while_changed(database, call, **settings):
    """Runs a call while another session has changed the row; that one commits when the call waits."""
    other = database.session()
    other.execute("BEGIN; UPDATE t SET n = n + 100")
    run = database.start(call, **settings)
    database.wait_for(f"SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = {run.pid}")
    other.execute("COMMIT")
    return run


def test_own_transaction(table):
    table.value("""SELECT migrations.add('1', 'block', $up$INSERT INTO log VALUES ('before', 0);
        BEGIN ISOLATION LEVEL REPEATABLE READ;
        INSERT INTO log SELECT current_setting('transaction_isolation'), n FROM t;
        DO 'BEGIN UPDATE t SET n = n + 1; END';
        COMMIT;
        INSERT INTO log SELECT current_setting('transaction_isolation'), n FROM t$up$)""")
    # No try is left.
    run = run_while_changed(table, "CALL migrations.apply_each()", migrations__lock_retries=0)
    assert "could not serialize access" in run.end().diag.message_primary
    assert table.rows("SELECT * FROM log") == [("before", 0)]

    run = run_while_changed(table, "CALL migrations.apply_each()")
    run.finish()
    assert any(re.search(r"block.*could not serialize access.*trying again in .* \(1 of 5\)", n) for n in run.session.notices), run.session.notices
    assert table.rows("SELECT * FROM log") == [("before", 0), ("repeatable read", 200), ("read committed", 201)]
    assert table.rows("SELECT state FROM migrations.status()") == [("applied",)]


def test_default_level(table):
    table.value("""SELECT migrations.add('1', 'whole', $up$INSERT INTO log SELECT current_setting('transaction_isolation'), n FROM t;
        UPDATE t SET n = n + 1$up$)""")
    run = run_while_changed(table, "CALL migrations.apply_each()", default_transaction_isolation="serializable")
    run.finish()
    assert any(re.search(r"whole.*could not serialize access.*trying again", n) for n in run.session.notices), run.session.notices
    assert table.rows("SELECT * FROM log") == [("serializable", 100)]
    assert table.value("SELECT n FROM t") == 101
