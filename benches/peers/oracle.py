"""The answers that are right, counted in the dullest way: one pass over the events for each question.

`Oracle` answers like a system (see `systems.peer.Peer`), and `verdict` judges the answer of a system by it.
"""

import collections
import datetime
import json

import questions
from events import Data, Event
from questions import Span

# What a system may be off in quantiles and still be shown with its error, as a share.
WORST_QUANTILE = 0.15


class Oracle:
    """Answers from a list of events in memory. Latencies come with their neighbours in rank: (below, value, above)."""

    def __init__(self, events: list[Event]):
        self.events = events

    def within(self, span: Span):
        return (e for e in self.events if span.start <= e.ts < span.end)

    def figures(self, span: Span, group) -> dict:
        sums = collections.defaultdict(lambda: [0, 0, 0, 0])
        for e in self.within(span):
            cell = sums[group(e)]
            cell[0] += 1
            cell[1] += e.failed
            cell[2] += e.tokens
            cell[3] += e.cost_nano
        return {name: tuple(cell) for name, cell in sums.items()}

    def totals(self, span):
        return self.figures(span, lambda e: ())

    def by_model(self, span):
        return self.figures(span, lambda e: (e.model,))

    def top_key_models(self, span):
        groups = self.figures(span, lambda e: (e.key, e.model))
        return dict(sorted(groups.items(), key=lambda item: -item[1][3])[:questions.TOP])

    def one_key(self, key, span):
        return {name[1:]: cell for name, cell in self.figures(span, lambda e: (e.key, e.model)).items()
                if name[0] == key}

    def latency_by_model(self, span):
        values = collections.defaultdict(list)
        for e in self.within(span):
            values[(e.model,)].append(e.latency_us)
        return {name: neighbours(sorted(latencies)) for name, latencies in values.items()}

    def cost_per_day(self, span):
        def day(e):
            return (datetime.datetime.fromtimestamp(e.ts, questions.SHANGHAI).date().isoformat(),)

        return {name: (cell[3],) for name, cell in self.figures(span, day).items()}

    def statistics_page(self, spans):
        totals = {name: self.totals(span).get((), (0, 0, 0, 0)) for name, span in spans.items()}
        return {(name,): (calls - failures, failures) for name, (calls, failures, *_) in totals.items()}


def neighbours(ordered: list[int]) -> tuple:
    """Of each quantile the value of its nearest rank, between those of the ranks below and above."""
    last = len(ordered) - 1
    ranks = [-(-len(ordered) * percent // 100) - 1 for percent in questions.QUANTILES]
    return tuple((ordered[max(rank - 1, 0)], ordered[rank], ordered[min(rank + 1, last)]) for rank in ranks)


def answers(data: Data, key: str) -> dict:
    """All right answers by the name of the question."""
    oracle = Oracle(list(data.events()))
    return {q.name: q.ask(oracle) for q in questions.questions(data.about["end"], key)}


def usual_key(data: Data) -> str:
    """A key of middling use: the twentieth."""
    return collections.Counter(e.key for e in data.events()).most_common(20)[-1][0]


def verdict(name: str, got: dict, right: dict) -> str:
    """`equal`, or for quantiles `within x %`, or `WRONG: …` with the first difference."""
    if got.keys() != right.keys():
        return f"WRONG: groups differ: {sorted(got.keys() ^ right.keys())[:3]}"
    if name == "latency_24h":
        return quantile_verdict(got, right)
    wrong = next((group for group in right if tuple(got[group]) != tuple(right[group])), None)
    return "equal" if wrong is None else f"WRONG: {wrong}: {got[wrong]} is not {right[wrong]}"


def quantile_verdict(got: dict, right: dict) -> str:
    """Quantiles may be of the rank beside (definitions differ); beyond that, their worst relative error is told."""
    worst = 0.0
    for group, triples in right.items():
        for value, (below, exact, above) in zip(got[group], triples):
            if not below <= value <= above:
                worst = max(worst, abs(value - exact) / exact)
    if worst > WORST_QUANTILE:
        return f"WRONG: off by {worst:.1%}"
    return f"within {worst:.1%}" if worst else "equal"


def save(data: Data) -> None:
    """Keeps the right answers beside the events."""
    key = usual_key(data)
    right = {name: list(answer.items()) for name, answer in answers(data, key).items()}
    (data.folder / "right.json").write_text(json.dumps({"key": key, "answers": right}))


def load(data: Data) -> tuple[int, str, dict]:
    """The end of the events, the one key that is asked for, and the right answers by question."""
    kept = json.loads((data.folder / "right.json").read_text())
    right = {name: {tuple(group): tuple(values) for group, values in answer}
             for name, answer in kept["answers"].items()}
    return data.about["end"], kept["key"], right
