"""DuckDB: the same table in columns, in the process of whoever asks."""

import decimal

from systems.peer import Load, Missing, seconds
from systems.sql import Sql


class DuckDb(Sql):
    """The table alone; DuckDB's own zone maps serve as an index over the time, in which it is written."""

    durable = "one INSERT and one commit a batch; the commit syncs the write-ahead log"
    settings = "cost DECIMAL(18,9)"
    shanghai_day = "strftime(timezone('Asia/Shanghai', to_timestamp(ts)), '%Y-%m-%d')"

    def start(self):
        try:
            import duckdb
            import pyarrow
        except ImportError as error:
            raise Missing(f"duckdb, pyarrow: {error}") from error
        self.arrow, self.library = pyarrow, duckdb
        self.folder.mkdir()
        self.db = duckdb.connect(str(self.folder / "log.duckdb"))
        self.db.execute("CREATE TABLE log (ts BIGINT NOT NULL, key VARCHAR, \"user\" VARCHAR, provider VARCHAR, "
                        "model VARCHAR, status INTEGER, latency_us BIGINT, input_tokens BIGINT, output_tokens BIGINT, "
                        "cost DECIMAL(18,9))")

    def stop(self):
        self.db.close()

    def version(self):
        return f"DuckDB {self.library.__version__}"

    def bulk(self):
        took = seconds(self.db.execute, f"COPY log FROM '{self.data.csv}' (HEADER)")
        return Load(took, 0.0, "COPY ... FROM the CSV file")

    def prepare(self, events, number):
        *columns, costs = zip(*events)
        names = ("ts", "key", "user", "provider", "model", "status", "latency_us", "input_tokens", "output_tokens")
        exact = self.arrow.array([decimal.Decimal(nano).scaleb(-9) for nano in costs], self.arrow.decimal128(18, 9))
        return self.arrow.table({**dict(zip(names, map(list, columns))), "cost": exact})

    def write(self, batch, writer):
        self.db.register("batch", batch)
        self.db.execute("INSERT INTO log SELECT * FROM batch")
        self.db.unregister("batch")

    def settle(self):
        self.db.execute("CHECKPOINT")

    def rows(self, sql, parameters=()):
        return self.db.execute(sql, parameters).fetchall()

    def latency_by_model(self, span):
        clause, bounds = self.where(span)
        return {(model,): tuple(values) for model, values in
                self.rows(f"SELECT model, quantile_disc(latency_us, [0.5, 0.95, 0.99]) FROM log {clause} "
                          "GROUP BY model", bounds)}
