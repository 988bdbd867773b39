"""Measures one system in this process: `worker.py SYSTEM STAGE DATA FOLDER`; prints a JSON object.

Each stage begins with a fresh folder:
  batches   batches of 1,000 calls that end now, each durable, by one writer and by several; single calls
  whole     a bulk load of history, memory and disk, all questions with their answers checked; then a call seen after
            its receipt, a question while batches come in, and a start after `kill -9`
"""

import concurrent.futures
import json
import os
import pathlib
import signal
import statistics
import sys
import time

import machine
import oracle
import questions
from events import Data, Event
from questions import CannotSay, Span
from systems import system
from systems.peer import Missing, Peer, Server, seconds

BATCH = 1_000
BATCHES, SINGLES = 200, 200
WARM, PATIENCE, FEWEST, MOST = 3, 1.0, 11, 300  # runs before; seconds; runs of a question


def spread(times: list[float]) -> dict:
    """Median, 95th percentile and number of some times, in ms."""
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, -(-len(ordered) * 95 // 100) - 1)]
    return {"median_ms": statistics.median(ordered) * 1000, "p95_ms": p95 * 1000, "runs": len(ordered)}


def fresh(name: str, folder: pathlib.Path, data: Data, measure) -> dict:
    """Measures with a system that has just been started, and stops it whatever happens."""
    peer = system(name)(folder, data)
    try:
        peer.start()
        return measure(peer)
    finally:
        peer.stop()


def live(peer: Peer, size: int, most: int, first: int = 0) -> list:
    """Prepared batches of calls that ended just now, as a gateway writes them."""
    now = int(time.time())
    return [peer.prepare([event._replace(ts=now) for event in chunk], first + number)
            for number, chunk in enumerate(peer.data.chunks(size, most))]


def one_writer(peer: Peer) -> dict:
    """Batches one after the other, then single calls."""
    batches, singles = live(peer, BATCH, BATCHES), live(peer, 1, SINGLES, first=BATCHES)
    times = [seconds(peer.write, batch, 0) for batch in batches]
    alone = [seconds(peer.write, single, 0) for single in singles]
    return {"events_per_second": len(batches) * BATCH / sum(times), **spread(times), "single": spread(alone)}


def several_writers(peer: Peer) -> dict:
    """As many batches, by all its writers at the same time."""
    batches = live(peer, BATCH, BATCHES)

    def share(writer: int) -> None:
        for batch in batches[writer::peer.writers]:
            peer.write(batch, writer)

    with concurrent.futures.ThreadPoolExecutor() as pool:
        took = seconds(lambda: list(pool.map(share, range(peer.writers))))
    return {"events_per_second": len(batches) * BATCH / took, "writers": peer.writers}


def batches(name: str, folder: pathlib.Path, data: Data) -> dict:
    found = {"one": fresh(name, folder / "one", data, one_writer)}
    kind = system(name)
    if kind.writers > 1:
        found["several"] = fresh(name, folder / "several", data, several_writers)
    for title, measure in kind.extras().items():
        found.setdefault("extras", {})[title] = fresh(name, folder / "extra", data, measure)
    return found


def asked(peer: Peer, ask) -> dict:
    """A question again and again, once it is warm."""
    for _ in range(WARM):
        ask(peer)
    times, deadline = [], time.monotonic() + PATIENCE
    while len(times) < FEWEST or (time.monotonic() < deadline and len(times) < MOST):
        times.append(seconds(ask, peer))
    return spread(times)


def checked(peer: Peer, question, right: dict) -> dict:
    """A question's times, and what is to be said of its answer."""
    try:
        got = question.ask(peer)
    except CannotSay as reason:
        return {"verdict": f"cannot say: {reason}"}
    if question.name == "top_key_models_24h":
        right = {(peer.public_key(key), model): cell for (key, model), cell in right.items()}
    return {"verdict": oracle.verdict(question.name, got, right), **asked(peer, question.ask)}


def seen_after(peer: Peer, end: int, number: int) -> float:
    """Seconds from the receipt of a call to the end of the first answer that holds it."""
    hour = Span(end - questions.HOUR, end)
    call = next(peer.data.events())._replace(ts=end - 30)
    batch, calls = peer.prepare([call], 1_000 - number), peer.totals(hour)[()][0]
    peer.write(batch, 0)
    start = time.perf_counter()
    while peer.totals(hour)[()][0] != calls + 1:
        if time.perf_counter() - start > 30:
            raise TimeoutError("a call is not to be seen after 30 s")
        time.sleep(0.001)
    return time.perf_counter() - start


def while_writing(peer: Peer, end: int) -> dict | None:
    """A question again and again while one writer sends batches without a pause."""
    if peer.writers == 1:
        return None
    peer.attach()  # the writer's connection has been idle, and servers close such ones
    batches, day = live(peer, BATCH, BATCHES, first=2 * BATCHES), Span(end - questions.DAY, end)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        writing = pool.submit(lambda: [peer.write(batch, 1) for batch in batches])
        times = []
        while not writing.done():
            times.append(seconds(peer.by_model, day))
        writing.result()
    return spread(times)


def revived(peer: Server, end: int) -> dict:
    """How long a server takes to answer again after `kill -9`, and what it has lost."""
    day = Span(end - questions.DAY, end)
    before = peer.totals(day)[()][0]
    took = peer.revive()
    return {"seconds": took, "lost": before - peer.totals(day)[()][0]}


def whole(name: str, folder: pathlib.Path, data: Data) -> dict:
    end, key, right = oracle.load(data)
    before = machine.memory_mb([os.getpid()])

    def measure(peer: Peer) -> dict:
        pids = lambda: peer.pids() or [os.getpid()]
        memory = lambda: machine.memory_mb(pids()) - (0 if peer.pids() else before)
        cpu = machine.cpu_seconds(pids())
        load = peer.bulk()
        cpu = machine.cpu_seconds(pids()) - cpu - (0 if peer.pids() else load.prepared)
        loaded = {**load._asdict(), "events_per_second": data.about["events"] / load.seconds, "cpu_seconds": cpu}
        found = {"version": peer.version(), "bulk": loaded, "memory_loaded_mb": memory()}
        found["settle_seconds"] = seconds(peer.settle)
        found["nothing"] = asked(peer, lambda peer: peer.nothing())
        found["questions"] = {q.name: checked(peer, q, right[q.name]) for q in questions.questions(end, key)}
        found["memory_asked_mb"], found["disk_mb"] = memory(), machine.disk_mb(peer.folder)
        found["seen_after"] = spread([seen_after(peer, end, number) for number in range(5)])
        found["while_writing"] = while_writing(peer, end)
        found["revived"] = revived(peer, end) if isinstance(peer, Server) else None
        return found

    kind = system(name)
    told = {"transport": kind.transport, "durable": kind.durable, "settings": kind.settings}
    return {**told, **fresh(name, folder / "whole", data, measure)}


def main() -> None:
    name, stage, data, folder = sys.argv[1], sys.argv[2], Data(pathlib.Path(sys.argv[3])), pathlib.Path(sys.argv[4])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped
    try:
        print(json.dumps({"batches": batches, "whole": whole}[stage](name, folder, data)))
    except Missing as missing:
        print(json.dumps({"missing": str(missing)}))


main()
