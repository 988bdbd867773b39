"""VictoriaMetrics: sums of each minute as samples, which the gateway (or an agent beside it) has made.

`model_sum{what, model}` and `key_sum{what, key, model}`, and latencies as VictoriaMetrics' own histograms
`latency{model, vmrange}`. Samples are floats: exact up to 2^53, which is 9 million dollars in billionths.
"""

import collections
import datetime
import json
import math
import time
import urllib.parse

import machine
import questions
from questions import MINUTE, Span
from systems import buckets
from systems.peer import Load, Missing, Server, free_port
from systems.web import Web

BULK = 100_000  # events whose sums are imported by one request
BINS_PER_DECADE = 18  # of VictoriaMetrics' histograms


class VictoriaMetrics(Server):
    """Imports JSON lines, asks instant queries of MetricsQL."""

    transport = "HTTP, kept alive"
    durable = "NOT durable: what is acknowledged stays in memory for some seconds, no option to sync"
    settings = "retention 2 months, latencyOffset 1 s; asked with nocache=1; summed up by the minute first"

    writers = 4

    def start(self):
        program = machine.program("victoria-metrics")
        if program is None:
            raise Missing("victoria-metrics (Debian package victoria-metrics)")
        self.program, self.port = program, free_port()
        command = [program, f"-httpListenAddr=127.0.0.1:{self.port}", f"-storageDataPath={self.folder}",
                   "-retentionPeriod=2", "-search.latencyOffset=1s", "-loggerLevel=ERROR"]
        self.launch(command, lambda: Web(self.port).ask("GET", "/health"))

    def attach(self):
        self.webs = [Web(self.port) for _ in range(self.writers)]
        self.web = self.webs[0]

    def stop(self):
        for web in getattr(self, "webs", []):
            web.close()
        self.end()

    def version(self):
        return f"VictoriaMetrics {machine.package_version('victoria-metrics')} (Debian; it does not tell its version)"

    def bulk(self):
        start = time.process_time()
        batches = [self.prepare(chunk, number) for number, chunk in enumerate(self.data.chunks(BULK))]
        prepared, start = time.process_time() - start, time.perf_counter()
        for batch in batches:
            self.write(batch, 0)
        how = f"/api/v1/import, a request for {BULK:,} events, summed up before"
        return Load(time.perf_counter() - start, prepared, how)

    def prepare(self, events, number):
        """JSON lines. The millisecond of a sample is the batch's, so that no two batches write the same sample."""
        lines = collections.defaultdict(lambda: ([], []))
        for family, name in (("model_sum", lambda e: (e.model,)), ("key_sum", lambda e: (e.model, e.key))):
            for (start, *names), sums in buckets.summed(events, name, MINUTE).items():
                for what, amount in zip(buckets.WHATS, sums):
                    if amount:
                        add(lines, (family, what, *names), start, number, amount)
        counts = collections.Counter((e.ts - e.ts % MINUTE, e.model, bin_name(e.latency_us)) for e in events)
        for (start, model, vmrange), count in counts.items():
            add(lines, ("latency", vmrange, model), start, number, count)
        return "\n".join(json.dumps({"metric": labels(*name), "values": values, "timestamps": times})
                         for name, (values, times) in lines.items()).encode()

    def write(self, batch, writer):
        self.webs[writer].ask("POST", "/api/v1/import", batch)

    def settle(self):
        """Makes everything visible now, instead of in some seconds."""
        self.web.ask("GET", "/internal/force_flush")

    # Questions: a sample stands at the start of its minute, so a span is asked for a second before its end.

    def ask(self, query: str, span: Span) -> list[tuple[dict, int]]:
        query = query.replace("SPAN", f"{span.end - span.start}s")
        path = "/api/v1/query?" + urllib.parse.urlencode({"query": query, "time": span.end - 1, "nocache": 1})
        found = json.loads(self.web.ask("GET", path))["data"]["result"]
        return [(row["metric"], float(row["value"][1])) for row in found]

    def figures(self, query: str, names: tuple, span: Span) -> dict:
        groups = collections.defaultdict(lambda: [0, 0, 0, 0])
        for metric, value in self.ask(query, span):
            groups[tuple(metric[name] for name in names)][buckets.WHATS.index(metric["what"])] = int(value)
        return {name: tuple(cell) for name, cell in groups.items()}

    def nothing(self):
        self.web.ask("GET", "/health")

    def totals(self, span):
        return self.figures("sum by (what)(sum_over_time(model_sum[SPAN]))", (), span)

    def by_model(self, span):
        return self.figures("sum by (what, model)(sum_over_time(model_sum[SPAN]))", ("model",), span)

    def top_key_models(self, span):
        """First who is on top by cost, then all figures of these keys and models."""
        most = f"topk({questions.TOP}, sum by (key, model)(sum_over_time(key_sum{{what=\"cost_nano\"}}[SPAN])))"
        top = {(metric["key"], metric["model"]) for metric, _ in self.ask(most, span)}
        keys, models = ("|".join(sorted(set(names))) for names in zip(*top))
        rest = f'sum by (what, key, model)(sum_over_time(key_sum{{key=~"{keys}", model=~"{models}"}}[SPAN]))'
        return {name: cell for name, cell in self.figures(rest, ("key", "model"), span).items() if name in top}

    def one_key(self, key, span):
        return self.figures(f'sum by (what, model)(sum_over_time(key_sum{{key="{key}"}}[SPAN]))', ("model",), span)

    def latency_by_model(self, span):
        groups = collections.defaultdict(list)
        spread = "sum by (model, vmrange)(sum_over_time(latency[SPAN]))"
        query = " or ".join(f'label_set(histogram_quantile({percent / 100}, {spread}), "q", "{percent}")'
                            for percent in questions.QUANTILES)
        for metric, value in sorted(self.ask(query, span), key=lambda row: row[0]["q"]):
            groups[(metric["model"],)].append(round(value))
        return {name: tuple(values) for name, values in groups.items()}

    def cost_per_day(self, span):
        """A query for each day: MetricsQL has no calendar."""
        days = {}
        for start in range(span.start, span.end, questions.DAY):
            part = Span(start, min(start + questions.DAY, span.end))
            day = datetime.datetime.fromtimestamp(start, questions.SHANGHAI).date().isoformat()
            found = self.ask('sum(sum_over_time(model_sum{what="cost_nano"}[SPAN]))', part)
            days[(day,)] = (int(found[0][1]),)
        return days

    def statistics_page(self, spans):
        page = {name: self.totals(span)[()] for name, span in spans.items()}
        return {(name,): (calls - failures, failures) for name, (calls, failures, *_) in page.items()}


def labels(family: str, what: str, model: str, key: str | None = None) -> dict:
    named = {"__name__": family, "vmrange" if family == "latency" else "what": what, "model": model}
    return named if key is None else {**named, "key": key}


def add(lines: dict, name: tuple, start: int, number: int, amount: int) -> None:
    values, times = lines[name]
    values.append(amount)
    times.append(start * 1000 + number % 1000)


def bin_name(value: int) -> str:
    """The bin of VictoriaMetrics' histogram that holds a value, as the label `vmrange`."""
    index = math.ceil(math.log10(max(value, 1)) * BINS_PER_DECADE)
    low, high = (10 ** (edge / BINS_PER_DECADE) for edge in (index - 1, index))
    return f"{low:.3e}...{high:.3e}"
