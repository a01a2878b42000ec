"""Read each criterion's evidence from a tally: one number against its limit, with its interval.

A criterion's E is an e-value (mean at most 1 while the limit holds), so that a weighted sum of them is one too: the
release fails when that sum reaches 1/alpha, whatever is looked at and however often (gate.md 4.2, 5, 6).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from shadowdiff.gate.bets import ENGINES, LATENCIES, SPREAD
from shadowdiff.gate.evidence import Evidence
from shadowdiff.gate.limits import SWITCHES, Limits
from shadowdiff.model.tally import DIVERGENCE, RouteCounts, Shard

SLOTS = 64
"""Routes share half of the evidence in equal, fixed parts; those unseen hold 1, those beyond pool into one."""
OTHER = "other"
_SHARES = frozenset({"errors", "server_errors", "slo_ttfb", "slo_total"})


class Reading(msgspec.Struct, frozen=True):
    """One criterion: estimate and interval on the limit's own scale; `log_fail` and `log_pass` are log E.

    `fails` and `passes` stand in for them where a criterion has intervals only (None: by its E).
    """

    name: str
    limit: float
    n: int
    estimate: float
    low: float
    high: float
    log_fail: float
    log_pass: float
    note: str = ""
    fails: bool | None = None
    passes: bool | None = None


class RouteReading(msgspec.Struct, frozen=True):
    """One route's own evidence against its budget."""

    route: str
    limit: float
    n: int
    log_fail: float
    log_pass: float


def weight(limits: Limits) -> float:
    """Each criterion's share of alpha; fixed by the configuration, before any data."""
    return 1 / len(limits.criteria)


def divergence(total: Shard, paired: bool, limits: Limits, pending: int) -> Reading:
    """The main criterion over all traffic: plain, paired with a twin, or unpaired."""
    if limits.unpaired:
        return _unpaired(total, limits, pending)
    evidence = Evidence(total.bets.get(DIVERGENCE, {}), pending)
    low, high, rate = span(evidence, limits.alpha, limits.beta, 1.0 if paired else None)
    return Reading(
        name=DIVERGENCE,
        limit=limits.max_divergence,
        n=evidence.n,
        estimate=rate,
        low=low,
        high=high,
        log_fail=evidence.log_fail(mark(limits.max_divergence, paired)),
        log_pass=evidence.log_pass(mark(limits.max_divergence + limits.margin, paired)),
    )


def span(evidence: Evidence, alpha: float, beta: float, spread: float | None) -> tuple[float, float, float]:
    """(low, high, mean) on the limit's own scale: bets are (1 + D/R) / 2 for a spread R, shares without one."""
    low, high, mean = evidence.lower(alpha), evidence.upper(beta), evidence.mean if evidence.n else 0.0
    if spread is None:
        return low, high, mean
    return (2 * low - 1) * spread, (2 * high - 1) * spread, (2 * mean - 1) * spread if evidence.n else 0.0


def mark(limit: float, paired: bool) -> float:
    """The threshold on the bet scale: with a twin, bets are (1 + D) / 2 (gate.md section 3)."""
    return (1 + limit) / 2 if paired else limit


def _unpaired(total: Shard, limits: Limits, pending: int) -> Reading:
    """Green's rate over all units less the noise of those that have a control, each at half the error."""
    raw, noise = Evidence(total.bets.get("raw", {}), pending), Evidence(total.bets.get("noise", {}))
    alpha, beta = weight(limits) * limits.alpha / 2, limits.beta / 2
    low = raw.lower(alpha) - noise.upper(alpha)
    high = raw.upper(beta) - noise.lower(beta)
    return Reading(
        name=DIVERGENCE,
        limit=limits.max_divergence,
        n=raw.n,
        estimate=(raw.mean if raw.n else 0.0) - (noise.mean if noise.n else 0.0),
        low=low,
        high=high,
        log_fail=0.0,
        log_pass=0.0,
        note=f"noise from {noise.n} units with a control",
        fails=low >= limits.max_divergence,
        passes=noise.n > 0 and high <= limits.max_divergence + limits.margin,
    )


def others(total: Shard, paired: bool, limits: Limits, pending: int) -> list[Reading]:
    """Every criterion beside divergence that is on."""
    return [_other(name, total, paired, limits, pending) for name in limits.criteria[1:]]


