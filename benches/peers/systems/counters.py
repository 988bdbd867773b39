"""Redis with hand-made counters: hashes of each minute and each hour, by model and by key and model.

Nothing but what was counted can be asked: another dimension, zone of odd minutes or quantile needs other counters.
"""

import collections
import datetime
import socket
import time

import machine
import questions
from questions import HOUR, MINUTE, CannotSay
from systems import buckets
from systems.peer import Load, Missing, Server, free_port

BULK = 10_000  # events that are summed up and sent as one transaction
TABLES = {"m": (MINUTE, lambda e: (e.model,)), "mh": (HOUR, lambda e: (e.model,)),
          "k": (MINUTE, lambda e: (e.key, e.model)), "kh": (HOUR, lambda e: (e.key, e.model))}


class Redis(Server):
    """`HINCRBY` on `<table>:<start>` with fields `<what>|<names>`, in a transaction for each batch."""

    transport = "TCP"
    durable = "appendfsync=always, one MULTI ... EXEC of HINCRBYs a batch"
    settings = "save \"\"; the client sums each batch up first and asks with pipelined HGETALLs"
    writers = 4

    def start(self):
        try:
            import hiredis
        except ImportError as error:
            raise Missing(f"hiredis: {error}") from error
        program = machine.program("redis-server")
        if program is None:
            raise Missing("redis-server (Debian package redis-server)")
        self.driver, self.program, self.port = hiredis, program, free_port()
        self.launch([program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "",
                     "--appendonly", "yes", "--appendfsync", "always", "--daemonize", "no"], self.connect)

    def connect(self):
        connection = Connection(self.driver, self.port)
        if isinstance(said := connection.ask([("PING",)])[0], Exception):
            raise said  # it is still loading
        return connection

    def attach(self):
        self.connections = [self.connect() for _ in range(self.writers)]
        self.db = self.connections[0]

    def stop(self):
        for connection in getattr(self, "connections", []):
            connection.socket.close()
        self.end()

    def version(self):
        info = self.db.ask([("INFO", "server")])[0].decode()
        return "Redis " + next(line.split(":")[1] for line in info.splitlines() if line.startswith("redis_version"))

    def bulk(self):
        start = time.process_time()
        batches = [self.prepare(chunk, number) for number, chunk in enumerate(self.data.chunks(BULK))]
        prepared, start = time.process_time() - start, time.perf_counter()
        for batch in batches:
            self.write(batch, 0)
        return Load(time.perf_counter() - start, prepared, f"a transaction for {BULK:,} events, summed up before")

    def prepare(self, events, number):
        commands = [("MULTI",), ("SADD", "models", *{event.model for event in events})]
        for table, (step, name) in TABLES.items():
            for (start, *names), sums in buckets.summed(events, name, step).items():
                commands += [("HINCRBY", f"{table}:{start}", "|".join((what, *names)), amount)
                             for what, amount in zip(buckets.WHATS, sums) if amount]
        commands.append(("EXEC",))
        return b"".join(map(self.driver.pack_command, commands)), len(commands)

    def write(self, batch, writer):
        replies = self.connections[writer].send(*batch)
        if isinstance(replies[-1], Exception):
            raise replies[-1]

    # Questions: whole hours from the counters of hours, the rest from those of minutes.

    def sums(self, minutes: str, hours: str, span) -> dict:
        """All groups of a span, summed up in the client."""
        names = covering(minutes, hours, span)
        groups = collections.defaultdict(lambda: [0, 0, 0, 0])
        for fields in self.db.ask([("HGETALL", name) for name in names]):
            for field, amount in zip(fields[::2], fields[1::2]):
                what, _, group = field.partition(b"|")
                groups[group][PLACES[what]] += int(amount)
        return {tuple(group.decode().split("|")): tuple(cell) for group, cell in groups.items()}

    def nothing(self):
        self.db.ask([("PING",)])

    def totals(self, span):
        return {(): tuple(map(sum, zip(*self.by_model(span).values())))}

    def by_model(self, span):
        return self.sums("m", "mh", span)

    def top_key_models(self, span):
        groups = self.sums("k", "kh", span)
        return dict(sorted(groups.items(), key=lambda item: -item[1][3])[:questions.TOP])

    def one_key(self, key, span):
        """Only the fields of that key, for each model that has been seen."""
        models = [model.decode() for model in self.db.ask([("SMEMBERS", "models")])[0]]
        fields = [f"{what}|{key}|{model}" for model in models for what in buckets.WHATS]
        cells = [0] * len(fields)
        for amounts in self.db.ask([("HMGET", name, *fields) for name in covering("k", "kh", span)]):
            cells = [cell + int(amount or 0) for cell, amount in zip(cells, amounts)]
        groups = {(model,): tuple(cells[place * 4:place * 4 + 4]) for place, model in enumerate(models)}
        return {group: cell for group, cell in groups.items() if cell[0]}

    def latency_by_model(self, span):
        raise CannotSay("counters have no quantiles")

    def cost_per_day(self, span):
        days = {}
        start = span.start
        while start < span.end:
            end = min(start + questions.DAY, span.end)  # Shanghai has no summer time
            day = datetime.datetime.fromtimestamp(start, questions.SHANGHAI).date().isoformat()
            days[(day,)] = (self.totals(questions.Span(start, end))[()][3],)
            start = end
        return days

    def statistics_page(self, spans):
        page = {name: self.totals(span)[()] for name, span in spans.items()}
        return {(name,): (calls - failures, failures) for name, (calls, failures, *_) in page.items()}


PLACES = {what.encode(): place for place, what in enumerate(buckets.WHATS)}


def covering(minutes: str, hours: str, span) -> list[str]:
    """The names of the fewest hashes that make up a span of whole minutes."""
    names, at = [], span.start
    while at < span.end:
        whole = at % HOUR == 0 and at + HOUR <= span.end
        names.append(f"{hours if whole else minutes}:{at}")
        at += HOUR if whole else MINUTE
    return names


class Connection:
    """A socket that speaks Redis's protocol; requests may be packed beforehand."""

    def __init__(self, driver, port: int):
        self.driver = driver
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = driver.Reader()

    def send(self, packed: bytes, count: int) -> list:
        """Sends commands together and takes their replies."""
        self.socket.sendall(packed)
        replies = []
        while len(replies) < count:
            reply = self.reader.gets()
            if reply is False:
                self.reader.feed(self.socket.recv(1 << 20))
            else:
                replies.append(reply)
        return replies

    def ask(self, commands: list[tuple]) -> list:
        return self.send(b"".join(map(self.driver.pack_command, commands)), len(commands))
