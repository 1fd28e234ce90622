"""PgBouncer, in session and in transaction pooling: what works through it, what cannot and says
so, and that a run leaves the server's session as it was."""
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import psycopg
import pytest
from conftest import Database, Session

RUN = Path(os.environ["RUN"])
BIN = Path(os.environ["BIN"])
FOLDER = RUN / "pooler"
PORT = "6432"
POOLS = ["session", "transaction"]


def packages():
    """The folder with PgBouncer and its libraries; skips the test if it cannot be fetched."""
    fetch = 'source "$ROOT/tests/tools/fetch.sh"; fetch_packages pgbouncer pgbouncer libevent-2.1-7 libc-ares2'
    fetched = subprocess.run(["bash", "-c", fetch], stdout=subprocess.PIPE, text=True)
    if fetched.returncode != 0:
        pytest.skip(f"PgBouncer: {fetched.stdout.strip()}")
    return Path(fetched.stdout.strip())


@pytest.fixture(scope="module")
def server():
    """A database, and PgBouncer before it: one session for each pool, so that all clients share it."""
    folder = packages()
    libraries = next(folder.rglob("libcares.so.2")).parent
    bouncer = ["env", f"LD_LIBRARY_PATH={libraries}", str(folder / "usr/sbin/pgbouncer")]
    if os.getuid() == 0:
        bouncer = ["runuser", "-u", os.environ["SERVER_USER"], "--"] + bouncer
    version = subprocess.run(bouncer + ["--version"], capture_output=True, text=True)
    if version.returncode != 0:
        pytest.skip(f"PgBouncer: {version.stdout}{version.stderr}")
    database = Database("py_pooler")
    FOLDER.mkdir()
    if os.getuid() == 0:
        shutil.chown(FOLDER, os.environ["SERVER_USER"])
    (FOLDER / "users").write_text('"postgres" ""\n')
    pools = [f"{mode} = host={RUN} port={os.environ['PGPORT']} dbname={database.name} pool_mode={mode}" for mode in POOLS + ["statement"]]
    (FOLDER / "ini").write_text("\n".join(["[databases]", *pools, "[pgbouncer]", f"unix_socket_dir = {FOLDER}", "listen_addr =",
        f"listen_port = {PORT}", "auth_type = trust", f"auth_file = {FOLDER}/users", "default_pool_size = 1",
        f"logfile = {FOLDER}/log", f"pidfile = {FOLDER}/pid", ""]))
    subprocess.run(["chmod", "-R", "go+rX", FOLDER], check=True)
    subprocess.run(bouncer + ["-d", str(FOLDER / "ini")], check=True)
    until = time.monotonic() + 10
    while not (FOLDER / f".s.PGSQL.{PORT}").exists():
        assert time.monotonic() < until, (FOLDER / "log").read_text()
        time.sleep(0.02)
    yield database
    database.close()
    os.kill(int((FOLDER / "pid").read_text()), 15)


def connect(pool, **parameters):
    session = Session.connect(host=str(FOLDER), port=PORT, dbname=pool, user="postgres", autocommit=True, prepare_threshold=None, **parameters)
    session.notices = []
    return session


def simple(pool, *statements):
    """Runs each as a simple query; gives the rows of the last one."""
    with connect(pool) as session:
        return [session.rows(statement) for statement in statements][-1]


def extended(pool, *statements):
    """Runs each by Parse, Bind, Execute and Sync, as an unnamed statement; gives all rows."""
    with connect(pool) as session:
        cursors = [session.execute(statement, binary=True) for statement in statements]
        return [row for cursor in cursors if cursor.description for row in cursor.fetchall()]


def named(pool, statement):
    """Runs a named prepared statement twice; gives the rows of the second time."""
    with connect(pool) as session:
        session.execute(statement, prepare=True)
        return session.execute(statement, prepare=True).fetchall()


def pipeline(pool, *statements):
    """Sends all before a single Sync; gives the rows of the last one."""
    with connect(pool) as session:
        with session.pipeline():
            cursors = [session.execute(statement) for statement in statements]
        return cursors[-1].fetchall()


