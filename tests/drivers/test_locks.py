"""Locks of tables: a stepwise run gives way, tries again, and says who was in its way."""
import re
import time
from contextlib import contextmanager

import pytest

APPLY_EACH = "CALL migrations.apply_each()"
TIMEOUT = "canceling statement due to lock timeout"


@pytest.fixture
def table(database):
    """A table, and 200 ms for the locks of migrations in all sessions that connect from now on."""
    database.value("CREATE TABLE t (id int, v text); INSERT INTO t SELECT g, 'x' || g FROM generate_series(1, 1000) g")
    database.value(f"ALTER DATABASE {database.name} SET migrations.lock_timeout = '200ms'")
    return database


def add(database, version, name, up, down="SELECT 1", more=""):
    database.value(f"SELECT migrations.add(%s, %s, %s, %s{more})", [version, name, up, down])


@contextmanager
def transaction(database, statement):
    """Within it, a transaction of another session is open, which has run the statement."""
    other = database.session()
    other.execute(f"BEGIN; {statement}")
    yield other
    other.execute("COMMIT")


def reader(database):
    return transaction(database, "SELECT count(*) FROM t")


def writer(database):
    return transaction(database, "UPDATE t SET v = v WHERE id = 1")


def call(database, statement=APPLY_EACH, **settings):
    """Makes a call in a session of its own, and gives its notices."""
    session = database.session(**settings)
    session.rows(statement)
    return "\n".join(session.notices)


def call_fails(database, statement=APPLY_EACH, **settings):
    return database.session(**settings).fails(statement)


def waits_for_transactions(database, run):
    """Waits until CREATE INDEX CONCURRENTLY, or the like, waits for an older transaction."""
    database.wait_for(f"SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = {run.pid}")


def test_gives_way(table):
    """A long reader, and others that wait for the waiting ALTER TABLE."""
    add(table, "001", "column", "ALTER TABLE t ADD a int", "ALTER TABLE t DROP a")
    other = table.session()
    longest = 0.0
    with reader(table):
        run = table.start(APPLY_EACH)
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            started = time.monotonic()
            other.rows("SELECT count(*) FROM t")
            longest = max(longest, time.monotonic() - started)
            assert run.is_alive(), run.error
    run.finish()
    assert longest < 1
    notices = "\n".join(run.session.notices)
    assert re.search(rf"NOTICE:  001 \(column\): {TIMEOUT}; trying again in [0-9.]+ s \(1 of 5\)", notices), notices
    assert "NOTICE:  applied 001" in notices
    assert table.value("SELECT count(*) FROM migrations.history WHERE action = 'apply'") == 1


def test_gives_up(table):
    """A transaction that does not end in time."""
    add(table, "002", "column", 'SELECT 1; ALTER TABLE public."t" ADD b int', "ALTER TABLE t DROP b")
    with reader(table):
        error = call_fails(table, migrations__lock_retries=1)
        assert error.diag.message_primary == TIMEOUT
        assert re.match(r"Process \d+ of user postgres holds a lock on public.t, in a transaction since .*: BEGIN; SELECT count", error.diag.message_detail)
        assert "migration 002 (column) of project default, statement 2 of 2, line 1" in error.diag.context
        assert table.rows("SELECT version, outcome, sqlstate, statement_no FROM migrations.history WHERE outcome = 'failure'") == [("002", "failure", "55P03", 2)]
        assert table.rows("SELECT state, message FROM migrations.status() WHERE version = '002'") == [("failed", f"{TIMEOUT} (55P03), statement 2, line 1")]
        # A function does not try again, but does not wait for ever either; a caller's own limit wins.
        assert call_fails(table, "SELECT version FROM migrations.apply()").diag.message_primary == TIMEOUT
        error = call_fails(table, lock_timeout=50, migrations__lock_timeout=0, migrations__lock_retries=0)
        assert error.diag.message_primary == TIMEOUT
    assert "applied 002" in call(table)
    # The failure is history.
    assert table.rows("SELECT message FROM migrations.status() WHERE version = '002'") == [(None,)]


def test_index_waits(table):
    """CREATE INDEX CONCURRENTLY waits for a transaction much longer than the limit."""
    add(table, "003", "index", "CREATE INDEX CONCURRENTLY t_v ON t (v)", "DROP INDEX CONCURRENTLY t_v")
    started = time.monotonic()
    with writer(table):
        run = table.start(APPLY_EACH)
        waits_for_transactions(table, run)
        time.sleep(1)
        assert run.is_alive(), run.error
    run.finish()
    assert time.monotonic() - started > 0.8
    assert any("applied 003" in notice for notice in run.session.notices)
    assert table.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_v'::regclass") is True


def test_index_of_another_session(table):
    """An index that somebody else builds on the table is left alone."""
    add(table, "004", "unique", "CREATE UNIQUE INDEX CONCURRENTLY ON t ((id % 2))")
    assert 'could not create unique index "t_expr_idx"' in call_fails(table).diag.message_primary
    with writer(table):
        other = table.start("CREATE INDEX CONCURRENTLY t_id_idx ON t (id)")
        table.wait_for("SELECT count(*) > 0 FROM pg_stat_progress_create_index WHERE index_relid = (SELECT oid FROM pg_class WHERE relname = 't_id_idx')")
        error = call_fails(table)
        assert re.match(r"index public.t_expr_idx is not valid, and process \d+ is at work on its table", error.diag.message_primary)
    other.finish()
    assert table.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_id_idx'::regclass") is True
    table.value("SELECT migrations.mark_pending('004'); DROP INDEX t_expr_idx; SELECT migrations.remove('004')")


