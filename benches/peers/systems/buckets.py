"""Counters of a minute: what a client sums up before it sends them to a store of numbers."""

import collections

from events import Event

WHATS = ("calls", "failures", "tokens", "cost_nano")


def figures(event: Event) -> tuple[int, int, int, int]:
    return 1, int(event.failed), event.tokens, event.cost_nano


def summed(events: list[Event], name, step: int) -> dict:
    """`{(start of the bucket, *name): [calls, failures, tokens, cost]}`."""
    sums = collections.defaultdict(lambda: [0, 0, 0, 0])
    for event in events:
        cell = sums[(event.ts - event.ts % step, *name(event))]
        for index, amount in enumerate(figures(event)):
            cell[index] += amount
    return sums
