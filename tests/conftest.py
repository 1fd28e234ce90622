"""What tests in Python use: a database with the extension, sessions in it, and waiting.

The runner (tests/tools/test) starts the cluster and gives its address in the environment:
PGHOST, PGPORT, PGUSER, and BIN, RUN and ROOT as for tests in shell.
"""
import os
import re
import threading
import time

import psycopg
import pytest
from psycopg import sql

WAIT_SECONDS = 60


class Session(psycopg.Connection):
    """A connection in autocommit mode, as psql's. A query without parameters is one simple
    query, which may hold several statements. `notices` collects what the server sends."""

    notices: list

    def rows(self, query, parameters=None):
        """All rows of the last statement; an empty list if it gives none."""
        cursor = self.execute(query, parameters)
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description else []

    def value(self, query, parameters=None):
        """The first column of the first row, or None."""
        rows = self.rows(query, parameters)
        return rows[0][0] if rows and rows[0] else None

    def fails(self, query, parameters=None):
        """The error of a query that has to fail: `sqlstate`, `diag.message_primary`, ..."""
        with pytest.raises(psycopg.Error) as raised:
            self.rows(query, parameters)
        return raised.value


class Run(threading.Thread):
    """A query that runs in a session of its own while the test goes on."""

    def __init__(self, session, query):
        super().__init__(daemon=True)
        self.session, self.query = session, query
        self.pid = session.info.backend_pid
        self.rows, self.error = None, None
        self.start()

    def run(self):
        try:
            self.rows = self.session.rows(self.query)
        except psycopg.Error as error:
            self.error = error

    def finish(self):
        """Waits for the end, and gives the rows; an error of the query is raised here."""
        self.end()
        if self.error:
            raise self.error
        return self.rows

    def end(self):
        """Waits for the end, however it comes, and gives the error or None."""
        self.join(WAIT_SECONDS)
        assert not self.is_alive(), f"still running: {self.query}"
        return self.error


class Database:
    """A database of the test's own, with the extension in it."""

    def __init__(self, name):
        self.name = name
        self.sessions = []
        with psycopg.connect(dbname="postgres", autocommit=True) as server:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        self.admin = self.session()
        self.admin.execute("CREATE EXTENSION pg_migrations")

    def session(self, user=None, **parameters):
        """Connects. Parameters are libpq's (application_name, ...) or settings of the server."""
        settings = {k: v for k, v in parameters.items() if "__" in k or k in SETTINGS}
        for name in settings:
            del parameters[name]
        # A point in the name of a setting is written as two underscores.
        options = " ".join(f"-c {name.replace('__', '.')}={value}" for name, value in settings.items())
        session = Session.connect(dbname=self.name, user=user or os.environ["PGUSER"], options=options, autocommit=True, **parameters)
        session.notices = []
        session.add_notice_handler(lambda notice: session.notices.append(f"{notice.severity_nonlocalized}:  {notice.message_primary}"))
        self.sessions.append(session)
        return session

    def rows(self, query, parameters=None):
        return self.admin.rows(query, parameters)

    def value(self, query, parameters=None):
        return self.admin.value(query, parameters)

    def fails(self, query, parameters=None):
        return self.admin.fails(query, parameters)

    def start(self, query, **parameters):
        """Starts a query in a session of its own; parameters are those of session()."""
        return Run(self.session(**parameters), query)

    def wait_for(self, query):
        """Waits until the query gives true."""
        until = time.monotonic() + WAIT_SECONDS
        while (found := self.value(query)) is not True:
            assert time.monotonic() < until, f"waited in vain (the last answer was {found!r}) for: {query}"
            time.sleep(0.02)

    def close(self):
        for session in self.sessions:
            session.close()


# Settings of the server that tests give when they connect; those of the extension have two
# underscores.
SETTINGS = {"default_transaction_isolation", "statement_timeout", "lock_timeout", "client_min_messages"}


@pytest.fixture
def database(request):
    """A new database for each test function."""
    module = request.module.__name__.rpartition(".")[2].removeprefix("test_")
    name = re.sub(r"\W+", "_", f"py_{module}_{request.node.name.removeprefix('test_')}").lower()[:63]
    made = Database(name)
    yield made
    made.close()


def pytest_runtest_logreport(report):
    """What is skipped is counted by the runner."""
    if report.skipped:
        with open(os.path.join(os.environ["RUN"], "skipped"), "a") as skipped:
            skipped.write(f"{report.longrepr[2].removeprefix('Skipped: ')}\n")
