"""The default gate: read a tally's evidence against the limits, behind the floors and preconditions.

In order: nothing judged, blue not as in production, blue unlike itself, sessions counted as requests, pace lost where
latency counts, green down, FAIL, PASS, else inconclusive. No evidence is never a pass.

FAIL when the weighted sum of all evidence reaches 1/alpha: equal parts a criterion, and divergence itself half over
all traffic, half over routes. PASS when every criterion has PASS evidence, no route fails, and named routes pass too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from shadowdiff.gate import criteria
from shadowdiff.gate.criteria import Reading, RouteReading
from shadowdiff.gate.evidence import Evidence, binary
from shadowdiff.gate.limits import EXIT_OF, Limits, names
from shadowdiff.gate.show import latency, routes_of, signals_of
from shadowdiff.gate.words import words
from shadowdiff.model.tally import Shard, Tally
from shadowdiff.model.verdict import Divergence, RuleResult, Status, Verdict

FIDELITY_MIN = 0.90
FIDELITY_ASKED = 20
ERRORED_MAX = 0.05
CONTROLS_MIN = 10
NOISE_MAX = 0.5
"""Where blue and its twin differ more often, next to nothing green does could be told from it."""
CORRELATION_MAX = 0.02
CORRELATION_SESSIONS = 20
"""Sessions of several turns before their correlation is believed (gate.md 4.1)."""


class EvidenceGate:
    """mode = "evidence": the anytime-valid test of gate.md."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def judge(self, tally: Tally) -> Verdict:
        """The verdict on everything settled so far, reading what is in flight against the decision.

        Once a run is over, units still open are sessions cut by its end, not by an outcome: they are left out.
        """
        limits, total = self._limits, tally.total()
        pending = 0 if tally.complete else total.open_units
        main = criteria.divergence(total, tally.paired, limits, pending)
        rest = criteria.others(total, tally.paired, limits, pending)
        routes = criteria.read_routes(total, tally.paired, limits, pending > 0)
        divergence = measured(total, tally.paired, limits, main)
        found: Sequence[RouteReading] = ()
        status, reason = precondition(total, tally.paired, limits)
        if status is None:
            found = criteria.culprits(routes, limits.alpha)
            status, reason = self._decide(total, divergence, main, rest, routes)
        rules = [_rule(reading, main, routes, limits, divergence.unit) for reading in (main, *rest)]
        return finish(total, status, reason, divergence, rules, limits, tally.paired, found if rules else ())

    def fails(self, shard: Shard, paired: bool) -> bool:
        """Whether FAIL is already certain enough, whatever is in flight answers. Cheap: for live looks."""
        if shard.units < self._limits.min_fail:
            return False
        pending = shard.open_units
        main = criteria.divergence(shard, paired, self._limits, pending)
        rest = criteria.others(shard, paired, self._limits, pending)
        routes = criteria.read_routes(shard, paired, self._limits, True, quick=True)
        left_out = min(len(shard.routes), criteria.SLOTS) - len(routes)
        if not enough(main, rest, routes, self._limits, left_out):
            return False
        return precondition(shard, paired, self._limits)[0] is None

    def passes(self, shard: Shard, paired: bool) -> bool:
        """The same for PASS."""
        limits, pending = self._limits, shard.open_units
        if shard.units < limits.min_pass:
            return False
        main = criteria.divergence(shard, paired, limits, pending)
        if not _passes(main, limits):
            return False
        rest = criteria.others(shard, paired, limits, pending)
        routes = criteria.read_routes(shard, paired, limits, True)
        return not self._held_back(shard, main, rest, routes) and precondition(shard, paired, limits)[0] is None

    def _decide(
        self,
        total: Shard,
        shown: Divergence,
        main: Reading,
        rest: Sequence[Reading],
        routes: Sequence[RouteReading],
    ) -> tuple[Status, str]:
        limits, say = self._limits, words(self._limits.lang)
        if total.green_down and not total.green_answered and total.green_down == total.ledger.mismatched:
            return Status.FAIL, say.green_down(total)
        if main.n >= limits.min_fail and enough(main, rest, routes, limits):
            return Status.FAIL, self._why(shown, main, rest, routes)
        if main.n >= limits.min_pass and _passes(main, limits):
            blocked = self._held_back(total, main, rest, routes)
            return (Status.INCONCLUSIVE, blocked) if blocked else (Status.PASS, say.passed(shown))
        return Status.INCONCLUSIVE, say.undecided(shown, limits.min_fail, limits.min_pass)

    def _why(self, shown: Divergence, main: Reading, rest: Sequence[Reading], routes: Sequence[RouteReading]) -> str:
        """The sentence of a FAIL: by what weighs most in it."""
        say, alpha = words(self._limits.lang), self._limits.alpha
        loudest = max(rest, key=lambda reading: reading.log_fail, default=None)
        combined = criteria.with_routes(main.log_fail, routes)
        if loudest is not None and loudest.log_fail > combined:
            return str(say.criterion_fail(loudest))
        named = [route.route for route in criteria.culprits(routes, alpha)]
        if shown.low >= shown.limit or not routes:
            return str(say.fail(shown))
        return str(say.route_fail(shown, named or [max(routes, key=lambda route: route.log_fail).route]))

    def _held_back(self, total: Shard, main: Reading, rest: Sequence[Reading], routes: Sequence[RouteReading]) -> str:
        """Why the release cannot pass although divergence over all traffic would, or an empty string."""
        limits, say = self._limits, words(self._limits.lang)
        blocked = uncovered(total, limits) or too_many_errored(total, limits)
        if blocked:
            return blocked
        bad = [route.route for route in routes if route.log_fail >= math.log(criteria.SLOTS / limits.alpha)]
        if bad:
            return str(say.route_over(bad))
        by_name = {route.route: route for route in routes}
        for wanted in limits.routes:
            mine = [name for name in total.routes if names(name, wanted.match)]
            short = [name for name in mine if not _route_passes(by_name.get(name), limits)]
            if short or not mine:
                return str(say.route_not_passed(short or [wanted.match], wanted.max_divergence))
        unproven = [reading for reading in rest if reading.n == 0 or not _passes(reading, limits)]
        return str(say.criterion_open(unproven[0])) if unproven else ""


