"""Runs the systems one after the other on the same events and prints a table. `run --help` tells the options."""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import events
import machine
import oracle
import table
from systems import SYSTEMS

HERE = pathlib.Path(__file__).resolve().parent
STAGES = ("batches", "whole")
FRESH = 12 * 3_600  # events older than this are made anew: tallyring keeps minutes for 48 h


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benches/peers/run", description="The same events and the same questions "
                                     "for tallyring and for what people use today.")
    parser.add_argument("--events", type=int, default=1_000_000, metavar="N", help="how many calls (default 1,000,000)")
    parser.add_argument("--only", default=",".join(SYSTEMS), metavar="LIST", help=f"some of {', '.join(SYSTEMS)}")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR", help="keep the results of each system here, and do "
                        "not run those again that are there: for a run in pieces")
    parser.add_argument("--tmp", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()), metavar="DIR",
                        help="where the systems keep their data meanwhile; its disk is what is measured")
    parser.add_argument("--work", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="the results as JSON")
    chosen = parser.parse_args()
    chosen.only = chosen.only.split(",")
    if unknown := set(chosen.only) - set(SYSTEMS):
        parser.error(f"no such system: {', '.join(sorted(unknown))}")
    return chosen


def made(folder: pathlib.Path, n: int) -> events.Data:
    """The events and the right answers, from an earlier run if they are recent."""
    data, now = events.Data(folder), int(time.time())
    if not (folder / "right.json").exists() or now - data.about["end"] > FRESH:
        print(f"making {n:,} events and counting them", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        oracle.save(events.write(folder, n, now - now % 60))
    return data


def measured(name: str, data: events.Data, tmp: pathlib.Path) -> dict:
    """All stages of a system, each in a process of its own, in folders that are gone afterwards."""
    result = {}
    for stage in STAGES:
        print(f"{name}: {stage}", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="peers-", dir=tmp) as folder:
            os.chmod(folder, 0o755)  # PostgreSQL runs as another user
            command = [sys.executable, HERE / "worker.py", name, stage, data.folder, folder]
            worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            try:
                said, _ = worker.communicate()
            except BaseException:
                worker.terminate()
                worker.wait()
                raise
            if worker.returncode != 0:
                return {"failed": f"{stage}: exit code {worker.returncode}; see above"}
            result |= json.loads(said)
        if "missing" in result:
            return result
    return result


def main() -> None:
    chosen = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    data = made(chosen.work / f"events-{chosen.events}", chosen.events)
    keep = chosen.keep or pathlib.Path(tempfile.mkdtemp(prefix="peers-results-", dir=chosen.work))
    keep.mkdir(parents=True, exist_ok=True)
    for name in chosen.only:
        if not (keep / f"{name}.json").exists():
            about = {"when": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
                     "events": chosen.events, "machine": machine.describe(chosen.tmp)}
            (keep / f"{name}.json").write_text(json.dumps({**about, **measured(name, data, chosen.tmp)}, indent=1))
    kept = {name: json.loads((keep / f"{name}.json").read_text()) for name in SYSTEMS
            if (keep / f"{name}.json").exists()}
    if not chosen.keep:
        shutil.rmtree(keep)
    print(json.dumps(kept, indent=1) if chosen.json else table.text(kept))
    bad = [name for name, result in kept.items() if "failed" in result or "WRONG" in json.dumps(result)]
    sys.exit(f"failed or wrong: {', '.join(bad)}" if bad else 0)


main()
