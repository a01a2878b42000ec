"""The default gate: read a tally's evidence against the limit, behind the floors and preconditions.

In order: nothing judged, blue not as in production, blue unlike itself, green down, FAIL, PASS, else
inconclusive. No evidence is never a pass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec

from shadowdiff.errors import Exit
from shadowdiff.gate import say
from shadowdiff.gate.evidence import Evidence, binary
from shadowdiff.model.tally import DIVERGENCE, LAG_BUCKETS, RouteCounts, Shard, Tally, quantile
from shadowdiff.model.verdict import (
    Divergence,
    RouteResult,
    RuleResult,
    Status,
    Verdict,
)

FIDELITY_MIN = 0.90
FIDELITY_ASKED = 20
ERRORED_MAX = 0.05
CONTROLS_MIN = 10
MAX_ROUTES_SHOWN = 400


EXIT_OF = {
    Status.PASS: Exit.PASS,
    Status.FAIL: Exit.FAIL,
    Status.INCONCLUSIVE: Exit.INCONCLUSIVE,
    Status.ERROR: Exit.UNMEASURED,
    Status.ABORTED: Exit.INTERRUPTED,
}


class Limits(msgspec.Struct, frozen=True):
    """What the gate is told. Shares are 0..1; `margin` widens the PASS side (gate.md 2.3)."""

    max_divergence: float = 0.05
    alpha: float = 0.01
    beta: float = 0.05
    margin: float = 0.0
    min_fail: int = 20
    min_pass: int = 100
    after: int = 30
    must_cover: tuple[str, ...] = ()
    mode: str = "evidence"


class EvidenceGate:
    """mode = "evidence": the anytime-valid test of gate.md."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def judge(self, tally: Tally) -> Verdict:
        """The verdict on everything settled so far, reading what is in flight against the decision."""
        limits, total = self._limits, tally.total()
        divergence = measure(tally, limits)
        status, reason = precondition(total, tally.paired, limits)
        rules: list[RuleResult] = []
        if status is None:
            status, reason = self._decide(total, divergence)
        n = divergence.n
        rules.append(
            RuleResult(
                name="divergence",
                status=status if status in (Status.PASS, Status.FAIL) else Status.INCONCLUSIVE,
                limit=limits.max_divergence,
                estimate=divergence.rate,
                low=divergence.low,
                high=divergence.high,
                n=n,
                note=f"{divergence.unit}s; evidence mode",
            )
        )
        return finish(total, status, reason, divergence, rules, limits, tally.paired)

    def fails(self, shard: Shard, paired: bool) -> bool:
        """Whether FAIL is already certain enough, whatever is in flight answers. Cheap: for live looks."""
        if shard.units < self._limits.min_fail:
            return False
        evidence = Evidence(shard.bets.get(DIVERGENCE, {}), shard.open_units)
        enough = evidence.log_fail(mark(self._limits.max_divergence, paired)) >= -math.log(self._limits.alpha)
        return enough and precondition(shard, paired, self._limits)[0] is None

    def passes(self, shard: Shard, paired: bool) -> bool:
        """The same for PASS."""
        limits = self._limits
        if shard.units < limits.min_pass:
            return False
        evidence = Evidence(shard.bets.get(DIVERGENCE, {}), shard.open_units)
        if evidence.log_pass(mark(limits.max_divergence + limits.margin, paired)) < -math.log(limits.beta):
            return False
        blocked = uncovered(shard, limits.must_cover) or too_many_errored(shard)
        return not blocked and precondition(shard, paired, limits)[0] is None

    def _decide(self, total: Shard, divergence: Divergence) -> tuple[Status, str]:
        limits = self._limits
        if total.green_down and not total.green_answered and total.green_down == total.ledger.mismatched:
            return Status.FAIL, say.green_down(total)
        if divergence.n >= limits.min_fail and divergence.log_e_fail >= -math.log(limits.alpha):
            return Status.FAIL, say.fail(divergence)
        if divergence.n >= limits.min_pass and divergence.log_e_pass >= -math.log(limits.beta):
            blocked = uncovered(total, limits.must_cover) or too_many_errored(total)
            return (Status.INCONCLUSIVE, blocked) if blocked else (Status.PASS, say.passed(divergence))
        return Status.INCONCLUSIVE, say.undecided(divergence, limits.min_fail, limits.min_pass)


def mark(limit: float, paired: bool) -> float:
    """The threshold on the bet scale: with a twin, bets are (1 + D) / 2 (gate.md section 3)."""
    return (1 + limit) / 2 if paired else limit


def measure(tally: Tally, limits: Limits) -> Divergence:
    """Estimate, interval and evidence of the main criterion.

    Once a run is over, units still open are sessions cut by its end, not by an outcome: they are left out.
    """
    total, paired = tally.total(), tally.paired
    evidence = Evidence(total.bets.get(DIVERGENCE, {}), 0 if tally.complete else total.open_units)
    low, high = evidence.lower(limits.alpha), evidence.upper(limits.beta)
    rate = evidence.mean
    noise: dict[str, object] = {}
    if paired:
        low, high, rate = 2 * low - 1, 2 * high - 1, 2 * rate - 1
        raw = total.ledger.mismatched / max(1, _judged(total))
        noise = {"kind": "twin", "raw_rate": raw, "excess": True}
    elif total.controls:
        noise = {"kind": "blue asked twice", "excess": False}
    if total.controls:
        noise |= {
            "n": total.controls,
            "mismatched": total.controls_mismatched,
            "rate": total.controls_mismatched / total.controls,
        }
    return Divergence(
        n=evidence.n,
        mismatched=total.ledger.mismatched,
        rate=rate if evidence.n else 0.0,
        low=low,
        high=high,
        limit=limits.max_divergence,
        unit=_unit(total),
        log_e_fail=evidence.log_fail(mark(limits.max_divergence, paired)),
        log_e_pass=evidence.log_pass(mark(limits.max_divergence + limits.margin, paired)),
        noise=noise,
    )


