"""tallyring itself: a real server with its default settings, over HTTP."""

import concurrent.futures
import datetime
import json
import os
import pathlib
import subprocess
import time
import urllib.parse

from events import ndjson_line
from systems.peer import Load, Missing, Server, free_port, seconds, text_bodies
from systems.web import Web

BULK = 1 << 20  # bytes of NDJSON of a request: some 5,000 events
FIGURES = "requests,failures,total_tokens,cost"


class Tallyring(Server):
    """`POST /v1/events` and `GET /v1/usage` (docs/API.md)."""

    transport = "HTTP, kept alive"
    durable = "ack=fsync (the default), one request a batch"
    settings = "defaults: keys are fingerprinted, a batch without an Idempotency-Key"
    writers = 4

    def start(self):
        program = pathlib.Path(os.environ.get("PEERS_TALLYRING", ""))
        if not program.is_file():
            raise Missing("the tallyring program; `--tallyring FILE` names it")
        self.program, self.port = program, free_port()
        command = [program, "serve", "--listen", f"127.0.0.1:{self.port}", "--data-dir", self.folder, "--log", "warn"]
        self.launch(command, lambda: Web(self.port).ask("GET", "/readyz"))

    def attach(self):
        self.webs = [Web(self.port) for _ in range(self.writers)]

    def stop(self):
        for web in getattr(self, "webs", []):
            web.close()
        self.end()

    def version(self):
        said = subprocess.run([self.program, "--version"], capture_output=True, text=True, check=True)
        return said.stdout.strip()

    def bulk(self):
        return self.post(self.data.ndjson)

    def post(self, path: pathlib.Path) -> Load:
        """Sends a file of NDJSON."""
        start = time.process_time()
        bodies = text_bodies(path, BULK, head=False)
        prepared, start = time.process_time() - start, time.perf_counter()
        shares = [(bodies[writer::2], writer) for writer in range(2)]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda share: [self.write(body, share[1]) for body in share[0]], shares))
        return Load(time.perf_counter() - start, prepared, "requests of 1 MiB over 2 connections, each synced")

    def prepare(self, events, number):
        return "".join(map(ndjson_line, events)).encode()

    def write(self, batch, writer):
        receipt = json.loads(self.webs[writer].ask("POST", "/v1/events", batch, "application/x-ndjson"))
        if receipt["rejected"] or receipt["duplicates"]:
            raise ValueError(f"not all accepted: {receipt}")

    def prepare_live(self, events, number):
        """Without times: calls as they happen, not history."""
        return "".join(ndjson_line(event, with_time=False) for event in events).encode()

    @classmethod
    def extras(cls):
        return {"live_bulk": cls.live_bulk, "import": cls.imported}

    def live_bulk(self) -> dict:
        """All events as calls that end now, by the bulk."""
        events = b"".join(self.prepare_live(chunk, 0) for chunk in self.data.chunks(50_000))
        path = self.folder.parent / "live.ndjson"
        path.write_bytes(events)
        rate = self.data.about["events"] / self.post(path).seconds
        return {"title": "bulk load, calls that end now", "events_per_second": rate}

    def imported(self) -> dict:
        command = [self.program, "import", self.data.ndjson, "--url", f"http://127.0.0.1:{self.port}"]
        took = seconds(lambda: subprocess.run(command, check=True, capture_output=True))
        return {"title": "tallyring import events.ndjson", "events_per_second": self.data.about["events"] / took}

    def public_key(self, key):
        """A key as answers name it: masked, with its fingerprint."""
        path = f"/v1/dimensions/key/values?q={urllib.parse.quote(key)}"
        return json.loads(self.webs[0].ask("GET", path))["values"][0]["value"]

    def usage(self, span, **parameters) -> dict:
        query = urllib.parse.urlencode({"from": span.start, "to": span.end, **parameters})
        answer = json.loads(self.webs[0].ask("GET", f"/v1/usage?{query}"))
        counted = tuple(int(datetime.datetime.fromisoformat(answer[edge]).timestamp()) for edge in ("from", "to"))
        if counted != tuple(span):
            raise ValueError(f"asked for {span}, counted {counted}")
        return answer

    def figures(self, span, names: tuple = (), **parameters) -> dict:
        if not names:
            return {(): cell(self.usage(span, metrics=FIGURES, **parameters)["totals"])}
        answer = self.usage(span, metrics=FIGURES, group_by=",".join(names), **parameters)
        return {tuple(row["group"][name] for name in names): cell(row) for row in answer["data"]}

    def nothing(self):
        self.webs[0].ask("GET", "/livez")

    def totals(self, span):
        return self.figures(span)

    def by_model(self, span):
        return self.figures(span, ("model",))

    def top_key_models(self, span):
        return self.figures(span, ("key", "model"), order_by="-cost", limit=20)

    def one_key(self, key, span):
        return self.figures(span, ("model",), key=key)

    def latency_by_model(self, span):
        answer = self.usage(span, metrics="latency_ms", group_by="model", order_by="name", quantiles="0.5,0.95,0.99")
        return {(row["group"]["model"],): tuple(round(row["latency_ms"][f"p{percent}"] * 1000)
                                                for percent in (50, 95, 99)) for row in answer["data"]}

    def cost_per_day(self, span):
        answer = self.usage(span, metrics="cost", interval="1d", tz="Asia/Shanghai")
        return {(bucket["from"][:10],): (nano(bucket["cost"]),) for bucket in answer["series"]}

    def statistics_page(self, spans):
        """One question for each window, as the others: its own report has the windows that end now."""
        page = {name: self.usage(span, metrics="successes,failures")["totals"] for name, span in spans.items()}
        return {(name,): (totals["successes"], totals["failures"]) for name, totals in page.items()}


def cell(row: dict) -> tuple:
    return row["requests"], row["failures"], row["total_tokens"], nano(row["cost"])


def nano(cost: dict) -> int:
    return int(cost.get("USD", "0").replace(".", ""))
