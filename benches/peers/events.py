"""The calls of a gateway, made up: the same ones for the same size, shifted to end at a given minute.

40 models of 4 providers, 4,000 keys of 1,500 users, all by Zipf's law; three days with a daily rhythm; 4 % failures.
Every figure is an integer here (seconds, microseconds, tokens, billionths of a dollar), so that sums can be exact.
"""

import itertools
import json
import math
import pathlib
import random
from typing import Iterator, NamedTuple

DAYS = 3
DAY = 86_400
KEYS, USERS = 4_000, 1_500
PROVIDERS = ("openai", "anthropic", "gemini", "deepseek")
MODELS = [f"{provider}-{size}-{number}" for number in range(1, 6) for size in ("mini", "large")
          for provider in PROVIDERS]
STATUSES, STATUS_WEIGHTS = (200, 429, 500, 400, 401, 504), (960, 22, 6, 6, 3, 3)
COLUMNS = ("ts", "key", "user", "provider", "model", "status", "latency_us", "input_tokens", "output_tokens", "cost")


class Event(NamedTuple):
    """One finished call; the fields are in the order of `COLUMNS`."""

    ts: int  # Unix seconds
    key: str
    user: str
    provider: str
    model: str
    status: int
    latency_us: int
    input_tokens: int
    output_tokens: int
    cost_nano: int

    @property
    def failed(self) -> bool:
        return not 200 <= self.status < 300

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


def zipf(n: int, exponent: float) -> list[float]:
    """Cumulative weights of n ranks."""
    return list(itertools.accumulate(1 / rank**exponent for rank in range(1, n + 1)))


def key_name(rank: int) -> str:
    return f"sk-proj-{random.Random(rank).randbytes(15).hex()}{rank:04}"


def moments(n: int, end: int, chance: random.Random) -> list[int]:
    """n sorted seconds in the `DAYS` days before `end`, denser by day than by night."""
    turn = 2 * math.pi * DAYS
    warped = (u - 0.6 * math.sin(turn * u) / turn for u in sorted(chance.random() for _ in range(n)))
    return [end - DAYS * DAY + int(share * DAYS * DAY) for share in warped]


def generate(n: int, end: int) -> Iterator[Event]:
    """n calls in the order of time; all before `end`."""
    chance = random.Random(20_261_122)
    keys = [key_name(rank) for rank in range(KEYS)]
    owners = [f"user-{chance.choices(range(USERS), cum_weights=zipf(USERS, 0.8))[0]:04}" for _ in keys]
    popularity = zipf(len(MODELS), 1.1)
    habits = [chance.choices(range(len(MODELS)), cum_weights=popularity, k=6) for _ in keys]
    prices = [(chance.randrange(50, 5_000), chance.randrange(200, 25_000)) for _ in MODELS]  # nano-dollars a token
    paces = [chance.uniform(5.0, 9.5) for _ in MODELS]  # logarithm of the median latency in ms

    ranks = chance.choices(range(KEYS), cum_weights=zipf(KEYS, 0.9), k=n)
    statuses = chance.choices(STATUSES, STATUS_WEIGHTS, k=n)
    for ts, rank, status in zip(moments(n, end, chance), ranks, statuses):
        model = chance.choice(habits[rank])
        if status == 200:
            given, made = int(chance.lognormvariate(6.5, 1.2)), int(chance.lognormvariate(5.3, 1.0))
            latency_us = int(chance.lognormvariate(paces[model], 0.6) * 1_000)
        else:
            given, made = 0, 0
            latency_us = int(chance.lognormvariate(4.0, 0.8) * 1_000)
        cost = given * prices[model][0] + made * prices[model][1]
        name = MODELS[model]
        yield Event(ts, keys[rank], owners[rank], name.split("-")[0], name, status, latency_us, given, made, cost)


def decimal(nano: int) -> str:
    """Billionths as an exact decimal."""
    return f"{nano // 10**9}.{nano % 10**9:09}"


def csv_line(e: Event) -> str:
    return ",".join(map(str, e[:-1])) + f",{decimal(e.cost_nano)}\n"


def ndjson_line(e: Event, with_time: bool = True) -> str:
    """An event of `POST /v1/events` (docs/API.md); without a time it happens when it arrives."""
    time = f'"timestamp":{e.ts},' if with_time else ""
    return (f'{{{time}"key":"{e.key}","user":"{e.user}","provider":"{e.provider}","model":"{e.model}",'
            f'"status":{e.status},"latency_ms":{e.latency_us / 1000:.3f},"input_tokens":{e.input_tokens},'
            f'"output_tokens":{e.output_tokens},"cost":"{decimal(e.cost_nano)}"}}\n')


def read(path: pathlib.Path) -> Iterator[Event]:
    """The events of a CSV file."""
    with path.open() as lines:
        next(lines)
        for line in lines:
            ts, key, user, provider, model, status, latency_us, given, made, cost = line.rstrip("\n").split(",")
            yield Event(int(ts), key, user, provider, model, int(status), int(latency_us), int(given), int(made),
                        int(cost.replace(".", "")))


class Data(NamedTuple):
    """A folder with the same events as CSV and as NDJSON, and the answers that are right for them."""

    folder: pathlib.Path

    @property
    def csv(self) -> pathlib.Path:
        return self.folder / "events.csv"

    @property
    def ndjson(self) -> pathlib.Path:
        return self.folder / "events.ndjson"

    @property
    def about(self) -> dict:
        return json.loads((self.folder / "about.json").read_text())

    def events(self) -> Iterator[Event]:
        return read(self.csv)

    def chunks(self, size: int, most: int | None = None) -> Iterator[list[Event]]:
        """The events by `size`, at most `most` of such chunks."""
        events, chunks = self.events(), itertools.count() if most is None else range(most)
        for _ in chunks:
            if not (chunk := list(itertools.islice(events, size))):
                return
            yield chunk


def write(folder: pathlib.Path, n: int, end: int) -> Data:
    """Generates the files of a new folder."""
    data = Data(folder)
    folder.mkdir(parents=True)
    with data.csv.open("w") as csv, data.ndjson.open("w") as ndjson:
        csv.write(",".join(COLUMNS) + "\n")
        for event in generate(n, end):
            csv.write(csv_line(event))
            ndjson.write(ndjson_line(event))
    (folder / "about.json").write_text(json.dumps({"events": n, "end": end}))
    return data
