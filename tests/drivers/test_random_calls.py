"""Calls at random, of all that changes the registry or what is applied. After each of them what
apply() would do, the plan and the status agree. SEED and STEPS in the environment repeat a run."""
import os
import random
from pathlib import Path

import psycopg

STEPS = int(os.environ.get("STEPS", 400))
SEED = int(os.environ.get("SEED", random.randrange(2**30)))
OPTIONS = [""] * 4 + [
    ", precondition => 'SELECT false', on_fail => 'skip'",
    ", precondition => 'SELECT false', on_fail => 'mark'",
    ", requires => ARRAY['3']",
    ", requires => ARRAY['extension:nowhere']",
    ", transactional => false",
]


class Calls:
    """Makes calls; which ones follows from the seed alone."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self):
        """A text that runs, fails, or stops halfway."""
        n = self.random.randrange(32768)
        return self.random.choice([
            "SELECT 1 / 0",
            f"CREATE INDEX CONCURRENTLY ON base (v); SELECT {n}; SELECT 1 / (SELECT count(*) FROM other)",
            "VACUUM other; SELECT 1 / (SELECT count(*) FROM other)",
            f"CREATE INDEX CONCURRENTLY ON base ((v + {n}))",
            f"DROP TABLE IF EXISTS o_{n}; VACUUM other",
        ] + [f"CREATE TABLE IF NOT EXISTS o_{n} ()"] * 4)

    def call(self):
        version = self.random.randint(1, 6)
        repeatable = self.random.randint(0, 1)
        steps = self.random.randint(1, 3)
        moment = self.random.choice(["changed", "changed", "before", "after"])
        option = self.random.choice(OPTIONS)
        up, down = self.text(), self.text()
        return self.random.choice(
            [f"SELECT migrations.add('{version}', 'm', $_${up}$_$, $_${down}$_${option})"] * 5
            + ["CALL migrations.apply_each()"] * 4
            + [f"CALL migrations.rollback_each({steps})"] * 2
            + [
                f"SELECT migrations.add('{version}', 'm', $_${up}$_$, $_${down}$_$, replace => true)",
                f"SELECT migrations.add_repeatable('r{repeatable}', $_${up}$_$, moment => '{moment}')",
                f"SELECT migrations.remove('{version}')",
                f"SELECT migrations.remove_repeatable('r{repeatable}')",
                "SELECT count(*) FROM migrations.apply()",
                f"SELECT count(*) FROM migrations.apply('{version}')",
                f"SELECT count(*) FROM migrations.apply(only_version => '{version}')",
                "SELECT count(*) FROM migrations.apply_all()",
                f"CALL migrations.apply_each(only_version => '{version}')",
                "SELECT count(*) FROM migrations.rollback(1)",
                "SELECT count(*) FROM migrations.redo()",
                "SELECT count(*) FROM migrations.reset('default', 'default')",
                f"SELECT count(*) FROM migrations.mark_applied('{version}')",
                f"SELECT count(*) FROM migrations.mark_pending('{version}')",
                "SELECT count(*) FROM migrations.mark_pending('r0')",
                f"SELECT count(*) FROM migrations.force('{version}')",
                f"SELECT count(*) FROM migrations.baseline('{version}')",
                f"SELECT count(*) FROM migrations.accept_changes('{version}')",
                "SELECT count(*) FROM migrations.accept_all_changes(confirm => (SELECT count(*)::int FROM migrations.status() WHERE state = 'modified'))",
                "INSERT INTO other VALUES (1)",
                "TRUNCATE other",
            ])


def test_apply_plan_and_status_agree(database):
    print(f"SEED={SEED} STEPS={STEPS}")
    calls = Calls(SEED)
    database.value(Path(os.environ["ROOT"], "tests/drivers/disagreement.sql").read_text())
    database.value("CREATE TABLE base (v int); INSERT INTO base VALUES (1), (1); CREATE TABLE other (v int)")
    session = database.session(client_min_messages="error")
    errors = []

    def make(call):
        print(call)
        try:
            session.rows(call)
        except psycopg.Error as error:
            errors.append(error.diag.message_primary or str(error))
            assert error.sqlstate not in (None, "XX000") and "internal" not in errors[-1], f"an internal error of {call}: {error}"

    make("SELECT FROM migrations.set_project(out_of_order => 'allow')")
    # One is half run in any case.
    make("SELECT migrations.add('3', 'm', 'VACUUM other; SELECT 1 / (SELECT count(*) FROM other)', 'VACUUM other; SELECT 1 / 0')")
    make("CALL migrations.apply_each()")
    make("SELECT count(*) FROM migrations.apply()")
    for step in range(1, STEPS + 1):
        if step % 25 == 0:
            make(f"SELECT FROM migrations.set_project(out_of_order => '{'allow' if step % 50 == 0 else 'error'}')")
        call = calls.call()
        make(call)
        assert session.value("SELECT disagreement()") is None, f"after {call}"
    assert any("is half run" in error for error in errors), "no migration was ever half run"
    # Whatever it has come to, there is a way to look at it.
    assert session.value("SELECT count(*) FROM migrations.journal") is not None
