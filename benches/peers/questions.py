"""What every system is asked, in the same words.

A question is a name and a call of one of the methods of `systems.peer.Peer`. All spans are half-open and end at `end`,
which is a whole minute, so that systems that keep buckets of a minute can answer exactly too.

Answers are dictionaries from a group (a tuple of names) to a tuple of integers:
figures are (calls, failures, tokens, cost in billionths of a dollar), latencies (p50, p95, p99) in microseconds.
"""

import datetime
import zoneinfo
from typing import Callable, NamedTuple

MINUTE, HOUR, DAY = 60, 3_600, 86_400
QUANTILES = (50, 95, 99)  # per cent
SHANGHAI = zoneinfo.ZoneInfo("Asia/Shanghai")
TOP = 20


class Span(NamedTuple):
    """`[start, end)` in Unix seconds."""

    start: int
    end: int


class CannotSay(Exception):
    """A system has no (exact) answer to a question; the text is the reason."""


class Question(NamedTuple):
    name: str
    title: str
    ask: Callable  # of a Peer


def month_start(end: int) -> int:
    """Midnight (UTC) of the first day of the month of the last counted second."""
    last = datetime.datetime.fromtimestamp(end - 1, datetime.UTC)
    return int(last.replace(day=1, hour=0, minute=0, second=0).timestamp())


def days_span(end: int) -> Span:
    """From a midnight in Shanghai before all events until `end`."""
    first = datetime.datetime.fromtimestamp(end - 3 * DAY, SHANGHAI)
    return Span(int(first.replace(hour=0, minute=0, second=0).timestamp()), end)


def page_spans(end: int) -> dict[str, Span]:
    """The windows of gemini-balance's statistics page."""
    return {"1m": Span(end - MINUTE, end), "1h": Span(end - HOUR, end), "24h": Span(end - DAY, end),
            "month": Span(month_start(end), end)}


def questions(end: int, key: str) -> list[Question]:
    """All questions about events that end at `end`; `key` is the one key that is looked at alone."""
    hour, day, days, page = Span(end - HOUR, end), Span(end - DAY, end), days_span(end), page_spans(end)
    return [
        Question("totals_1h", "calls, failures, tokens, cost: 1 h", lambda p: p.totals(hour)),
        Question("totals_24h", "the same: 24 h", lambda p: p.totals(day)),
        Question("by_model_24h", "the same by model: 24 h", lambda p: p.by_model(day)),
        Question("top_key_models_24h", f"the same by key x model: 24 h, top {TOP} by cost",
                 lambda p: p.top_key_models(day)),
        Question("one_key_1h", "the same of one key by model: 1 h", lambda p: p.one_key(key, hour)),
        Question("latency_24h", "latency p50, p95, p99 by model: 24 h", lambda p: p.latency_by_model(day)),
        Question("cost_per_day", "cost per day in Asia/Shanghai: 3 days", lambda p: p.cost_per_day(days)),
        Question("page", "gemini-balance's page: ok, failed in 1 m, 1 h, 24 h, month",
                 lambda p: p.statistics_page(page)),
    ]
