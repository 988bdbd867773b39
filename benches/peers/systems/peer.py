"""What the measurements need from a system, and what several systems have in common."""

import os
import pathlib
import signal
import socket
import subprocess
import time
from typing import NamedTuple

import machine
from events import Data, Event
from questions import CannotSay, Span


class Missing(Exception):
    """A system can't be run here; the text says what is not there."""


class Load(NamedTuple):
    """How long a bulk load took, and what the Python client did before it."""

    seconds: float
    prepared: float  # seconds of processor time; not in `seconds`
    how: str


class Peer:
    """One system in a fresh folder. Times are Unix seconds, costs billionths of a dollar, latencies microseconds."""

    transport = "in process"
    durable = ""  # what an acknowledged batch has survived, and by which settings
    settings = ""  # all else that is not by default
    writers = 1  # how many can usefully write at a time

    def __init__(self, folder: pathlib.Path, data: Data):
        self.folder, self.data = folder, data

    def start(self) -> None:
        """Opens it, empty, with its tables."""
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def version(self) -> str:
        raise NotImplementedError

    def pids(self) -> list[int]:
        """The processes whose memory and processor time it takes; none if it lives in this one."""
        return []

    def bulk(self) -> Load:
        """Loads all events, in the fastest way that one would use."""
        raise NotImplementedError

    def prepare(self, events: list[Event], number: int):
        """A batch in the form that `write` sends; the batches are numbered."""
        raise NotImplementedError

    def write(self, batch, writer: int) -> None:
        """Writes a prepared batch as durably as `durable` says; `writer` tells concurrent ones apart."""
        raise NotImplementedError

    def settle(self) -> None:
        """What one would let it do after a bulk load: statistics, merges, a checkpoint."""

    def public_key(self, key: str) -> str:
        """The name of a key in answers."""
        return key

    @classmethod
    def extras(cls) -> dict:
        """Further ways of writing that only this system has: what to measure, by title."""
        return {}

    # The questions; see `questions`.

    def nothing(self) -> None:
        """The smallest round trip there is: what the way to the system costs alone."""

    def totals(self, span: Span) -> dict:
        raise CannotSay("no such figures")

    def by_model(self, span: Span) -> dict:
        raise CannotSay("no such figures")

    def top_key_models(self, span: Span) -> dict:
        raise CannotSay("no such figures")

    def one_key(self, key: str, span: Span) -> dict:
        raise CannotSay("no such figures")

    def latency_by_model(self, span: Span) -> dict:
        raise CannotSay("no quantiles")

    def cost_per_day(self, span: Span) -> dict:
        raise CannotSay("no such figures")

    def statistics_page(self, spans: dict[str, Span]) -> dict:
        raise CannotSay("no such figures")


class Server(Peer):
    """A system in a process of its own."""

    process: subprocess.Popen | None = None

    def attach(self) -> None:
        """Opens the connections to the server, which answers; those from before are dropped."""
        raise NotImplementedError

    def launch(self, command: list, answers, **options) -> None:
        """Starts a server, waits until `answers()` returns without an error, and attaches."""
        self.folder.mkdir(exist_ok=True)
        self.command, self.answers, self.options = command, answers, options
        self.await_start()
        self.attach()

    def await_start(self) -> None:
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, **self.options)
        deadline = time.monotonic() + 60
        while True:
            try:
                return self.answers()
            except Exception:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.end()
                    raise
                time.sleep(0.01)

    def revive(self) -> float:
        """Kills the server (SIGKILL) and starts it again: seconds until it answers."""
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        took = seconds(self.await_start)
        self.attach()
        return took

    def end(self) -> None:
        """Stops the server, by force if it does not listen."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def stop(self) -> None:
        self.end()

    def pids(self) -> list[int]:
        return machine.family(self.process.pid) if self.process else []


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def seconds(action, *args) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    action(*args)
    return time.perf_counter() - start


def text_bodies(path: pathlib.Path, size: int, head: bool) -> list[bytes]:
    """A text file in bodies of whole lines of about `size` bytes; `head`: without its first line."""
    bodies = []
    with path.open("rb") as lines:
        if head:
            next(lines)
        while body := lines.read(size):
            bodies.append(body + lines.readline())
    return bodies
