"""Spare the targets: back off on 429, honor Retry-After, and stop pressing a blue that sickens.

A 429 or an overloaded 503 from any target pauses all sending (targets often share one model
account). A blue that fails half of its last 20 answers opens the breaker: a pause that doubles
from 1 s to 30 s; after five pauses without recovery the run is given up. A blue that has become
several times as slow on a route as it was in this run gets such pauses too, without an end.
"""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from shadowdiff.model.exchange import Failure, Observation, Response, Role

WINDOW = 20
FIRST_S = 1.0
LONGEST_S = 30.0
GIVE_UP = 5
SLOWER = 5.0
SLOWER_S = 1.0
"""A route is slow where the middle of 20 first bytes is both this many times and this much above its best."""
MAX_ROUTES = 50
_RETRY_CAP_S = 60.0
_REST = (429, 503, 529)


class Brake:
    """Watches observations and says when the next exchange may go out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = 0.0
        self._pause = FIRST_S
        self._throttle = FIRST_S
        self._recent: deque[bool] = deque(maxlen=WINDOW)
        self._opened = 0
        self.throttled = 0
        """429 and overloaded answers seen, for the summary."""
        self.slowed = 0
        """Pauses because blue had become slow."""
        self._spans: dict[str, list[float]] = {}
        self._best: dict[str, float] = {}
        self.given_up = ""
        """Why sending was given up, or empty."""

    def note(self, seen: Observation, expected_status: int = 0, route: str = "") -> None:
        """Take one observation into account. A recorded 5xx is how blue behaves: no sign of sickness."""
        response = seen.response
        if response is not None and response.status in _REST and _asks_for_rest(response):
            self.throttled += 1
            rest = _retry_after(response.header("retry-after"))
            if rest is None:
                rest, self._throttle = self._throttle, min(self._throttle * 2, LONGEST_S)
            self._hold(min(rest, _RETRY_CAP_S))
        elif seen.role is Role.BLUE and self._throttle > FIRST_S:
            self._throttle = max(FIRST_S, self._throttle / 2)
        if seen.role is Role.BLUE:
            self._blue(seen, expected_status)
            if seen.first_byte_s:
                self._pace(seen.first_byte_s, route)

    def remaining(self) -> float:
        """Seconds until sending may go on; a later 429 may move the end."""
        return self._until - self._clock()

    def _blue(self, seen: Observation, expected_status: int) -> None:
        sick = (seen.failure is not None and seen.failure is not Failure.RACE) or (
            seen.status >= 500 and not expected_status >= 500
        )
        self._recent.append(sick)
        if not sick:
            if self._opened and sum(self._recent) * 2 < len(self._recent):
                self._pause, self._opened = FIRST_S, 0
            return
        if len(self._recent) == WINDOW and sum(self._recent) * 2 >= WINDOW:
            self._recent.clear()
            self._opened += 1
            if self._opened >= GIVE_UP:
                self.given_up = f"blue failed at least half of its answers through {GIVE_UP} pauses"
            self._hold(self._pause)
            self._pause = min(self._pause * 2, LONGEST_S)

    def _pace(self, first_byte_s: float, route: str) -> None:
        """Look at every 20 answers of a route whether blue has become slow under what it is asked."""
        spans = self._spans.get(route)
        if spans is None:
            if len(self._spans) >= MAX_ROUTES:
                return
            spans = self._spans[route] = []
        spans.append(first_byte_s)
        if len(spans) < WINDOW:
            return
        middle = statistics.median(spans)
        spans.clear()
        best = self._best.get(route, middle)
        self._best[route] = min(best, middle)
        if middle > max(SLOWER * best, best + SLOWER_S):
            self.slowed += 1
            self._hold(self._pause)
            self._pause = min(self._pause * 2, LONGEST_S)
        elif not self._opened:
            self._pause = FIRST_S

    def _hold(self, seconds: float) -> None:
        self._until = max(self._until, self._clock() + seconds)


def _asks_for_rest(response: Response) -> bool:
    return response.status != 503 or response.header("retry-after") is not None


def _retry_after(value: str | None) -> float | None:
    """Seconds from a Retry-After header (RFC 9110 section 10.2.3): a number or a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment.tzinfo else None
