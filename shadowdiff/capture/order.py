"""Put exchanges in time order within a window, and spread those that share a second of a coarse clock.

Servers log at the end of an answer, so long answers come late in the file, and combined logs know no
fractions of a second (peers-replay-and-formats.md 0.6 and 0.7). The window is a bound on memory: what
comes later than that goes out when it is read, and is counted.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import msgspec

from shadowdiff.model.exchange import Exchange

MAX_SHARED = 1_000
"""Exchanges of one second that are spread together."""


MAX_BYTES = 64 << 20
"""Bodies held for sorting, requests and recorded answers together."""


class Ordering:
    """Sorts one stream."""

    def __init__(self, window: int) -> None:
        """`window` in exchanges held back to be sorted; 0 leaves the order of the log."""
        self._window = window
        self._coarse = True
        self.moved = 0
        """Exchanges that went ahead of one read before them."""
        self.late = 0
        """Exchanges further out of order than the window."""

    def __call__(self, exchanges: Iterator[Exchange]) -> Iterator[Exchange]:
        """The same exchanges. Those without a time keep their place behind what was read before them."""
        return self._spread(self._sorted(exchanges)) if self._window else exchanges

    def _sorted(self, exchanges: Iterator[Exchange]) -> Iterator[Exchange]:
        heap: list[tuple[float, int, Exchange]] = []
        last = float("-inf")
        newest = float("-inf")
        held = 0
        for number, exchange in enumerate(exchanges):
            stamp = exchange.captured_at
            if stamp is None:
                if not heap:  # a log without times has no order but its own
                    yield exchange
                    continue
                stamp = newest
            elif not stamp.is_integer():
                self._coarse = False
            if stamp < newest:
                self.moved += 1
                self.late += stamp < last
            newest = max(newest, stamp)
            heapq.heappush(heap, (stamp, number, exchange))
            held += _size(exchange)
            while len(heap) > self._window or (held > MAX_BYTES and heap):
                last, _, first = heapq.heappop(heap)
                held -= _size(first)
                yield first
        while heap:
            yield heapq.heappop(heap)[2]

    def _spread(self, exchanges: Iterator[Exchange]) -> Iterator[Exchange]:
        group: list[Exchange] = []
        for exchange in exchanges:
            if group and (exchange.captured_at != group[0].captured_at or len(group) >= MAX_SHARED):
                yield from self._apart(group)
                group = []
            if self._coarse and exchange.captured_at is not None:
                group.append(exchange)
            else:
                yield exchange
        yield from self._apart(group)

    def _apart(self, group: list[Exchange]) -> Iterator[Exchange]:
        for index, exchange in enumerate(group):
            if index and self._coarse and exchange.captured_at is not None:
                exchange = msgspec.structs.replace(exchange, captured_at=exchange.captured_at + index / len(group))
            yield exchange


def _size(exchange: Exchange) -> int:
    recorded = exchange.recorded
    return len(exchange.request.body) + (len(recorded.body) if recorded is not None else 0)
