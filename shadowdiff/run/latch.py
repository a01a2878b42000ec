"""A FAIL that a service has reached."""

from __future__ import annotations

import msgspec

from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.run.setup import Plan


class Latch:
    """A FAIL that was reached while the run went on stays one: later traffic cannot take it back."""

    def __init__(self, ready: Plan) -> None:
        self._ready = ready
        self._held: Verdict | None = None

    @property
    def reached(self) -> bool:
        """Whether there is one."""
        return self._held is not None

    def look(self, comparison: Comparison) -> None:
        """Ask after each mismatch whether it is a FAIL now."""
        if self._held is not None or comparison.outcome is not Outcome.MISMATCHED:
            return
        gate, counter = self._ready.gate, self._ready.counter
        if gate.fails(counter.shard, counter.tally.paired):
            self._held = gate.judge(counter.tally)

    def restore(self, held: Verdict | None) -> None:
        """A FAIL that an earlier process reached stays one."""
        self._held = held

    def forget(self) -> None:
        """Other limits or rules: what was reached by the old ones is none by these."""
        self._held = None

    def over(self, verdict: Verdict) -> Verdict:
        """`verdict`, or the FAIL that came before it."""
        held = self._held
        if held is None or held.verdict is not Status.FAIL or verdict.verdict is Status.FAIL:
            return verdict
        return msgspec.structs.replace(
            verdict, verdict=held.verdict, reason=held.reason, exit_code=held.exit_code, explanation=held.explanation,
            notes=(*verdict.notes, f"The FAIL was reached after {held.divergence.n} units and stays."),
        )  # fmt: skip
