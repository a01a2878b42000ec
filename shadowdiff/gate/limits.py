"""What the gate is told before it sees data: limits, error rates, floors, and which criteria are on."""

from __future__ import annotations

from fnmatch import fnmatchcase

import msgspec

from shadowdiff.errors import Exit
from shadowdiff.model.tally import DIVERGENCE
from shadowdiff.model.verdict import Status

EXIT_OF = {
    Status.PASS: Exit.PASS,
    Status.FAIL: Exit.FAIL,
    Status.INCONCLUSIVE: Exit.INCONCLUSIVE,
    Status.ERROR: Exit.UNMEASURED,
    Status.ABORTED: Exit.INTERRUPTED,
}


class RouteLimit(msgspec.Struct, frozen=True):
    """A route named by the operator: its own budget, and PASS evidence of its own is needed."""

    match: str
    max_divergence: float


class Limits(msgspec.Struct, frozen=True):
    """What the gate is told. Shares are 0..1; `margin` widens the PASS side (gate.md 2.3).

    Criteria beside divergence are off, and take no alpha, until their limit is set (None: off). `unpaired` says that
    only a share of the units has a twin's control, so that noise is subtracted as a rate, not unit by unit. `unit` is
    auto (sessions where there are any) or request. `max_mismatches` is of mode census.
    """

    max_divergence: float = 0.05
    alpha: float = 0.01
    beta: float = 0.05
    margin: float = 0.0
    min_fail: int = 20
    min_pass: int = 100
    after: int = 30
    must_cover: tuple[str, ...] = ()
    mode: str = "evidence"
    routes: tuple[RouteLimit, ...] = ()
    unit: str = "auto"
    unpaired: bool = False
    max_mismatches: int = 0
    max_errors: float | None = None
    max_critical: float | None = None
    max_similarity_drop: float | None = None
    max_slowdown: float | None = None
    max_ttft_slowdown: float | None = None
    max_token_growth: float | None = None
    max_5xx: float | None = None
    slo_ttfb_s: float | None = None
    slo_total_s: float | None = None
    slo_share: float = 0.01
    lang: str = "en"

    @property
    def criteria(self) -> tuple[str, ...]:
        """Names of the criteria that are on, divergence first: each has the same share of alpha."""
        on = [DIVERGENCE]
        on += [name for name, field in SWITCHES.items() if getattr(self, field) is not None]
        return tuple(on)

    @property
    def timed(self) -> bool:
        """Whether a criterion rests on latencies, which only a run that kept pace can give."""
        return not {"latency", "ttft", "slo_ttfb", "slo_total"}.isdisjoint(self.criteria)

    def route_limit(self, route: str) -> float:
        """The budget of one route: its own where it is named, else the release's."""
        return next((r.max_divergence for r in self.routes if names(route, r.match)), self.max_divergence)


SWITCHES = {
    "errors": "max_errors",
    "critical": "max_critical",
    "similarity": "max_similarity_drop",
    "latency": "max_slowdown",
    "ttft": "max_ttft_slowdown",
    "tokens": "max_token_growth",
    "server_errors": "max_5xx",
    "slo_ttfb": "slo_ttfb_s",
    "slo_total": "slo_total_s",
}
"""Criterion to the limit that turns it on."""


def names(route: str, want: str) -> bool:
    """Whether `want` (a route, or a pattern with *) names `route`; what a route was split by does not count."""
    plain = route.split(" [")[0]
    return route == want or plain == want or fnmatchcase(plain, want)
