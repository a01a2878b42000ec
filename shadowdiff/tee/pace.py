"""When each exchange is due: as fast as the targets answer, at a fixed rate, or as recorded.

Schedules are absolute: due times come from the start and the position, never from the previous
send, so a late send does not delay the next (peers-replay-and-formats.md 0.1).
"""

from __future__ import annotations

import time
from collections.abc import Callable


class Pacer:
    """Gives due times on the monotonic clock."""

    def __init__(
        self,
        *,
        rate: float | None = None,
        speed: float | None = None,
        max_gap: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`rate` in exchanges a second, or `speed` as a factor on recorded time, or neither: closed loop."""
        self._step = 1.0 / rate if rate else None
        self._speed = speed
        self._max_gap = max_gap
        self._clock = clock
        self._start: float | None = None
        self._count = 0
        self._origin: float | None = None
        self._last: float = 0.0
        self._cut = 0.0

    def due(self, captured_at: float | None) -> float:
        """The due time of the next exchange in reading order; 0.0 means at once."""
        if self._step is None and self._speed is None:
            return 0.0
        if self._start is None:
            self._start = self._clock()
        if self._step is not None:
            self._count += 1
            return self._start + (self._count - 1) * self._step
        return self._start + self._recorded(captured_at)

    def remaining(self, due: float) -> float:
        """Seconds until `due`; not positive when it has passed or nothing is paced."""
        return due - self._clock() if due else 0.0

    def _recorded(self, captured_at: float | None) -> float:
        if captured_at is None:
            return self._last
        if self._origin is None:
            self._origin = captured_at
        offset = (captured_at - self._origin) / (self._speed or 1.0) - self._cut
        if self._max_gap is not None and offset - self._last > self._max_gap:
            self._cut += offset - self._last - self._max_gap
            offset = self._last + self._max_gap
        self._last = max(self._last, offset)
        return self._last
