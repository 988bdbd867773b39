"""ClickHouse, as the library chdb: the same table in columns, in the process of whoever asks."""

import decimal
import json

from events import csv_line
from systems.peer import Load, Missing, seconds
from systems.sql import Sql


class ClickHouse(Sql):
    """A MergeTree in the order of time."""

    durable = "fsync_after_insert=1, fsync_part_directory=1, one INSERT a batch"
    settings = "MergeTree ORDER BY ts; names LowCardinality(String), cost Decimal(18,9)"
    shanghai_day = "toString(toDate(toDateTime(ts, 'Asia/Shanghai')))"

    def start(self):
        try:
            from chdb import session
        except ImportError as error:
            raise Missing(f"chdb: {error}") from error
        self.session = session.Session(str(self.folder))
        self.session.query("CREATE DATABASE gateway")
        self.session.query("USE gateway")
        names = ", ".join(f"{column} LowCardinality(String)" for column in ("key", "user", "provider", "model"))
        self.session.query(f"CREATE TABLE log (ts UInt32, {names}, status UInt16, latency_us UInt32, input_tokens "
                           "UInt32, output_tokens UInt32, cost Decimal(18, 9)) ENGINE = MergeTree ORDER BY ts "
                           "SETTINGS fsync_after_insert = 1, fsync_part_directory = 1")

    def stop(self):
        self.session.close()

    def version(self):
        return f"ClickHouse {self.rows('SELECT version()')[0][0]} (chdb)"

    def bulk(self):
        insert = f"INSERT INTO log SELECT * FROM file('{self.data.csv}', CSVWithNames)"
        return Load(seconds(self.session.query, insert), 0.0, "one INSERT ... SELECT FROM file(the CSV file)")

    def prepare(self, events, number):
        return "INSERT INTO log FORMAT CSV\n" + "".join(map(csv_line, events))

    def write(self, batch, writer):
        self.session.query(batch)

    def rows(self, sql, parameters=()):
        for parameter in parameters:
            sql = sql.replace("?", repr(parameter), 1)  # numbers, and names without quotes
        answer = self.session.query(f"{sql} SETTINGS output_format_json_quote_decimals = 1, "
                                    "output_format_json_quote_64bit_integers = 0", "JSONCompact")
        return [tuple(row) for row in json.loads(answer.bytes())["data"]]

    def nano(self, cost):
        return int(decimal.Decimal(cost).scaleb(9))

    def latency_by_model(self, span):
        clause, bounds = self.where(span)
        return {(model,): tuple(values) for model, values in
                self.rows(f"SELECT model, quantilesExact(0.5, 0.95, 0.99)(latency_us) FROM log {clause} "
                          "GROUP BY model", bounds)}
