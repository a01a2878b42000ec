"""Spare a green that does not answer: after a run of failures live copies are dropped, with a probe now and then.

A batch sends every exchange whatever green does, since each failure is evidence. A live run has evidence enough by
then (a FAIL needs fewer failures than open the breaker) and must not heap up calls that wait for their deadline.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from shadowdiff.model.exchange import Observation, Role
from shadowdiff.tee.brake import FIRST_S, LONGEST_S, Brake

FAILURES = 40
"""In a row: twice what a FAIL needs by default."""
OPEN = "green does not answer (its breaker is open)"


class Breaker(Brake):
    """A brake that also watches green."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._failures = 0
        self._until_probe = 0.0
        self._wait = FIRST_S
        self.opened = 0
        """How often it has opened."""

    def note(self, seen: Observation, expected_status: int = 0, route: str = "") -> None:
        """Take one observation into account."""
        super().note(seen, expected_status, route)
        if seen.role is not Role.GREEN:
            return
        if seen.failure is None:
            self._failures, self._wait = 0, FIRST_S
            return
        self._failures += 1
        if self._failures == FAILURES:
            self.opened += 1
            self._put_off()

    def resting(self) -> str:
        """Why the next copy is not sent, or empty. While it is open one copy in a while goes out as a probe."""
        if self._failures < FAILURES:
            return ""
        if self._clock() < self._until_probe:
            return OPEN
        self._put_off()
        return ""

    def _put_off(self) -> None:
        self._until_probe = self._clock() + self._wait
        self._wait = min(self._wait * 2, LONGEST_S)
