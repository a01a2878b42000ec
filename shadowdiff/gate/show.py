"""What a verdict shows beside its decision: routes, signals and latencies of a tally."""

from __future__ import annotations

import math

from shadowdiff.gate.criteria import mark, span
from shadowdiff.gate.evidence import Evidence
from shadowdiff.gate.limits import Limits
from shadowdiff.model.tally import LAG_BUCKETS, RouteCounts, Shard, quantile
from shadowdiff.model.verdict import RouteResult, SignalResult

MAX_ROUTES = 400
SIGNALS = ("similarity", "length", "topic", "numbers", "names", "negations", "items")
"""Bets of `score.signals`, by the names it gives them."""


def routes_of(total: Shard, paired: bool, limits: Limits) -> tuple[RouteResult, ...]:
    """Routes for display, the most divergent first. Their intervals are not corrected for looking at many."""
    results = [_route(name, counts, paired, limits) for name, counts in total.routes.items() if counts.sent]
    results.sort(key=lambda r: (-r.low, -r.mismatched, -r.n, r.route))
    return tuple(results[:MAX_ROUTES])


def _route(name: str, counts: RouteCounts, paired: bool, limits: Limits) -> RouteResult:
    """One route: exchanges in the counts, closed units in rate and interval."""
    limit = limits.route_limit(name)
    evidence = Evidence(counts.bets)
    spread = 1.0 if paired and not limits.unpaired else None
    low, high, rate = span(evidence, limits.alpha, limits.beta, spread)
    fired = sorted(counts.rules, key=lambda rule: (-counts.rules[rule], rule))
    return RouteResult(
        route=name,
        n=counts.judged,
        mismatched=counts.mismatched,
        ignored=counts.ignored,
        errored=counts.errored,
        rate=rate,
        low=low,
        high=high,
        limit=limit,
        covered=limits.unpaired or could_pass(evidence.n, mark(limit, paired), limits.beta),
        rules=tuple(fired[:5]),
        worst=counts.worst,
        blue_ms=round(1000 * counts.blue_s / counts.sent, 3) if counts.sent else 0.0,
        green_ms=round(1000 * counts.green_s / counts.sent, 3) if counts.sent else 0.0,
    )


def could_pass(n: int, threshold: float, beta: float) -> bool:
    """Whether `n` units without any difference would be PASS evidence: fewer say nothing either way."""
    lowest = 32 if threshold >= 0.5 else 0  # a paired unit without a difference bets 1/2
    return Evidence({lowest: n}).log_pass(threshold) >= -math.log(beta) if n else False


def signals_of(total: Shard, limits: Limits) -> tuple[SignalResult, ...]:
    """Mean excess over the twin of each signal, with its interval; reported, and decided on only by its limit."""
    out = []
    for name in SIGNALS:
        if name in total.bets and not (name == "similarity" and limits.max_similarity_drop is not None):
            evidence = Evidence(total.bets[name])
            low, high, mean = span(evidence, limits.alpha, limits.beta, 1.0)
            out.append(SignalResult(name, evidence.n, mean, low, high))
    return tuple(out)


def latency(total: Shard) -> dict[str, object]:
    """Send to end, by side, and lag against due time; quantiles are bucket bounds."""
    out: dict[str, object] = {}
    for side, counts in total.latency.items():
        n = sum(counts)
        out[side] = {
            "n": n,
            "mean_s": round(total.seconds[side] / n, 6),
            "p50_at_most_s": _finite(quantile(counts, 0.5)),
            "p99_at_most_s": _finite(quantile(counts, 0.99)),
        }
    if total.lag:
        out["lag"] = {
            "n": sum(total.lag),
            "p50_at_most_s": _finite(quantile(total.lag, 0.5, LAG_BUCKETS)),
            "p99_at_most_s": _finite(quantile(total.lag, 0.99, LAG_BUCKETS)),
            "worst_s": total.worst_lag_s,
            "late": total.late,
            "kept_pace": total.kept_pace,
        }
    return out


def _finite(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else value
