"""What the live page shows: verdict and interval over time, routes, latencies, findings, drops, rules."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from shadowdiff import redact
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.exchange import Pair
from shadowdiff.model.tally import BUCKETS, Tally
from shadowdiff.model.trace import trace_id
from shadowdiff.model.verdict import Verdict
from shadowdiff.report.causes import Causes
from shadowdiff.run.reload import Reloader
from shadowdiff.run.setup import Plan

POINTS = 300
FINDINGS = 20
ROUTES = 15
CAUSES = 6
Exemplar = tuple[str, float, float]


class Point(msgspec.Struct, array_like=True, frozen=True):
    """The estimate at one moment: epoch seconds, units, low, rate, high."""

    at: float
    n: int
    low: float
    rate: float
    high: float


class Board:
    """A sink that keeps the last findings and one trace a latency bucket, and paints the state when asked."""

    def __init__(self, ready: Plan, clock: Callable[[], float] = time.monotonic) -> None:
        self._ready = ready
        self._clock = clock
        self._begun = clock()
        self._points: deque[Point] = deque(maxlen=POINTS)
        self._findings: deque[dict[str, Any]] = deque(maxlen=FINDINGS)
        self.exemplars: dict[tuple[str, int], Exemplar] = {}
        """(side, bucket) to the trace of the last answer there, its seconds, and when."""

    def add(self, comparison: Comparison, pair: Pair) -> None:
        """Take note of a pair."""
        now = datetime.now(UTC).timestamp()
        trace = trace_id(comparison.run, comparison.id)
        for side, seconds in (("blue", comparison.timings.blue_s), ("green", comparison.timings.green_s)):
            if seconds > 0:
                self.exemplars[side, bisect_left(BUCKETS, seconds)] = (trace, seconds, now)
        if comparison.outcome is Outcome.MISMATCHED:
            self._findings.appendleft(
                {
                    "id": comparison.id, "route": redact.text(comparison.route), "at": now,
                    "rules": list(comparison.rules), "why": redact.text(comparison.why)[:300],
                }
            )  # fmt: skip

    def mark(self, verdict: Verdict) -> None:
        """Keep the estimate of this moment."""
        self._points.append(_point(verdict))

    def close(self, tally: Tally, verdict: Verdict | None) -> None:
        """Nothing to do."""

    def state(self, verdict: Verdict, reloader: Reloader, causes: Causes) -> dict[str, Any]:
        """Everything the page shows, as JSON values."""
        d = verdict.divergence
        latest = reloader.versions[-1]
        return {
            "verdict": verdict.verdict,
            "reason": verdict.reason,
            "service": verdict.service,
            "candidate": verdict.candidate,
            "divergence": {"n": d.n, "rate": d.rate, "low": d.low, "high": d.high, "limit": d.limit, "unit": d.unit},
            "points": [*self._points, _point(verdict)],
            "ledger": verdict.ledger,
            "reasons": dict(sorted(verdict.reasons.items(), key=lambda item: -item[1])[:6]),
            "routes": [
                {"route": r.route, "n": r.n, "mismatched": r.mismatched, "rate": r.rate, "low": r.low, "high": r.high}
                for r in verdict.routes[:ROUTES]
            ],
            "latency": msgspec.to_builtins(verdict.latency),
            "findings": list(self._findings),
            "causes": ["; ".join(said) for said in causes.lines(CAUSES)],
            "in_flight": self._ready.tee.in_flight,
            "stopping": self._ready.tee.stopping,
            "up_s": round(self._clock() - self._begun),
            "config": {
                "hash": latest.hash, "since": latest.since, "changed": list(latest.changed), "trial": latest.trial,
                "reloads": reloader.counts.reloads, "error": redact.text(reloader.error),
            },
        }  # fmt: skip


def _point(verdict: Verdict) -> Point:
    d = verdict.divergence
    return Point(datetime.now(UTC).timestamp(), d.n, d.low, d.rate, d.high)