def enough(
    main: Reading, rest: Sequence[Reading], routes: Sequence[RouteReading], limits: Limits, left_out: int = 0
) -> bool:
    """Whether all evidence together reaches 1/alpha. An unpaired divergence has its own share of alpha instead."""
    return bool(main.fails) or combined(main, rest, routes, limits, left_out) >= -math.log(limits.alpha)


def combined(
    main: Reading, rest: Sequence[Reading], routes: Sequence[RouteReading], limits: Limits, left_out: int = 0
) -> float:
    """log E of FAIL over everything: each criterion by its share; an unpaired divergence has intervals, and no E."""
    logs = [reading.log_fail for reading in rest]
    if main.fails is None:
        logs.append(criteria.with_routes(main.log_fail, routes, left_out=left_out))
    return criteria.mix(logs, [criteria.weight(limits)] * len(logs)) if logs else -math.inf


def _passes(reading: Reading, limits: Limits) -> bool:
    return reading.passes if reading.passes is not None else reading.log_pass >= -math.log(limits.beta)


def _route_passes(route: RouteReading | None, limits: Limits) -> bool:
    return route is not None and route.log_pass >= -math.log(limits.beta)


def _rule(reading: Reading, main: Reading, routes: Sequence[RouteReading], limits: Limits, unit: str) -> RuleResult:
    """One criterion with a status of its own: FAIL when its share alone reaches 1/alpha."""
    log = criteria.with_routes(reading.log_fail, routes) if reading is main else reading.log_fail
    failed = (
        reading.fails
        if reading.fails is not None
        else log + math.log(criteria.weight(limits)) >= -math.log(limits.alpha)
    )
    status = Status.INCONCLUSIVE
    if failed and main.n >= limits.min_fail:
        status = Status.FAIL
    elif _passes(reading, limits) and main.n >= limits.min_pass:
        status = Status.PASS
    note = f"{unit}s; evidence mode" if reading is main else f"{unit}s"
    return RuleResult(
        name=reading.name,
        status=status,
        limit=reading.limit,
        estimate=reading.estimate,
        low=reading.low,
        high=reading.high,
        n=reading.n,
        note=f"{note}; {reading.note}" if reading.note else note,
    )


def measured(total: Shard, paired: bool, limits: Limits, main: Reading) -> Divergence:
    """The main criterion in numbers, with what is known of noise."""
    noise: dict[str, object] = {}
    if paired:
        raw = total.ledger.mismatched / max(1, total.ledger.judged)
        noise = {"kind": "twin, for a share" if limits.unpaired else "twin", "raw_rate": raw, "excess": True}
    elif total.controls:
        noise = {"kind": "blue asked twice", "excess": False}
    if total.controls:
        noise |= {
            "n": total.controls,
            "mismatched": total.controls_mismatched,
            "rate": total.controls_mismatched / total.controls,
        }
    return Divergence(
        n=main.n,
        mismatched=total.ledger.mismatched,
        rate=main.estimate,
        low=main.low,
        high=main.high,
        limit=limits.max_divergence,
        unit=_unit(total),
        log_e_fail=main.log_fail,
        log_e_pass=main.log_pass,
        noise=noise,
    )


def look(tally: Tally, limits: Limits) -> tuple[int, float, float, float, float, float]:
    """(units, estimate, low, high, log E of FAIL, log E of PASS) so far, for the chart of the evidence."""
    total = tally.total()
    pending = 0 if tally.complete else total.open_units
    main = criteria.divergence(total, tally.paired, limits, pending)
    rest = criteria.others(total, tally.paired, limits, pending)
    routes = criteria.read_routes(total, tally.paired, limits, pending > 0, quick=True)
    left_out = min(len(total.routes), criteria.SLOTS) - len(routes)
    fail = combined(main, rest, routes, limits, left_out)
    return main.n, main.estimate, main.low, main.high, fail, main.log_pass


