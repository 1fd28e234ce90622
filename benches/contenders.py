"""The ways of doing one piece of work that are compared: each prepares a database, then is one command."""

import shutil
from dataclasses import dataclass
from typing import Callable

LOOP = """
CREATE TABLE bodies (version text PRIMARY KEY, body text);
CREATE TABLE record (version text, at timestamptz DEFAULT clock_timestamp());
CREATE TABLE log (id bigint GENERATED ALWAYS AS IDENTITY, version text, at timestamptz DEFAULT clock_timestamp());
"""
RUN_LOOP = (
    "DO $$ DECLARE m record; BEGIN FOR m IN SELECT * FROM bodies ORDER BY version LOOP "
    "EXECUTE m.body; INSERT INTO record (version) VALUES (m.version); INSERT INTO log (version) VALUES (m.version); "
    "END LOOP; END $$"
)
OURS = "CREATE EXTENSION pg_migrations"
# Where the schema is compared, what tools keep for themselves is left out.
RECORDS = ["schema_migrations", "pgmigrations", "_sqlx_migrations", "refinery_schema_history", "alembic_version",
           "bodies", "record", "log"]


@dataclass
class Contender:
    """One way of doing a piece of work."""
    work: str
    name: str
    # Brings an empty database to where the measured command begins.
    prepare: Callable
    command: Callable
    environment: Callable = lambda bench, db: {}
    # What must be there: None for a tool that has not been installed.
    tool: str = ""


def nothing(bench, db):
    pass


def ours(bench, db):
    bench.server.sql(OURS, db)


def registered(bench, db):
    ours(bench, db)
    bench.server.sql(f"SELECT count(*) FROM migrations.load('{bench.folder}/paired')", db)


def applied(bench, db):
    registered(bench, db)
    bench.server.sql("SELECT count(*) FROM migrations.apply()", db)


def applied_by_psql(bench, db):
    bench.run(bench.psql(db, "-1", "-f", f"{bench.folder}/psql/all.sql"))


def bodies(bench, db):
    bench.server.sql(LOOP, db)
    bench.server.sql(OURS, db)
    bench.server.sql(
        f"SELECT count(*) FROM migrations.load('{bench.folder}/paired');"
        "INSERT INTO bodies SELECT version, up FROM migrations.migration; DROP EXTENSION pg_migrations", db)


def call(sql):
    return lambda bench, db: bench.psql(db, "-c", sql)


def psql(*arguments):
    return lambda bench, db: bench.psql(db, *(a.format(folder=bench.folder) for a in arguments))


def loader(then):
    def command(bench, db):
        load = f"PGDATABASE={db} sh {bench.root}/pg_migrations.sh load {bench.folder}/paired"
        return ["sh", "-c", f"{load} && {' '.join(bench.psql(db))} -c '{then}'" if then else load]
    return command


def loaded(bench, db):
    ours(bench, db)
    bench.run(loader("")(bench, db))


def url(bench, db, scheme="postgres"):
    return f"{scheme}://postgres@127.0.0.1:{bench.port}/{db}?sslmode=disable"


def alembic_url(bench, db):
    return {"ALEMBIC_URL": f"postgresql+psycopg2://postgres@127.0.0.1:{bench.port}/{db}",
            "PYTHONPATH": str(bench.tools / "python")}


FILES, ATOMIC, EACH = "files to schema", "apply, one transaction", "apply, a transaction each"
DOWN, DOWN_EACH = "roll back all", "roll back all, a transaction each"

ALL = [
    Contender(ATOMIC, "psql -1 -f", nothing, psql("-1", "-f", "{folder}/psql/all.sql")),
    Contender(ATOMIC, "plpgsql loop", bodies, call(RUN_LOOP)),
    Contender(ATOMIC, "apply()", registered, call("SELECT count(*) FROM migrations.apply()")),
    Contender(EACH, "psql, BEGIN and COMMIT", nothing, psql("-f", "{folder}/psql/each.sql")),
    Contender(EACH, "apply_each()", registered, call("CALL migrations.apply_each()")),
    Contender(DOWN, "psql -1 -f", applied_by_psql, psql("-1", "-f", "{folder}/psql/down.sql")),
    Contender(DOWN, "rollback(n)", applied,
              lambda bench, db: bench.psql(db, "-c", f"SELECT count(*) FROM migrations.rollback({bench.n})")),
    Contender(DOWN_EACH, "psql, BEGIN and COMMIT", applied_by_psql, psql("-f", "{folder}/psql/down_each.sql")),
    Contender(DOWN_EACH, "rollback_each(n)", applied,
              lambda bench, db: bench.psql(db, "-c", f"CALL migrations.rollback_each({bench.n})")),
    Contender(FILES, "psql -1 -f", nothing, psql("-1", "-f", "{folder}/psql/all.sql")),
    Contender(FILES, "load, apply()", ours, loader("SELECT count(*) FROM migrations.apply()")),
    Contender(FILES, "load, apply_each()", ours, loader("CALL migrations.apply_each()")),
    Contender(FILES, "dbmate", nothing, lambda bench, db: [
        bench.tools / "node_modules/.bin/dbmate", "--no-dump-schema", "--migrations-dir", f"{bench.folder}/dbmate", "up"],
        lambda bench, db: {"DATABASE_URL": url(bench, db)}, "node_modules/.bin/dbmate"),
    Contender(FILES, "node-pg-migrate", nothing, lambda bench, db: [
        bench.tools / "node_modules/.bin/node-pg-migrate", "up", "-m", f"{bench.folder}/node-pg-migrate"],
        lambda bench, db: {"DATABASE_URL": url(bench, db)}, "node_modules/.bin/node-pg-migrate"),
    Contender(FILES, "alembic", nothing, lambda bench, db: [
        "python3", "-m", "alembic", "-c", f"{bench.folder}/alembic/alembic.ini", "upgrade", "head"],
        alembic_url, "python/alembic"),
    Contender(FILES, "sqlx-cli", nothing, lambda bench, db: [
        bench.tools / "bin/sqlx", "migrate", "run", "--source", f"{bench.folder}/paired"],
        lambda bench, db: {"DATABASE_URL": url(bench, db)}, "bin/sqlx"),
    Contender(FILES, "refinery", nothing, lambda bench, db: [
        bench.tools / "bin/refinery", "migrate", "-e", "DATABASE_URL", "-p", f"{bench.folder}/refinery"],
        lambda bench, db: {"DATABASE_URL": url(bench, db, "postgresql").split("?")[0]}, "bin/refinery"),
    Contender(FILES, "sqitch", nothing, lambda bench, db: [
        "sqitch", "deploy", "--no-verify", f"db:pg://postgres@127.0.0.1:{bench.port}/{db}"],
        lambda bench, db: {"SQITCH_FULLNAME": "A Developer", "SQITCH_EMAIL": "developer@example.com",
                           "PWD": f"{bench.folder}/sqitch"}, "sqitch"),
    Contender("load files", "pg_migrations.sh load", ours, loader("")),
    Contender("load files again, unchanged", "pg_migrations.sh load", loaded, loader("")),
    Contender("nothing to do", "apply()", applied, call("SELECT count(*) FROM migrations.apply()")),
    Contender("nothing to do", "apply_each()", applied, call("CALL migrations.apply_each()")),
    Contender("look", "status()", applied, call("SELECT count(*) FROM migrations.status()")),
]


def available(bench, contender):
    """Whether the tool of a contender is installed."""
    if not contender.tool:
        return True
    return bool(shutil.which(contender.tool)) or (bench.tools / contender.tool).exists()
