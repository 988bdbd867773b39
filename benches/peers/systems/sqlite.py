"""SQLite: a request log as gemini-balance and one-hub keep it, in the process of the gateway."""

import sqlite3
import time

from systems.peer import Load, seconds
from systems.sql import Sql

BULK = 50_000  # rows of a transaction


class Sqlite(Sql):
    """The table alone, as in gemini-balance: every question reads it all."""

    durable = "journal_mode=WAL, synchronous=FULL, one transaction a batch"
    settings = "cost as integer billionths (SQLite has no decimals); cache_size 64 MB"
    shanghai_day = "date(ts, 'unixepoch', '+8 hours')"
    indexes: tuple = ()

    def start(self):
        self.folder.mkdir()
        self.db = sqlite3.connect(self.folder / "log.db", isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=FULL")
        self.db.execute("PRAGMA cache_size=-65536")
        self.db.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, key TEXT, user TEXT, "
                        "provider TEXT, model TEXT, status INTEGER, latency_us INTEGER, input_tokens INTEGER, "
                        "output_tokens INTEGER, cost INTEGER)")
        for columns in self.indexes:
            self.db.execute(f"CREATE INDEX log_{columns.replace(', ', '_')} ON log ({columns})")

    def stop(self):
        self.db.close()

    def version(self):
        return f"SQLite {sqlite3.sqlite_version}"

    def bulk(self):
        took, busy, start = 0.0, 0.0, time.process_time()
        for number, chunk in enumerate(self.data.chunks(BULK)):
            batch, before = self.prepare(chunk, number), time.process_time()
            took += seconds(self.write, batch, 0)
            busy += time.process_time() - before
        return Load(took, time.process_time() - start - busy, f"executemany, a transaction for {BULK:,} rows")

    def prepare(self, events, number):
        return [tuple(event) for event in events]

    def write(self, batch, writer):
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany("INSERT INTO log (ts, key, user, provider, model, status, latency_us, input_tokens, "
                            "output_tokens, cost) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", batch)
        self.db.execute("COMMIT")

    def settle(self):
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.db.execute("ANALYZE")

    def rows(self, sql, parameters=()):
        return self.db.execute(sql, parameters).fetchall()

    def nano(self, cost):
        return cost

    def latency_by_model(self, span):
        """SQLite has no quantiles: the value of the nearest rank, by window functions."""
        ranked = "SELECT model, latency_us, row_number() OVER (PARTITION BY model ORDER BY latency_us) AS rank, " \
                 "count(*) OVER (PARTITION BY model) AS n FROM log"
        picks = ", ".join(f"max(CASE WHEN rank = (n * {percent} + 99) / 100 THEN latency_us END)"
                          for percent in (50, 95, 99))
        clause, bounds = self.where(span)
        return {(model,): tuple(values) for model, *values in
                self.rows(f"SELECT model, {picks} FROM ({ranked} {clause}) GROUP BY model", bounds)}


class SqliteIndexed(Sqlite):
    """The table with the indexes that one-hub has for its pages."""

    indexes = ("ts", "key, ts", "model, ts")
    settings = f"{Sqlite.settings}; indexes on (ts), (key, ts), (model, ts)"