def psql(pool, *statements):
    """Runs each in a psql of its own; gives the rows of the last one, as texts."""
    for statement in statements:
        found = subprocess.run([BIN / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement], capture_output=True,
            text=True, env={**os.environ, "PGHOST": str(FOLDER), "PGPORT": PORT, "PGDATABASE": pool})
        assert found.returncode == 0, f"{statement}: {found.stderr}"
    return [tuple(line.split("|")) for line in found.stdout.splitlines()]


@pytest.mark.parametrize("client", [psql, simple, extended])
@pytest.mark.parametrize("pool", POOLS)
def test_all_calls(server, pool, client):
    project = f"{pool}_{client.__name__}"

    def first(statement):
        return str(client(pool, statement)[0][0])

    assert first(f"""SELECT migrations.add('001', 'one', 'SET search_path = pg_temp; SET statement_timeout = 99000; RESET search_path;
        CREATE TABLE {project} (id int)', 'DROP TABLE {project}', project => '{project}')""") == "added"
    assert first(f"""SELECT migrations.add('002', 'two', 'CREATE INDEX CONCURRENTLY ON {project} (id); SET work_mem = 99000',
        'DROP INDEX {project}_id_idx', project => '{project}')""") == "added"
    assert first(f"SELECT version FROM migrations.apply('001', project => '{project}')") == "001"
    count, run = client(pool, f"CALL migrations.apply_each(project => '{project}')")[0]
    assert str(count) == "1" and re.fullmatch("[0-9a-f-]{36}", str(run))
    assert first(f"SELECT string_agg(version || ' ' || state, ', ') FROM migrations.status('{project}')") == "001 applied, 002 applied"
    assert first(f"SELECT version FROM migrations.rollback(1, '{project}')") == "002"
    assert first(f"CALL migrations.rollback_each(1, '{project}')") == "1"
    assert server.value(f"SELECT to_regclass('{project}')") is None


@pytest.mark.parametrize("pool", POOLS)
def test_as_drivers_send_it(server, pool):
    server.value(f"SELECT migrations.add('001', 'one', 'CREATE TABLE p_{pool} (id int)', project => 'bench_{pool}')")
    script = FOLDER / "script"
    script.write_text(f"CALL migrations.apply_each(project => 'bench_{pool}');\n")
    # PgBouncer before 1.21 loses prepared statements between transactions, whoever made them.
    for mode in ["extended"] if pool == "transaction" else ["extended", "prepared"]:
        ran = subprocess.run([BIN / "pgbench", "-n", "-t", "2", "-M", mode, "-f", script], capture_output=True, text=True,
            env={**os.environ, "PGHOST": str(FOLDER), "PGPORT": PORT, "PGDATABASE": pool})
        assert "number of transactions actually processed: 2/2" in ran.stdout, ran.stderr
    assert server.value(f"SELECT count(*) FROM migrations.history WHERE project = 'bench_{pool}' AND action = 'apply'") == 1


def test_named_statements(server):
    server.value("SELECT migrations.add('001', 'one', 'CREATE TABLE named (id int)', project => 'named')")
    assert named("session", "CALL migrations.apply_each(project => 'named')")[0][0] == 0


def test_pooling_by_statement(server):
    server.value("SELECT migrations.add('001', 'one', 'CREATE TABLE stmt (id int)', 'DROP TABLE stmt', project => 'stmt')")
    assert simple("statement", "CALL migrations.apply_each(project => 'stmt')")[0][0] == 1
    assert extended("statement", "SELECT version FROM migrations.redo(1, 'stmt')") == [("001",), ("001",)]


def test_options(server):
    """Settings at the start of a connection are refused by PgBouncer."""
    with pytest.raises(psycopg.OperationalError, match="unsupported startup parameter: options"):
        connect("session", options="-c migrations.project=stmt")


@pytest.fixture(scope="module")
def call(server):
    server.value("SELECT migrations.add('001', 'one', 'CREATE TABLE called (id int)', project => 'call')")
    return "CALL migrations.apply_each(project => 'call')"


def assert_refused(server, error):
    """A CALL that cannot commit says so, and what to do instead; nothing has run."""
    assert error.sqlstate == "25001"
    assert error.diag.message_primary.startswith("CALL migrations.apply_each() cannot run inside a transaction block")
    assert re.fullmatch(r"Send the CALL as a statement of its own; or do all in one transaction: SELECT \* FROM migrations\.apply\(project => .*\);",
        error.diag.message_hint)
    assert server.rows("""SELECT to_regclass('mine'), (SELECT count(*) FROM migrations.history
        WHERE project = 'call' AND action <> 'add')""") == [(None, 0)]


