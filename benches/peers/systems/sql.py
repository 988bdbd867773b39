"""The questions in SQL: what the dialects of four databases have in common.

A dialect gives `rows(sql, parameters)` and the few expressions that differ.
"""

import questions
from questions import Span
from systems.peer import Peer

FIGURES = "count(*), sum(CASE WHEN status BETWEEN 200 AND 299 THEN 0 ELSE 1 END), " \
          "sum(input_tokens + output_tokens), sum(cost)"


class Sql(Peer):
    """A request log in one table, asked by aggregates over it."""

    mark = "?"  # the place of a parameter
    shanghai_day = ""  # the calendar day of `ts` in Asia/Shanghai, as text

    def rows(self, sql: str, parameters: tuple = ()) -> list[tuple]:
        raise NotImplementedError

    def moment(self, ts: int):
        """A time as the column `ts` has it."""
        return ts

    def nano(self, cost) -> int:
        """A sum of costs in billionths."""
        return int(cost.scaleb(9))

    def where(self, span: Span, extra: str = "") -> tuple[str, tuple]:
        clause = f"WHERE ts >= {self.mark} AND ts < {self.mark}{extra}"
        return clause, (self.moment(span.start), self.moment(span.end))

    def figures(self, names: str, span: Span, tail: str = "", extra: str = "", parameters: tuple = ()) -> dict:
        clause, bounds = self.where(span, extra)
        columns = f"{names}, " if names else ""
        group = f" GROUP BY {names}" if names else ""
        width = names.count(",") + 1 if names else 0
        found = self.rows(f"SELECT {columns}{FIGURES} FROM log {clause}{group}{tail}", bounds + parameters)
        return {tuple(row[:width]): (row[width], int(row[width + 1]), int(row[width + 2]), self.nano(row[width + 3]))
                for row in found}

    def nothing(self):
        self.rows("SELECT 1")

    def totals(self, span):
        return self.figures("", span)

    def by_model(self, span):
        return self.figures("model", span)

    def top_key_models(self, span):
        return self.figures("key, model", span, f" ORDER BY sum(cost) DESC LIMIT {questions.TOP}")

    def one_key(self, key, span):
        return self.figures("model", span, extra=f" AND key = {self.mark}", parameters=(key,))

    def cost_per_day(self, span):
        clause, bounds = self.where(span)
        found = self.rows(f"SELECT {self.shanghai_day} AS day, sum(cost) FROM log {clause} GROUP BY day", bounds)
        return {(str(day),): (self.nano(cost),) for day, cost in found}

    def statistics_page(self, spans):
        """As gemini-balance does it: one query for each window."""
        page = {}
        for name, span in spans.items():
            clause, bounds = self.where(span)
            ok, failed = self.rows("SELECT sum(CASE WHEN status BETWEEN 200 AND 299 THEN 1 ELSE 0 END), "
                                   f"sum(CASE WHEN status BETWEEN 200 AND 299 THEN 0 ELSE 1 END) FROM log {clause}",
                                   bounds)[0]
            page[(name,)] = (int(ok or 0), int(failed or 0))
        return page
