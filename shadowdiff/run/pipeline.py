"""THE page to read first: capture, tee, decode, score, gate, act.

A source yields exchanges; the tee sends each to blue and green (and a twin) and yields what they did;
each pair is decoded, scored, counted; the gate is asked whether to stop; the guard acts once.
"""

from __future__ import annotations

from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.verdict import Verdict
from shadowdiff.run.setup import Plan

STOPPED_BY_GATE = "the verdict is reached"
LOOK_EVERY = 64
"""Matched pairs between two looks for an early PASS; a FAIL is looked for after every mismatch."""


async def replay(plan: Plan) -> Verdict:
    """Run one batch to its verdict. Stopping early sends nothing new; what is in the air still counts."""
    tee, counter = plan.tee, plan.counter
    async with plan.confirm.running(), tee.running(plan.reading.stream()) as pairs:  # capture, tee: many in flight
        async for pair in pairs:  # blue, green (and twin) observed; failures are data
            comparison, pair = await plan.judging.compare(pair)  # decode, score
            plan.confirm.take(comparison, pair.exchange)
            comparison = counter.add(comparison)
            plan.budget.spend_tokens(comparison.tokens)
            for sink in plan.sinks:  # report as we go
                sink.add(comparison, pair)
            if not tee.stopping and decided(plan, comparison):  # gate
                tee.stop(STOPPED_BY_GATE)
            plan.after_each(comparison)
    if tee.stopping != STOPPED_BY_GATE:
        plan.sessions.close_all()  # cut by the log's end or a limit, not by an outcome
    plan.ledger.unsent += plan.reading.ahead(tee.taken)
    counter.tally.complete = True
    return plan.finish(plan.gate.judge(counter.tally))


def decided(plan: Plan, comparison: Comparison) -> bool:
    """Whether the verdict is certain whatever is still in the air, and `--stop-on` lets it end the run.

    By default only FAIL does: a log in time order is no random sample, so an early PASS would be about
    its beginning.
    """
    if plan.stop_on == "none":
        return False
    shard, paired = plan.counter.shard, plan.counter.tally.paired
    if comparison.outcome is Outcome.MISMATCHED and plan.gate.fails(shard, paired):
        return True
    look = plan.stop_on == "any" and shard.upto % LOOK_EVERY == 0
    return look and bool(plan.gate.passes(shard, paired))