@pytest.mark.parametrize("pool", POOLS)
def test_inside_a_transaction(server, call, pool):
    """A CALL among others, whose work would be committed with it, is refused, and all is as before."""
    for client, statements in [
        (simple, [f"CREATE TABLE mine (id int); {call}"]),
        (simple, [f"{call}; CREATE TABLE mine (id int)"]),
        (extended, ["BEGIN", "CREATE TABLE mine (id int)", call]),
    ]:
        with pytest.raises(psycopg.Error) as raised:
            client(pool, *statements)
        assert_refused(server, raised.value)


def test_pipeline(server, call):
    """Statements in a pipeline are one transaction, too. Newer servers know that; older ones let a
    procedure commit there what comes before it."""
    major = int(re.search(r"\) (\d+)", subprocess.run([BIN / "postgres", "--version"], capture_output=True, text=True).stdout)[1])
    try:
        rows, error = pipeline("transaction", "CREATE TABLE mine (id int)", call), None
    except psycopg.Error as raised:
        rows, error = None, raised
    if major >= 18 or (major == 17 and error and error.sqlstate == "25001"):
        assert_refused(server, error)
    else:
        assert error is None and rows[0][0] == 1
        assert server.rows("SELECT to_regclass('mine')::text, to_regclass('called')::text") == [("mine", "called")]


STATE = """SELECT pg_backend_pid(), current_user, session_user,
    (SELECT md5(string_agg(format('%s=%s from %s', name, setting, source), ' ' ORDER BY name)) FROM pg_settings
        WHERE name NOT IN ('application_name', 'transaction_isolation', 'transaction_read_only', 'transaction_deferrable')),
    (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype NOT IN ('relation', 'virtualxid')),
    (SELECT string_agg(name, ' ') FROM pg_prepared_statements),
    (SELECT string_agg(name, ' ') FROM pg_cursors WHERE statement NOT LIKE '%pg_cursors%'),
    (SELECT string_agg(c, ' ') FROM pg_listening_channels() c),
    pg_my_temp_schema()::regnamespace, nullif(current_setting('app.tenant', true), '')"""


def test_nothing_is_left(server):
    """What a run leaves in the server's session that all clients of the pool share: nothing."""
    server.value("CREATE ROLE pooler_role; GRANT ALL ON SCHEMA public TO pooler_role")
    leaves = """SET search_path = pg_temp; SET statement_timeout = '1h'; SET lock_timeout = '1h'; SET session_replication_role = replica;
        SET app.tenant = '7'; SET ROLE pooler_role"""
    server.value(f"""SELECT migrations.add('001', 'atomic', $$SELECT 1; {leaves}$$, project => 'leaves');
        SELECT migrations.add('002', 'stepwise', $$SELECT pg_advisory_lock(77), pg_advisory_unlock_all(); {leaves}; RESET ROLE$$, project => 'leaves', transactional => false);
        SELECT migrations.add('003', 'fails', $${leaves}; SELECT 1/0$$, project => 'leaves', transactional => false);
        SELECT migrations.add('001', 'fails', $${leaves}; SELECT 1/0$$, project => 'leaves2')""")

    def state():
        return simple("transaction", STATE)

    before = state()
    assert before[0][1:3] == ("postgres", "postgres")
    assert state() == before
    assert extended("transaction", "SELECT version FROM migrations.apply('001', 'leaves')") == [("001",)]
    assert state() == before
    assert simple("transaction", "CALL migrations.apply_each('002', 'leaves')")[0][0] == 1
    assert state() == before
    for call in ["CALL migrations.apply_each(project => 'leaves')", "SELECT * FROM migrations.apply(project => 'leaves2')"]:
        with pytest.raises(psycopg.errors.DivisionByZero, match="^division by zero"):
            simple("transaction", call)
        assert state() == before
    # The check sees a difference.
    simple("transaction", "SET app.tenant = '8'; SET lock_timeout = 5")
    assert state() != before
    server.value("DROP OWNED BY pooler_role; DROP ROLE pooler_role")
