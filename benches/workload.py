"""The migrations that are measured, and the folders in which each tool expects them.

Of ten migrations, eight create a table with an identity column, a CHECK, an index and a comment;
one alters a table and creates a function; one inserts 100 rows.
"""

from pathlib import Path


def migration(i):
    """The up and the down script of the migration with this number, from 1."""
    kind = i % 10
    if kind == 8:
        return (
            f"ALTER TABLE t{i - 1} ADD COLUMN extra text DEFAULT 'x';\n"
            f"CREATE FUNCTION f{i}(a int) RETURNS int LANGUAGE sql AS 'SELECT a + {i}';\n",
            f"DROP FUNCTION f{i}(int);\nALTER TABLE t{i - 1} DROP COLUMN extra;\n",
        )
    if kind == 9:
        return (
            f"INSERT INTO t{i - 2} (name, amount) SELECT 'n' || g, g FROM generate_series(1, 100) g;\n",
            f"DELETE FROM t{i - 2};\n",
        )
    return (
        f"CREATE TABLE t{i} (\n"
        "    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n"
        "    name text NOT NULL,\n"
        "    amount int CHECK (amount >= 0),\n"
        "    made_at timestamptz DEFAULT now()\n"
        ");\n"
        f"CREATE INDEX t{i}_name ON t{i} (name);\n"
        f"COMMENT ON TABLE t{i} IS 'Table {i} of the measurement';\n",
        f"DROP TABLE t{i};\n",
    )


def version(i):
    """A version that all tools accept and order alike."""
    return f"{20200101000000 + i:014d}"


def write(folder, files):
    folder.mkdir(parents=True)
    for name, text in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def psql_files(base, n):
    """Whole runs as psql would do them: one transaction, one for each migration, and the downs."""
    both = [migration(i) for i in range(1, n + 1)]
    downs = [down for _, down in reversed(both)]
    each = "BEGIN;\n{}COMMIT;\n".format
    write(base / "psql", [
        ("all.sql", "".join(up for up, _ in both)),
        ("each.sql", "".join(each(up) for up, _ in both)),
        ("down.sql", "".join(downs)),
        ("down_each.sql", "".join(each(down) for down in downs)),
    ])


def paired(base, n):
    """Files NUMBER_name.up.sql and .down.sql: pg_migrations, golang-migrate, sqlx."""
    files = []
    for i in range(1, n + 1):
        up, down = migration(i)
        files += [(f"{version(i)}_m{i}.up.sql", up), (f"{version(i)}_m{i}.down.sql", down)]
    write(base / "paired", files)


def marked(folder, n, up_marker, down_marker):
    """Files with both scripts, each after a comment of the tool."""
    files = []
    for i in range(1, n + 1):
        up, down = migration(i)
        files.append((f"{version(i)}_m{i}.sql", f"-- {up_marker}\n{up}\n-- {down_marker}\n{down}"))
    write(folder, files)


def dbmate(base, n):
    marked(base / "dbmate", n, "migrate:up", "migrate:down")


def node_pg_migrate(base, n):
    marked(base / "node-pg-migrate", n, "Up Migration", "Down Migration")


def refinery(base, n):
    write(base / "refinery", [(f"V{i}__m{i}.sql", migration(i)[0]) for i in range(1, n + 1)])


def alembic(base, n):
    env = (
        "import os\nfrom alembic import context\nfrom sqlalchemy import create_engine, pool\n"
        "with create_engine(os.environ['ALEMBIC_URL'], poolclass=pool.NullPool).connect() as connection:\n"
        "    context.configure(connection=connection, transaction_per_migration=bool(os.environ.get('EACH')))\n"
        "    with context.begin_transaction():\n        context.run_migrations()\n"
    )
    files = [("alembic.ini", "[alembic]\nscript_location = %(here)s\n"), ("env.py", env)]
    for i in range(1, n + 1):
        up, down = migration(i)
        former = repr(version(i - 1)) if i > 1 else None
        # A driver's placeholders: no percent sign occurs in the texts.
        files.append((f"versions/{version(i)}_m{i}.py", (
            f"from alembic import op\nrevision = {version(i)!r}\ndown_revision = {former}\n"
            f"def upgrade():\n    op.get_bind().exec_driver_sql({up!r})\n"
            f"def downgrade():\n    op.get_bind().exec_driver_sql({down!r})\n"
        )))
    write(base / "alembic", files)


def sqitch(base, n):
    plan = ["%syntax-version=1.0.0", "%project=bench", ""]
    files = [("sqitch.conf", "[core]\n\tengine = pg\n")]
    for i in range(1, n + 1):
        up, down = migration(i)
        plan.append(f"m{i} 2020-01-01T00:00:00Z A Developer <developer@example.com> # Migration {i}")
        files += [(f"deploy/m{i}.sql", f"BEGIN;\n{up}COMMIT;\n"), (f"revert/m{i}.sql", f"BEGIN;\n{down}COMMIT;\n")]
    write(base / "sqitch", files + [("sqitch.plan", "\n".join(plan) + "\n")])


def folders(base: Path, n: int):
    """Writes the folders of all tools for n migrations."""
    if base.exists():
        return
    for make in (psql_files, paired, dbmate, node_pg_migrate, refinery, alembic, sqitch):
        make(base, n)
