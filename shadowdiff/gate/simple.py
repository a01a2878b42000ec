"""mode = "simple": after N pairs, fail when more than X of them differ. No error guarantee.

For teams that want the rule they know. A dashboard rule of this kind, watched after 30 pairs, stops
most healthy releases near the limit; the measured rates are in gate.md 2.1. Here the rate is read once
for a PASS, at the end, and after every pair for a FAIL, as such rules are.
"""

from __future__ import annotations

from shadowdiff.gate import rules
from shadowdiff.gate.limits import Limits
from shadowdiff.gate.words import words
from shadowdiff.model.tally import Shard, Tally
from shadowdiff.model.verdict import RuleResult, Status, Verdict


class SimpleGate:
    """Plain share of mismatched exchanges against the limit."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def judge(self, tally: Tally) -> Verdict:
        """FAIL above the limit after N pairs, PASS at or below it once complete."""
        limits, total = self._limits, tally.total()
        divergence = rules.measure(tally, limits)
        status, reason = rules.precondition(total, tally.paired, limits)
        n, rate = _rate(total)
        say = words(limits.lang)
        if status is None:
            if n < limits.after:
                status, reason = Status.INCONCLUSIVE, say.simple_too_few(n, limits.after)
            elif rate > limits.max_divergence:
                status, reason = Status.FAIL, say.simple(n, rate, limits.max_divergence, "above")
            else:
                blocked = rules.uncovered(total, limits) or rules.too_many_errored(total, limits)
                status = Status.INCONCLUSIVE if blocked else Status.PASS
                reason = blocked or say.simple(n, rate, limits.max_divergence, "within")
        result = RuleResult(
            name="divergence", status=status, limit=limits.max_divergence, estimate=rate,
            low=divergence.low, high=divergence.high, n=n, note="requests; simple mode",
        )  # fmt: skip
        return rules.finish(total, status, reason, divergence, [result], limits, tally.paired)

    def fails(self, shard: Shard, paired: bool) -> bool:
        """Whether the plain rate is above the limit now."""
        n, rate = _rate(shard)
        above = n >= self._limits.after and rate > self._limits.max_divergence
        return above and rules.precondition(shard, paired, self._limits)[0] is None

    def passes(self, shard: Shard, paired: bool) -> bool:
        """Never early: a plain rate says nothing about what is still to come."""
        return False


def _rate(total: Shard) -> tuple[int, float]:
    ledger = total.ledger
    n = ledger.judged
    return n, ledger.mismatched / n if n else 0.0
