"""The systems that are compared, by the name given to `--only`. Each file imports its library when it starts."""

import importlib

# name: (module, class)
SYSTEMS = {
    "sqlite": ("sqlite", "Sqlite"),
    "sqlite-index": ("sqlite", "SqliteIndexed"),
    "postgres": ("postgres", "Postgres"),
    "postgres-index": ("postgres", "PostgresIndexed"),
    "duckdb": ("duck", "DuckDb"),
    "clickhouse": ("clickhouse", "ClickHouse"),
    "redis": ("counters", "Redis"),
    "victoria": ("victoria", "VictoriaMetrics"),
    "tallyring": ("tallyring", "Tallyring"),
}


def system(name: str):
    """The class of a system."""
    module, kind = SYSTEMS[name]
    return getattr(importlib.import_module(f"systems.{module}"), kind)
