"""A rate over time in one line of blocks, from times in any order, in bounded memory."""

from __future__ import annotations

from shadowdiff.report.plain import bars
from shadowdiff.units import show_duration

BINS = 60


class Rate:
    """Counts events in at most sixty bins; the bins widen as the span grows."""

    def __init__(self) -> None:
        self._counts = [0] * BINS
        self._width = 0.001
        self._start: float | None = None

    def add(self, moment: float) -> None:
        """Count one event at `moment` (epoch seconds)."""
        if self._start is None:
            self._start = moment
        while moment < self._start:
            self._back()
        while moment >= self._start + BINS * self._width:
            self._counts = [a + b for a, b in zip(self._counts[::2], self._counts[1::2], strict=True)] + [0] * (
                BINS // 2
            )
            self._width *= 2
        self._counts[int((moment - self._start) / self._width)] += 1

    def _back(self) -> None:
        """Widen to the left: an earlier time came late."""
        pairs = [a + b for a, b in zip(self._counts[::2], self._counts[1::2], strict=True)]
        self._counts = [0] * (BINS // 2) + pairs
        self._start = (self._start or 0.0) - BINS * self._width
        self._width *= 2

    def line(self) -> str:
        """The chart with its scale, empty without events."""
        used = [index for index, count in enumerate(self._counts) if count]
        if not used or len(used) < 2:
            return ""
        shown = self._counts[used[0] : used[-1] + 1]
        top = max(shown) / self._width
        return f"{bars(shown)}  a bin {show_duration(self._width)}, highest {top:.3g}/s"
