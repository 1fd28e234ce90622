"""A client on PostgreSQL's own protocol, without libpq. It behaves as the test wants it:

    wire.py simple SQL              one simple query, as a web editor sends it: shows the
                                    rows of the last statement, the error, and no notices
    wire.py extended SQL [SQL…]     each by Parse, Bind, Execute and Sync, unnamed
    wire.py named SQL [SQL…]        the same with named prepared statements, run twice
    wire.py pipeline SQL [SQL…]     all before a single Sync

It connects to $PGHOST (a folder), $PGPORT, $PGDATABASE as $PGUSER, without a password.
While it waits, SIGUSR1 has it close its socket, SIGUSR2 send a cancel request, as clients
do whose time is up. Ends with 1 after an error.
"""
import os
import signal
import socket
import struct
import sys

ADDRESS = "%s/.s.PGSQL.%s" % (os.environ["PGHOST"], os.environ["PGPORT"])


def connect():
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(ADDRESS)
    return connection


def message(kind, body=b""):
    return kind + struct.pack("!i", len(body) + 4) + body


def text(*parts):
    return b"".join(part.encode() + b"\0" for part in parts)


class Client:
    def __init__(self):
        self.socket = connect()
        self.input = self.socket.makefile("rb")
        self.key = None
        start = struct.pack("!i", 196608) + text(
            "user", os.environ["PGUSER"], "database", os.environ["PGDATABASE"],
            "application_name", "editor") + b"\0"
        self.socket.sendall(struct.pack("!i", len(start) + 4) + start)
        self.failed = False
        self.answer()
        signal.signal(signal.SIGUSR1, self.leave)
        signal.signal(signal.SIGUSR2, self.cancel)

    def leave(self, *_):
        # Not even a Terminate message.
        os.close(self.socket.fileno())
        os._exit(3)

    def cancel(self, *_):
        with connect() as other:
            other.sendall(struct.pack("!ii", 16, 80877102) + self.key)
            other.recv(1)

    def send(self, *messages):
        self.socket.sendall(b"".join(messages))

    def answer(self):
        """Reads up to ReadyForQuery; shows the rows of the last statement."""
        rows = []
        while True:
            kind = self.input.read(1)
            if not kind:
                print("connection lost")
                self.failed = True
                return
            body = self.input.read(struct.unpack("!i", self.input.read(4))[0] - 4)
            if kind == b"T":
                rows = []
            elif kind == b"D":
                row, at = [], 2
                for _ in range(struct.unpack_from("!h", body)[0]):
                    length = struct.unpack_from("!i", body, at)[0]
                    at += 4
                    row.append("" if length < 0 else body[at:at + length].decode())
                    at += max(length, 0)
                rows.append("|".join(row))
            elif kind == b"E":
                fields = {part[:1]: part[1:].decode() for part in body.split(b"\0") if part}
                print("%s: %s" % (fields[b"C"], fields[b"M"]))
                if b"H" in fields:
                    print("HINT: " + fields[b"H"])
                self.failed = True
            elif kind == b"R" and struct.unpack_from("!i", body)[0] != 0:
                sys.exit("a password is asked for")
            elif kind == b"K":
                self.key = body
            elif kind == b"Z":
                if not self.failed:
                    print("".join(row + "\n" for row in rows), end="", flush=True)
                return

    def simple(self, sql):
        self.send(message(b"Q", text(sql)))
        self.answer()

    @staticmethod
    def run(name):
        return (message(b"B", text("", name) + struct.pack("!hhh", 0, 0, 0))
                + message(b"D", b"P" + text(""))
                + message(b"E", text("") + struct.pack("!i", 0)))

    def extended(self, *statements):
        for sql in statements:
            parse = message(b"P", text("", sql) + struct.pack("!h", 0))
            self.send(parse, self.run(""), message(b"S"))
            self.answer()

    def named(self, *statements):
        for number, sql in enumerate(statements):
            name = "s%d" % number
            self.send(message(b"P", text(name, sql) + struct.pack("!h", 0)), message(b"S"))
            self.answer()
            for _ in range(2):
                self.send(self.run(name), message(b"S"))
                self.answer()

    def pipeline(self, *statements):
        self.send(*(message(b"P", text("", sql) + struct.pack("!h", 0)) + self.run("")
                    for sql in statements), message(b"S"))
        self.answer()


client = Client()
getattr(client, sys.argv[1])(*sys.argv[2:])
sys.exit(1 if client.failed else 0)
