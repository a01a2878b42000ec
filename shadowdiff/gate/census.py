"""mode = "census": a prepared set of questions is the whole population, so counts decide: at most k of N may differ.

There is nothing to infer and no error rate; every question must have been judged.
"""

from __future__ import annotations

from shadowdiff.gate import rules
from shadowdiff.gate.limits import Limits
from shadowdiff.gate.words import words
from shadowdiff.model.tally import Shard, Tally
from shadowdiff.model.verdict import RuleResult, Status, Verdict


class CensusGate:
    """FAIL as soon as more than `max_mismatches` differ, PASS when all were judged and no more did."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def judge(self, tally: Tally) -> Verdict:
        """The verdict on the set so far."""
        limits, total, say = self._limits, tally.total(), words(self._limits.lang)
        divergence = rules.measure(tally, limits)
        ledger = total.ledger
        judged = ledger.judged
        status, reason = rules.precondition(total, tally.paired, limits)
        if status is None:
            missing = ledger.read - ledger.warmup - ledger.filtered - ledger.sampled_out - judged
            status, reason = Status.INCONCLUSIVE, say.census_open(max(missing, 0))
            if ledger.mismatched > limits.max_mismatches:
                status, reason = Status.FAIL, say.census(ledger.mismatched, judged, limits.max_mismatches)
            elif missing <= 0 and tally.complete:
                unseen = rules.uncovered(total, limits)
                reason = unseen or say.census(ledger.mismatched, judged, limits.max_mismatches)
                status = Status.INCONCLUSIVE if unseen else Status.PASS
        share = ledger.mismatched / judged if judged else 0.0
        result = RuleResult(
            name="divergence", status=status if status in (Status.PASS, Status.FAIL) else Status.INCONCLUSIVE,
            limit=limits.max_mismatches / judged if judged else 0.0, estimate=share, low=share, high=share, n=judged,
            note="questions; census",
        )  # fmt: skip
        return rules.finish(total, status, reason, divergence, [result], limits, tally.paired)

    def fails(self, shard: Shard, paired: bool) -> bool:
        """Whether more differ already than may."""
        over = shard.ledger.mismatched > self._limits.max_mismatches
        return over and rules.precondition(shard, paired, self._limits)[0] is None

    def passes(self, shard: Shard, paired: bool) -> bool:
        """Never early: a census needs every question."""
        return False
