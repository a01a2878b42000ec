"""The plain length rule: how much shorter or longer than blue's, in normalized characters.

Reported always; fails only where a limit is set.
"""

from __future__ import annotations

from shadowdiff.contracts import Baseline
from shadowdiff.model.comparison import Finding, Score, Severity
from shadowdiff.model.exchange import Pair
from shadowdiff.score.text import normal, prose

MIN_DIFFERENCE = 16
"""Characters: "yes" against "nope" is no change of length worth stopping for."""


class Length:
    """Relative length of the free text."""

    name = "length"
    on_equal = False

    def __init__(self, limit: float | None = None) -> None:
        """`limit` is the allowed 1 - shorter/longer, in 0..1; None reports only."""
        self._limit = limit

    def score(self, pair: Pair, baseline: Baseline) -> Score:
        """Divergence is 1 - shorter/longer."""
        blue, green = pair.blue.response, pair.green.response
        if blue is not None and green is not None and (blue.truncated or green.truncated):
            return self._judge(blue.size, green.size, "bytes")
        one, two = prose(pair.blue_doc), prose(pair.green_doc)
        if not one and not two:
            return Score(self.name, skipped="no free text")
        return self._judge(len(normal(one)), len(normal(two)), "characters")

    def _judge(self, one: int, two: int, unit: str) -> Score:
        longer = max(one, two)
        divergence = 1.0 - min(one, two) / longer if longer else 0.0
        if self._limit is None or divergence <= self._limit or abs(one - two) < MIN_DIFFERENCE:
            return Score(self.name, divergence)
        finding = Finding("", "length", Severity.MAJOR, f"{one} {unit}", f"{two} {unit}")
        return Score(self.name, divergence, (finding,))