def measure(tally: Tally, limits: Limits) -> Divergence:
    """Estimate, interval and evidence of the main criterion."""
    total = tally.total()
    pending = 0 if tally.complete else total.open_units
    return measured(total, tally.paired, limits, criteria.divergence(total, tally.paired, limits, pending))


def interval(tally: Tally, limits: Limits) -> tuple[float, float]:
    """The interval of the main criterion so far, for the progress line."""
    found = measure(tally, limits)
    return found.low, found.high


def precondition(total: Shard, paired: bool, limits: Limits) -> tuple[Status | None, str]:
    """What forbids both FAIL and PASS, with the reason; (None, "") when the evidence may speak."""
    ledger, say = total.ledger, words(limits.lang)
    if not ledger.judged:
        if total.blue_asked and set(total.blue_statuses) == {0} and total.blue_bad == total.blue_asked:
            return Status.ERROR, say.blue_unreachable(total)
        return Status.INCONCLUSIVE, say.nothing_judged(total)
    asked = total.blue_asked
    if asked >= FIDELITY_ASKED and 1 - total.blue_bad / asked < FIDELITY_MIN:
        return Status.INCONCLUSIVE, say.low_fidelity(total, 1 - total.blue_bad / asked)
    if total.controls >= CONTROLS_MIN:
        noise = Evidence(binary(total.controls_mismatched, total.controls)).lower(limits.alpha)
        if not paired and noise > limits.max_divergence:
            return Status.INCONCLUSIVE, say.unreliable(total, limits.max_divergence)
        if paired and noise > NOISE_MAX:
            return Status.INCONCLUSIVE, say.unlike_twin(total)
    if limits.unit == "request" and total.spread.sessions >= CORRELATION_SESSIONS:
        correlation = total.spread.correlation
        if correlation is not None and correlation > CORRELATION_MAX:
            return Status.INCONCLUSIVE, say.correlated(correlation, CORRELATION_MAX)
    if limits.timed and not total.kept_pace:
        return Status.INCONCLUSIVE, say.lost_pace(total)
    if ledger.sent and ledger.errored == ledger.sent:
        return Status.INCONCLUSIVE, say.nothing_judged(total)
    return None, ""


def uncovered(total: Shard, limits: Limits) -> str:
    """A sentence naming the required routes that no judged exchange reached, or an empty string."""
    reached = [route for route, counts in total.routes.items() if counts.judged]
    missing = [want for want in limits.must_cover if not any(names(route, want) for route in reached)]
    return str(words(limits.lang).not_covered(missing)) if missing else ""


def too_many_errored(total: Shard, limits: Limits) -> str:
    """A sentence when errored exchanges are too many for a PASS, or an empty string."""
    ledger = total.ledger
    if ledger.sent and ledger.errored / ledger.sent > ERRORED_MAX:
        return str(words(limits.lang).errored(ledger.errored, ledger.sent, ERRORED_MAX))
    return ""


def finish(
    total: Shard,
    status: Status,
    reason: str,
    divergence: Divergence,
    rules: Sequence[RuleResult],
    limits: Limits,
    paired: bool,
    found: Sequence[RouteReading] = (),
) -> Verdict:
    """The verdict with everything it rests on."""
    asked, say = total.blue_asked, words(limits.lang)
    notes = []
    if status is Status.FAIL and (why := uncovered(total, limits)):
        notes.append(why)
    if divergence.unit == "unit":
        notes.append(say.unit())
    if paired:
        notes.append(say.excess())
    if (correlation := total.spread.correlation) is not None:
        notes.append(say.correlation(correlation, total.spread.sessions))
    if found:
        notes.append(say.culprits([route.route for route in found]))
    routes = routes_of(total, paired, limits)
    thin = [route.route for route in routes if route.covered is False]
    if thin and status is not Status.ERROR:
        notes.append(say.thin(thin))
    if len(limits.criteria) > 1:
        notes.append(say.family(len(limits.criteria), limits.alpha))
    return Verdict(
        verdict=status,
        reason=reason,
        exit_code=int(EXIT_OF[status]),
        fidelity=round(1 - total.blue_bad / asked, 6) if asked else None,
        ledger=total.ledger.as_dict(),
        divergence=divergence,
        rules=tuple(rules),
        routes=routes,
        signals=signals_of(total, limits),
        latency=latency(total),
        reasons=dict(sorted(total.ledger.reasons.items(), key=lambda item: -item[1])),
        explanation=say.explain(status, divergence, limits.alpha, limits.beta),
        notes=tuple(notes),
    )


def _unit(total: Shard) -> str:
    """What was counted: a session of several turns is one unit; a mix of both is called unit."""
    if not total.session_units:
        return "request"
    return "session" if total.session_units == total.units else "unit"