def _other(name: str, total: Shard, paired: bool, limits: Limits, pending: int) -> Reading:
    if name in LATENCIES:
        return _three_ways(name, total, limits, pending)
    limit = limits.slo_share if name.startswith("slo_") else getattr(limits, SWITCHES[name])
    evidence = Evidence(total.bets.get(name, {}), pending)
    spread = _spread(name, paired and not limits.unpaired)
    threshold = limit if spread is None else (1 + limit / spread) / 2
    low, high, estimate = span(evidence, weight(limits) * limits.alpha, limits.beta, spread)
    return Reading(
        name=name,
        limit=limit,
        n=evidence.n,
        estimate=estimate,
        low=low,
        high=high,
        log_fail=evidence.log_fail(threshold),
        log_pass=evidence.log_pass(threshold),
    )


def _spread(name: str, paired: bool) -> float | None:
    """R where bets are (1 + D/R) / 2 for a difference D in [-R, R]; None where they are shares."""
    if name in _SHARES or (name == "critical" and not paired):
        return None
    return SPREAD if name == "similarity" else 1.0


def _three_ways(name: str, total: Shard, limits: Limits, pending: int) -> Reading:
    """Latency by three engines, one third of the evidence each; PASS by the typical request alone (gate.md 6)."""
    engines = [Evidence(total.bets.get(f"{name}_{engine}", {}), pending) for engine in ENGINES]
    typical = engines[0]
    logs = [engine.log_fail(0.5) if engine.n else 0.0 for engine in engines]
    loudest = ENGINES[max(range(len(logs)), key=logs.__getitem__)]
    return Reading(
        name=name,
        limit=getattr(limits, SWITCHES[name]),
        n=typical.n,
        estimate=typical.mean if typical.n else 0.0,
        low=typical.lower(weight(limits) * limits.alpha),
        high=typical.upper(limits.beta),
        log_fail=mix(logs),
        log_pass=typical.log_pass(0.5),
        note=f"share of units slower than the tolerance, half is even; most evidence: {loudest}",
    )


def mix(logs: Sequence[float], weights: Sequence[float] | None = None, rest: float = 0.0) -> float:
    """log of the weighted sum of E given as logs, plus `rest`; equal weights that add up to 1 without `weights`."""
    weights = weights or [1 / len(logs)] * len(logs)
    parts = [log + math.log(w) for log, w in zip(logs, weights, strict=True) if w > 0]
    if rest > 0:
        parts.append(math.log(rest))
    top = max(parts)
    return top if math.isinf(top) else top + math.log(sum(math.exp(part - top) for part in parts))


def with_routes(aggregate: float, routes: Sequence[RouteReading], slots: int = SLOTS, left_out: int = 0) -> float:
    """log(1/2 E_aggregate + 1/2 mean over slots of E_route); a slot without a route holds 1 (gate.md 4.2).

    `left_out` slots were not looked at and hold 0.
    """
    unseen = (slots - len(routes) - left_out) / slots
    return mix(
        [aggregate, *(route.log_fail for route in routes)],
        [0.5, *([0.5 / slots] * len(routes))],
        0.5 * max(0.0, unseen),
    )


def read_routes(total: Shard, paired: bool, limits: Limits, pending: bool, quick: bool = False) -> list[RouteReading]:
    """Each route's evidence against its budget; beyond SLOTS - 1 routes the rest is pooled as `other`.

    Which routes have a slot depends on names alone (those with a budget of their own first), so that any order of
    merging agrees.
    `quick` leaves out routes at or below their budget: their evidence is small, and a look must be cheap.
    """
    if limits.unpaired:
        return []
    order = sorted(total.routes, key=lambda name: (limits.route_limit(name) == limits.max_divergence, name))
    own, pooled = (order, []) if len(order) <= SLOTS else (order[: SLOTS - 1], order[SLOTS - 1 :])
    counted = [(name, total.routes[name], limits.route_limit(name)) for name in own]
    if pooled:
        rest = RouteCounts()
        for name in pooled:
            rest = rest.plus(total.routes[name])
        counted.append((OTHER, rest, limits.max_divergence))
    found = []
    for name, counts, limit in counted:
        evidence = Evidence(counts.bets, counts.open if pending else 0)
        threshold = mark(limit, paired)
        if not evidence.n or (quick and evidence.mean <= threshold):
            continue
        found.append(
            RouteReading(name, limit, evidence.n, evidence.log_fail(threshold), evidence.log_pass(threshold))
        )
    return found


def culprits(routes: Sequence[RouteReading], alpha: float) -> list[RouteReading]:
    """Routes that differ more than they may, by e-BH over the slots: at most alpha of them are named wrongly."""
    ranked = sorted(routes, key=lambda route: -route.log_fail)
    found = 0
    for number, route in enumerate(ranked, 1):
        if route.log_fail >= math.log(SLOTS / (number * alpha)):
            found = number
    return ranked[:found]
