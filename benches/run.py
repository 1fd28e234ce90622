"""Measures pg_migrations beside psql, a plpgsql loop and other tools. `make bench` calls it.

Each round runs all contenders of a piece of work, beginning with another one each time, each in a
new database. A round during which other processes were busy is repeated. What is compared is the
median of the rounds, within this run. After each run the schema must be that of psql.
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

import chart
import contenders
import meter
import workload

# Processor seconds per second of other processes from which on a run counts as disturbed.
DISTURBED = 0.25


class Bench:
    def __init__(self, arguments):
        self.root = Path(__file__).resolve().parent.parent
        self.bin, self.port = Path(arguments.bin), arguments.port
        self.tools, self.work = Path(arguments.tools), Path(arguments.work)
        self.server = meter.Server(str(self.bin / "psql"), arguments.postmaster)
        self.n, self.folder = 0, None

    def psql(self, database, *arguments):
        return [str(self.bin / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, *arguments]

    def run(self, command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"error: {command}: {done.stderr[-2000:]}")

    def of_size(self, n):
        self.n, self.folder = n, self.work / f"files-{n}"
        workload.folders(self.folder, n)
        subprocess.run(["chmod", "-R", "a+rX", self.work], check=True)

    def schema(self, database):
        command = [self.bin / "pg_dump", "-s", "-d", database]
        for table in contenders.RECORDS:
            command += ["-T", f"{table}*"]
        command += ["-N", "migrations", "-N", "sqitch"]
        dump = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        ours = ("\\restrict", "\\unrestrict", "--", "CREATE EXTENSION", "COMMENT ON EXTENSION")
        return [line for line in dump.splitlines() if line and not line.startswith(ours)]

    def once(self, contender):
        """Prepares a database and measures the command in it. Gives cost and schema."""
        self.server.sql("DROP DATABASE IF EXISTS bench")
        self.server.sql("CREATE DATABASE bench")
        contender.prepare(self, "bench")
        folder = self.folder / "sqitch" if contender.tool == "sqitch" else self.work
        command = [str(part) for part in contender.command(self, "bench")]
        cost = meter.measure(self.server, "bench", command, contender.environment(self, "bench"), folder)
        return cost, self.schema("bench")

    def work_of(self, work, among, rounds):
        """The costs of all contenders of a piece of work, in rotated rounds."""
        costs, expected = {c.name: [] for c in among}, None
        for round_ in range(rounds):
            for k in range(len(among)):
                contender = among[(k + round_) % len(among)]
                for _ in range(3):
                    cost, schema = self.once(contender)
                    if cost.others < DISTURBED:
                        break
                costs[contender.name].append(cost)
                expected = expected or (schema, contender.name)
                if schema != expected[0]:
                    different = set(schema) ^ set(expected[0])
                    raise SystemExit(f"error: {work}: {contender.name} made another schema than {expected[1]}: "
                                     f"{sorted(different)[:5]}")
                print(f"{self.n:6} {work:36} {contender.name:24} {cost.wall * 1000:9.1f} ms", file=sys.stderr)
        return costs


def median(costs, what):
    return statistics.median(getattr(cost, what) for cost in costs)


def table(costs, n):
    """A table in Markdown; ratios are to the first contender."""
    lines = ["| | time | ratio | server CPU | ratio | client CPU | WAL | commits | server memory |", "|---|--:|--:|--:|--:|--:|--:|--:|--:|"]
    first = next(iter(costs.values()))
    for name, all_ in costs.items():
        get = lambda what: median(all_, what)
        ratio = lambda what: f"{get(what) / max(median(first, what), 1e-9):.2f}"
        lines.append(f"| {name} | {get('wall') * 1000:.0f} ms | {ratio('wall')} | {get('server') * 1000:.0f} ms | {ratio('server')} | "
                     f"{get('client') * 1000:.0f} ms | {get('wal') / 1e6:.1f} MB | {get('commits'):.0f} | {get('memory') / 1024:.0f} MB |")
    return "\n".join(lines)


def machine(bench, rounds):
    model = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "unknown processor")
    kind = subprocess.run(["stat", "-f", "-c", "%T", bench.work], capture_output=True, text=True).stdout.strip()
    return (f"PostgreSQL {bench.server.sql('SHOW server_version').split()[0]} with its default settings "
            f"(fsync {bench.server.sql('SHOW fsync')}, shared_buffers {bench.server.sql('SHOW shared_buffers')}), "
            f"{os.cpu_count()} processors ({model}), file system {kind}, {rounds} rounds.")


def main():
    parser = argparse.ArgumentParser()
    for name in ("bin", "tools", "work", "out"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--postmaster", type=int, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--n", default="1000")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    bench, out = Bench(arguments), Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    numbers = [int(n) for n in arguments.n.replace(",", " ").split()]
    only = arguments.only.split(",") if arguments.only else []
    all_ = [c for c in contenders.ALL if contenders.available(bench, c) and (not only or any(o in c.work for o in only))]
    works = list(dict.fromkeys(c.work for c in all_))
    text, growth = ["# Measurements", "", machine(bench, arguments.rounds), ""], {}
    for n in numbers:
        bench.of_size(n)
        for work in works:
            costs = bench.work_of(work, [c for c in all_ if c.work == work], arguments.rounds)
            text += [f"## {work}: {n} migrations", "", table(costs, n), ""]
            for name, found in costs.items():
                growth.setdefault(work, {}).setdefault(name, []).append(median(found, "wall") * 1000 / n)
            if n == 1000 or len(numbers) == 1:
                rows = [(name, median(found, "wall"), f"{median(found, 'wall') * 1000:.0f} ms") for name, found in costs.items()]
                name = "".join(c if c.isalnum() else "_" for c in work)
                (out / f"{name}.svg").write_text(chart.bars(f"{work}: {n} migrations", rows))
    if len(numbers) > 1:
        for work in (contenders.ATOMIC, contenders.EACH):
            if work in growth:
                name = "".join(c if c.isalnum() else "_" for c in work)
                (out / f"{name}_growth.svg").write_text(
                    chart.lines(f"{work}: milliseconds per migration", "migrations", numbers, growth[work]))
    (out / "measurements.md").write_text("\n".join(text))
    print("\n".join(text))


if __name__ == "__main__":
    main()
