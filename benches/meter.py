"""What a command costs, on the clock, in processor time of client and server, in WAL and memory."""

import os
import resource
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Cost:
    """Seconds, bytes and counts of one run."""
    wall: float
    client: float
    server: float
    wal: int
    commits: int
    # The most private memory that any process of the server had, in kB.
    memory: int
    # How busy the rest of the machine was meanwhile: processor seconds per second.
    others: float
    output: str = field(repr=False, default="")


def stat(pid):
    text = Path(f"/proc/{pid}/stat").read_text()
    values = text[text.rindex(")") + 2:].split()
    # Number 4 of the line is values[1]: the parent. 14 to 17 are the times.
    return int(values[1]), [int(v) / TICK for v in values[11:15]]


class Server:
    """A private cluster: its postmaster, and the way to ask it."""

    def __init__(self, psql, postmaster):
        self.psql, self.postmaster = psql, postmaster

    def sql(self, text, database="postgres"):
        command = [self.psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", text]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"error: {text}: {done.stderr}")
        return done.stdout.strip()

    def children(self):
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    parent, times = stat(name)
                except OSError:
                    continue
                if parent == self.postmaster:
                    yield name, times

    def processor(self):
        """The processor seconds of all of its processes, those that have ended included."""
        _, own = stat(self.postmaster)
        return sum(own) + sum(times[0] + times[1] for _, times in self.children())

    def memory(self):
        """The most private memory of a process, in kB."""
        most = 0
        for pid, _ in self.children():
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            for line in status.splitlines():
                if line.startswith("RssAnon:"):
                    most = max(most, int(line.split()[1]))
        return most

    def counters(self, database):
        wal = int(self.sql("SELECT pg_current_wal_insert_lsn() - '0/0'"))
        commits = int(self.sql(f"SELECT xact_commit FROM pg_stat_database WHERE datname = '{database}'"))
        return wal, commits


def busy():
    """Processor seconds of the whole machine, without idle time."""
    values = [int(v) / TICK for v in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return sum(values) - values[3] - values[4]


def measure(server, database, command, environment, folder):
    """Runs a command and gives its cost. An error of it ends the measurement."""
    server.sql("CHECKPOINT")
    wal, commits = server.counters(database)
    most, ended = [0], threading.Event()

    def watch():
        while not ended.wait(0.05):
            most[0] = max(most[0], server.memory())

    watcher = threading.Thread(target=watch)
    machine, processor = busy(), server.processor()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    watcher.start()
    start = time.monotonic()
    done = subprocess.run(command, env={**os.environ, **environment}, cwd=folder, capture_output=True, text=True)
    wall = time.monotonic() - start
    ended.set()
    watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    client = after.ru_utime + after.ru_stime - children.ru_utime - children.ru_stime
    own = server.processor() - processor
    others = max(0.0, busy() - machine - own - client) / wall
    if done.returncode:
        raise SystemExit(f"error: {' '.join(map(str, command))}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    wal_after, commits_after = server.counters(database)
    return Cost(wall, client, own, wal_after - wal, commits_after - commits, most[0], others, done.stdout)