def test_detach_is_finished(table):
    """DETACH PARTITION CONCURRENTLY that was cut off between its two transactions is finished."""
    table.value("CREATE TABLE whole (id int) PARTITION BY LIST (id); CREATE TABLE part PARTITION OF whole FOR VALUES IN (1)")
    add(table, "004", "detach", "SET statement_timeout = 500; ALTER TABLE whole DETACH PARTITION part CONCURRENTLY")
    with transaction(table, "SELECT count(*) FROM whole"):
        assert "canceling statement due to statement timeout" in call_fails(table).diag.message_primary
        assert table.value("SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = 'part'::regclass") is True
    assert "applied 004" in call(table)
    assert table.value("SELECT count(*) FROM pg_inherits WHERE inhrelid = 'part'::regclass") == 0


def test_two_runs(table):
    """The second run waits for the first, which builds an index, and finds nothing left to do; a
    function does not wait."""
    add(table, "005", "index", "CREATE INDEX CONCURRENTLY t_two ON t (v, id)")
    add(table, "006", "more", "CREATE TABLE six ()")
    in_use = 'migrations of project "default" are in use by another session'
    with writer(table):
        first = table.start(APPLY_EACH)
        table.wait_for(f"SELECT query LIKE 'migrations: 1/2 005%' FROM pg_stat_activity WHERE pid = {first.pid}")
        second = table.start(APPLY_EACH)
        table.wait_for(f"SELECT wait_event = 'Extension' FROM pg_stat_activity WHERE pid = {second.pid}")
        assert call_fails(table, "SELECT FROM migrations.apply()").diag.message_primary == in_use
        assert call_fails(table, migrations__run_wait="100ms").diag.message_primary == in_use
        error = call_fails(table, migrations__run_wait="60s", statement_timeout="500ms")
        assert error.diag.message_primary == "canceling statement due to statement timeout"
        assert re.match(r'Migrations of project "default" were in use by another session. Process \d+ of user', error.diag.message_detail)
        assert table.rows("SELECT FROM migrations.status() WHERE state IN ('blocked', 'interrupted', 'failed')") == []
    first.finish()
    second.finish()
    assert any("applied 006" in notice for notice in first.session.notices)
    assert any("nothing to do: project default is at version 006" in notice for notice in second.session.notices)
    assert table.rows("SELECT version FROM migrations.history WHERE action = 'apply' AND outcome = 'success' ORDER BY seq") == [("005",), ("006",)]
    assert table.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


def test_cancelled_and_terminated(table):
    """What is finished stays, and the next call continues."""
    add(table, "007", "seven", "CREATE TABLE seven ()")
    add(table, "008", "eight", "CREATE TABLE eight (); SELECT pg_sleep(30)")
    # The first one can keep no record, so it comes before what leaves one.
    for how, state in [("terminate", "pending"), ("cancel", "failed")]:
        run = table.start(APPLY_EACH)
        table.wait_for(f"SELECT query LIKE 'migrations: %/% 008%, statement 2/2' FROM pg_stat_activity WHERE pid = {run.pid}")
        assert table.value(f"SELECT pg_{how}_backend({run.pid})") is True
        assert run.end() is not None
        table.wait_for("SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory'")
        assert table.rows("SELECT to_regclass('seven')::text, to_regclass('eight'), state FROM migrations.status() WHERE version = '008'") == [("seven", None, state)]
    assert table.rows("SELECT sqlstate FROM migrations.history WHERE version = '008' AND outcome = 'failure'") == [("57014",)]
    add(table, "008", "eight", "CREATE TABLE eight ()", more=", replace => true")
    assert "applied 008" in call(table)


def test_cancelled_between_tries(table):
    """Cancelled in the pause between two tries, it is on record as well."""
    add(table, "009", "nine", "ALTER TABLE t ADD nine int")
    with reader(table):
        run = table.start(APPLY_EACH, migrations__lock_timeout="50ms", migrations__lock_retries=100)
        table.wait_for(f"SELECT wait_event = 'Extension' FROM pg_stat_activity WHERE pid = {run.pid}")
        table.value(f"SELECT pg_cancel_backend({run.pid})")
        assert run.end().diag.message_primary == "canceling statement due to user request"
    assert table.rows("SELECT sqlstate FROM migrations.history WHERE version = '009' AND outcome = 'failure'") == [("57014",)]


def test_block(table):
    """A block waits for a table's lock no longer than the limit says."""
    add(table, "010", "block", "DO $$BEGIN ALTER TABLE t ADD ten int; END$$", more=", transactional => false")
    with reader(table):
        started = time.monotonic()
        assert TIMEOUT in call_fails(table).diag.message_primary
        assert time.monotonic() - started < 1.5
    assert "applied 010" in call(table)
