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
        self._blue, self._green, self._twin = (_empty() for _ in SIDES)
        self._blue_ttft, self._green_ttft, self._twin_ttft = (_empty() for _ in SIDES)

    def add(self, timings: Timings) -> None:
        """Count one pair; a side that gave no answer counts nowhere."""
        t = timings
        if t.blue_s:
            self._blue[bucket(t.blue_s)] += 1
        if t.green_s:
            self._green[bucket(t.green_s)] += 1
        if t.twin_s:
            self._twin[bucket(t.twin_s)] += 1
        if t.blue_ttft_s is not None:
            self._blue_ttft[bucket(t.blue_ttft_s)] += 1
        if t.green_ttft_s is not None:
            self._green_ttft[bucket(t.green_ttft_s)] += 1
        if t.twin_ttft_s is not None:
            self._twin_ttft[bucket(t.twin_ttft_s)] += 1

    def join(self, other: Spread) -> None:
        """Add another worker's counts."""
        for name, theirs in vars(other).items():
            mine = getattr(self, name)
            mine[:] = [a + b for a, b in zip(mine, theirs, strict=True)]

    @property
    def counts(self) -> dict[tuple[str, str], list[int]]:
        """By (measure, side), of those that were measured."""
        total = (self._blue, self._green, self._twin)
        ttft = (self._blue_ttft, self._green_ttft, self._twin_ttft)
        found = {("total", side): counts for side, counts in zip(SIDES, total, strict=True)}
        found |= {("ttft", side): counts for side, counts in zip(SIDES, ttft, strict=True)}
        return {key: counts for key, counts in found.items() if any(counts)}

    def sides(self, measure: str) -> Iterator[tuple[str, list[int]]]:
        """(side, counts) of those that were measured."""
        for (name, side), counts in self.counts.items():
            if name == measure:
                yield side, counts


def _empty() -> list[int]:
    return [0] * (STEPS * DECADES)


def bucket(seconds: float) -> int:
    """The place of `seconds` in the counts; what lies outside is counted at the ends."""
    if seconds <= LOWEST_S:
        return 0
    place = int(STEPS * math.log10(seconds / LOWEST_S))
    return place if place < STEPS * DECADES else STEPS * DECADES - 1


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
