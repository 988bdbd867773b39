"""PostgreSQL: the same request log in a server of its own."""

import os
import pathlib
import pwd
import shutil
import subprocess
import time

import machine
from events import csv_line
from systems.peer import Load, Missing, Server, free_port, text_bodies
from systems.sql import Sql

BULK = 1 << 20  # bytes of COPY data at a time


class Postgres(Server, Sql):
    """The table alone."""

    transport = "unix socket"
    durable = "fsync=on, synchronous_commit=on, one COPY and one commit a batch"
    settings = "shared_buffers=1GB, work_mem=64MB, max_wal_size=4GB; cost numeric(18,9)"
    writers = 4
    mark = "%s"
    shanghai_day = "(to_timestamp(ts) AT TIME ZONE 'Asia/Shanghai')::date"
    indexes: tuple = ()

    def start(self):
        try:
            import psycopg
        except ImportError as error:
            raise Missing(f"psycopg: {error}") from error
        self.driver = psycopg
        self.programs = programs()
        self.folder.mkdir()
        self.cluster, self.port = self.folder / "cluster", free_port()
        owner = self.hand_over()
        subprocess.run([self.programs / "initdb", "-D", self.cluster, "-U", "bench", "-A", "trust", "-E", "UTF8",
                        "--locale=C"], check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **owner)
        options = {"port": self.port, "listen_addresses": "", "unix_socket_directories": self.folder, "fsync": "on",
                   "synchronous_commit": "on", "shared_buffers": "1GB", "work_mem": "64MB", "max_wal_size": "4GB"}
        command = [self.programs / "postgres", "-D", self.cluster]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self.launch(command, self.connect, cwd=self.folder, **owner)
        self.db.execute("CREATE TABLE log (id bigserial PRIMARY KEY, ts bigint NOT NULL, key text, \"user\" text, "
                        "provider text, model text, status int, latency_us bigint, input_tokens bigint, "
                        "output_tokens bigint, cost numeric(18,9))")
        for columns in self.indexes:
            self.db.execute(f"CREATE INDEX ON log ({columns})")

    def hand_over(self) -> dict:
        """PostgreSQL refuses to run as root: then as `postgres`, or `nobody`, who gets the folder."""
        if os.geteuid() != 0:
            return {}
        known = {entry.pw_name for entry in pwd.getpwall()}
        account = pwd.getpwnam("postgres" if "postgres" in known else "nobody")
        shutil.chown(self.folder, account.pw_uid, account.pw_gid)
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def connect(self):
        return self.driver.connect(host=str(self.folder), port=self.port, user="bench", dbname="postgres",
                                   autocommit=True)

    def attach(self):
        self.writing = [self.connect() for _ in range(self.writers)]
        self.db = self.connect()

    def stop(self):
        for connection in [*getattr(self, "writing", []), getattr(self, "db", None)]:
            if connection is not None:
                connection.close()
        self.end()

    def version(self):
        return f"PostgreSQL {self.rows('SHOW server_version')[0][0].split()[0]}"

    def bulk(self):
        start = time.process_time()
        bodies = text_bodies(self.data.csv, BULK, head=True)
        prepared = time.process_time() - start
        start = time.perf_counter()
        self.copy(self.db, bodies)
        return Load(time.perf_counter() - start, prepared, "one COPY ... FROM STDIN (FORMAT csv)")

    def copy(self, connection, bodies):
        with connection.cursor() as cursor:
            with cursor.copy("COPY log (ts, key, \"user\", provider, model, status, latency_us, input_tokens, "
                             "output_tokens, cost) FROM STDIN (FORMAT csv)") as copy:
                for body in bodies:
                    copy.write(body)

    def prepare(self, events, number):
        return "".join(map(csv_line, events)).encode()

    def write(self, batch, writer):
        self.copy(self.writing[writer], [batch])

    def settle(self):
        self.db.execute("VACUUM ANALYZE log")
        self.db.execute("CHECKPOINT")

    def rows(self, sql, parameters=()):
        return self.db.execute(sql, parameters).fetchall()

    def latency_by_model(self, span):
        clause, bounds = self.where(span)
        quantiles = "percentile_disc(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY latency_us)"
        return {(model,): tuple(values) for model, values in
                self.rows(f"SELECT model, {quantiles} FROM log {clause} GROUP BY model", bounds)}


class PostgresIndexed(Postgres):
    """The table with indexes for the usual pages."""

    indexes = ("ts", "key, ts", "model, ts")
    settings = f"{Postgres.settings}; indexes on (ts), (key, ts), (model, ts)"


def programs() -> pathlib.Path:
    """The folder of `initdb` and `postgres`: Debian keeps it off the PATH."""
    roots = [pathlib.Path("/"), pathlib.Path(os.environ.get("PEERS_DEBIAN", "/"))]
    debian = sorted((path for root in roots for path in root.glob("usr/lib/postgresql/*/bin")), reverse=True)
    found = machine.program("initdb", *map(str, debian))
    if found is None:
        raise Missing("initdb (Debian package postgresql-15)")
    return pathlib.Path(found).resolve().parent
