"""What reports are made of, collected as comparisons settle or read from a saved run: the same either way.

A sink of the run. Memory is bounded: causes and examples by their own limits, rows by outcome, the rest constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from shadowdiff import stored, tape
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.exchange import Pair
from shadowdiff.model.tally import Tally
from shadowdiff.model.verdict import Verdict
from shadowdiff.report.causes import Cause, Causes
from shadowdiff.report.examples import Examples
from shadowdiff.report.rows import Rows
from shadowdiff.report.shifts import Shift
from shadowdiff.report.spread import Spread
from shadowdiff.report.trail import Trail
from shadowdiff.report.words import Words


class Material:
    """Collects. `targets` (role to URL) is for curl lines, `shifts` for the comparison with another run."""

    def __init__(
        self,
        lang: str = "en",
        targets: Mapping[str, str] | None = None,
        store: str = "mismatched",
        max_body: int = stored.MAX_BODY,
    ) -> None:
        """`store` as for the tape: with `none` no example holds an answer."""
        self.words = Words(lang)
        self.targets = dict(targets or {})
        self.causes = Causes()
        self.examples = Examples()
        self.rows = Rows()
        self.spread = Spread()
        self.trail = Trail()
        self.confirmed: dict[str, tuple[int, int]] = {}
        """By id, how often a difference came back when it was asked again, and how often that was."""
        self.shifts: Sequence[Shift] | None = None
        self.compared_to = ""
        self._store = store
        self._max_body = max_body

    def add(self, comparison: Comparison, pair: Pair) -> None:
        """Take one settled comparison."""
        found = self._count(comparison)
        if found is not None:
            cause, worst = found
            self.examples.take(
                cause, worst, comparison.route,
                lambda: orjson.loads(tape.encode(comparison, pair, self._store, self._max_body)),
            )  # fmt: skip

    def take(self, line: tape.Line, comparison: Comparison) -> None:
        """Take one saved line and the comparison that it holds."""
        found = self._count(comparison)
        if found is not None:
            cause, worst = found
            self.examples.take(cause, worst, comparison.route, lambda: line)

    def close(self, tally: Tally, verdict: Verdict | None) -> None:
        """The last look at the evidence."""
        self.trail.end()

    def join(self, other: Material) -> None:
        """Add what another worker collected, within the same bounds."""
        self.causes.join(other.causes)
        self.examples.join(other.examples, self.causes)
        self.rows.join(other.rows)
        self.spread.join(other.spread)
        self.confirmed |= other.confirmed

    def _count(self, comparison: Comparison) -> tuple[Cause, bool] | None:
        found = self.causes.add(comparison)
        self.rows.add(comparison, found[0].name if found is not None else "")
        if comparison.outcome is not Outcome.ERRORED:
            self.spread.add(comparison.timings)
        self.trail.tick()
        return found