def interval(tally: Tally, limits: Limits) -> tuple[float, float]:
    """The interval of the main criterion so far, for the progress line."""
    found = measure(tally, limits)
    return found.low, found.high


def precondition(total: Shard, paired: bool, limits: Limits) -> tuple[Status | None, str]:
    """What forbids both FAIL and PASS, with the reason; (None, "") when the evidence may speak."""
    ledger = total.ledger
    if not _judged(total):
        if total.blue_asked and set(total.blue_statuses) == {0} and total.blue_bad == total.blue_asked:
            return Status.ERROR, say.blue_unreachable(total)
        return Status.INCONCLUSIVE, say.nothing_judged(total)
    asked = total.blue_asked
    if asked >= FIDELITY_ASKED and 1 - total.blue_bad / asked < FIDELITY_MIN:
        return Status.INCONCLUSIVE, say.low_fidelity(total, 1 - total.blue_bad / asked)
    if not paired and total.controls >= CONTROLS_MIN:
        noise = Evidence(binary(total.controls_mismatched, total.controls))
        if noise.lower(limits.alpha) > limits.max_divergence:
            return Status.INCONCLUSIVE, say.unreliable(total, limits.max_divergence)
    if ledger.sent and ledger.errored == ledger.sent:
        return Status.INCONCLUSIVE, say.nothing_judged(total)
    return None, ""


def uncovered(total: Shard, must_cover: Sequence[str]) -> str:
    """A sentence naming the required routes that no judged exchange reached, or an empty string."""
    reached = [route for route, counts in total.routes.items() if counts.judged]
    missing = [want for want in must_cover if not any(_named(route, want) for route in reached)]
    return say.not_covered(missing) if missing else ""


def too_many_errored(total: Shard) -> str:
    """A sentence when errored exchanges are too many for a PASS, or an empty string."""
    ledger = total.ledger
    if ledger.sent and ledger.errored / ledger.sent > ERRORED_MAX:
        return say.errored(ledger.errored, ledger.sent, ERRORED_MAX)
    return ""


def finish(
    total: Shard,
    status: Status,
    reason: str,
    divergence: Divergence,
    rules: Sequence[RuleResult],
    limits: Limits,
    paired: bool,
) -> Verdict:
    """The verdict with everything it rests on."""
    asked = total.blue_asked
    notes = []
    if status is Status.FAIL and (why := uncovered(total, limits.must_cover)):
        notes.append(why)
    if divergence.unit == "unit":
        notes.append("A unit is a session, or a request that has none.")
    if paired:
        notes.append("The gate decides on excess over noise: green's divergence less the twin's.")
    return Verdict(
        verdict=status,
        reason=reason,
        exit_code=int(EXIT_OF[status]),
        fidelity=round(1 - total.blue_bad / asked, 6) if asked else None,
        ledger=total.ledger.as_dict(),
        divergence=divergence,
        rules=tuple(rules),
        routes=routes_of(total, limits),
        latency=_latency(total),
        reasons=dict(sorted(total.ledger.reasons.items(), key=lambda item: -item[1])),
        explanation=say.explain(status, divergence, limits.alpha, limits.beta),
        notes=tuple(notes),
    )


def routes_of(total: Shard, limits: Limits) -> tuple[RouteResult, ...]:
    """Routes for display, the most divergent first. Their intervals are not corrected for looking at many."""
    results = [_route(name, counts, limits) for name, counts in total.routes.items()]
    results.sort(key=lambda r: (-r.low, -r.mismatched, -r.n, r.route))
    return tuple(results[:MAX_ROUTES_SHOWN])


def _route(name: str, counts: RouteCounts, limits: Limits) -> RouteResult:
    n, k = counts.judged, counts.mismatched
    evidence = Evidence(binary(k, n))
    fired = sorted(counts.rules, key=lambda rule: -counts.rules[rule])
    return RouteResult(
        route=name,
        n=n,
        mismatched=k,
        ignored=counts.ignored,
        errored=counts.errored,
        rate=k / n if n else 0.0,
        low=evidence.lower(limits.alpha),
        high=evidence.upper(limits.beta),
        rules=tuple(fired[:5]),
        worst=counts.worst,
        blue_ms=round(1000 * counts.blue_s / counts.sent, 3) if counts.sent else 0.0,
        green_ms=round(1000 * counts.green_s / counts.sent, 3) if counts.sent else 0.0,
    )


def _latency(total: Shard) -> dict[str, object]:
    """Send to end, by side, and lag against due time; quantiles are bucket bounds. No latency rule is on."""
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


def _unit(total: Shard) -> str:
    """What was counted: a session of several turns is one unit; a mix of both is called unit."""
    if not total.session_units:
        return "request"
    return "session" if total.session_units == total.units else "unit"


def _judged(total: Shard) -> int:
    ledger = total.ledger
    return ledger.matched + ledger.mismatched + ledger.ignored


def _named(route: str, want: str) -> bool:
    plain = route.split(" [")[0]
    return plain == want or fnmatchcase(plain, want)
