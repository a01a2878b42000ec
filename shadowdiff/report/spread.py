"""How long answers took, by side: counts in steps of 12 % from 0.1 ms to 1000 s, in constant memory.

`total` is send to end, `ttft` send to the first visible text of a streamed chat answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from shadowdiff.model.comparison import Timings

STEPS = 20
"""Buckets a decade: each is 12.2 % wide, so a quantile read from them is at most that far off."""
DECADES = 7
LOWEST_S = 1e-4
SIDES = ("blue", "green", "twin")


class Spread:
    """Histograms of both measures for the three sides."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], list[int]] = {}

    def add(self, timings: Timings) -> None:
        """Count one pair; a side that gave no answer counts nowhere."""
        t = timings
        for side, total, ttft in (
            ("blue", t.blue_s, t.blue_ttft_s),
            ("green", t.green_s, t.green_ttft_s),
            ("twin", t.twin_s, t.twin_ttft_s),
        ):
            if total:
                self._count("total", side, total)
            if ttft is not None:
                self._count("ttft", side, ttft)

    def _count(self, measure: str, side: str, seconds: float) -> None:
        counts = self.counts.get((measure, side))
        if counts is None:
            counts = self.counts[measure, side] = [0] * (STEPS * DECADES)
        counts[bucket(seconds)] += 1

    def sides(self, measure: str) -> Iterator[tuple[str, list[int]]]:
        """(side, counts) of those that were measured."""
        for side in SIDES:
            if (measure, side) in self.counts:
                yield side, self.counts[measure, side]


def bucket(seconds: float) -> int:
    """The place of `seconds` in the counts; what lies outside is counted at the ends."""
    if seconds <= LOWEST_S:
        return 0
    return min(STEPS * DECADES - 1, int(STEPS * math.log10(seconds / LOWEST_S)))


def upper(place: int) -> float:
    """The upper bound of a bucket in seconds."""
    return float(LOWEST_S * 10 ** ((place + 1) / STEPS))


def quantile(counts: list[int], share: float) -> float:
    """The upper bound in seconds of the bucket in which the `share` quantile lies; 0 without counts."""
    total, seen = sum(counts), 0
    for place, count in enumerate(counts):
        seen += count
        if count and seen >= share * total:
            return upper(place)
    return 0.0
