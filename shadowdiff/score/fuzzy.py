"""Fuzzy similarity of the free text: always reported, fails only where a limit is set.

rapidfuzz's `ratio` (Indel similarity). Never `partial_ratio`, `WRatio` or `token_set_ratio`: the first
two stall for seconds on 2 KB, the last calls a cut answer identical (scoring.md 1.5). Similarity 0-100
is turned into divergence 0-1 here and nowhere else.
"""

from __future__ import annotations

from rapidfuzz import fuzz

from shadowdiff.contracts import Baseline
from shadowdiff.model.comparison import Finding, Score, Severity
from shadowdiff.model.exchange import Pair
from shadowdiff.score.text import normal, prose, tokens

MAX_CHARS = 4000
"""Beyond this the ratio runs over tokens: it grows with the square of the length, 0.6 ms here (transport.md 4)."""
MAX_TOKENS = 8000


class Fuzzy:
    """Indel similarity of normalized text."""

    name = "fuzzy"
    on_equal = False

    def __init__(self, min_similarity: float | None = None) -> None:
        """`min_similarity` in 0..1: below it the pair fails; None reports only."""
        self._min = min_similarity

    def score(self, pair: Pair, baseline: Baseline) -> Score:
        """Divergence is 1 - similarity."""
        one, two = normal(prose(pair.blue_doc)), normal(prose(pair.green_doc))
        if not one and not two:
            return Score(self.name, skipped="no free text")
        note = ""
        if one == two:
            similarity = 1.0
        elif not one or not two:
            similarity = 0.0
        elif len(one) <= MAX_CHARS and len(two) <= MAX_CHARS:
            similarity = fuzz.ratio(one, two) / 100
        else:
            a, b = tokens(one, MAX_TOKENS), tokens(two, MAX_TOKENS)
            similarity = fuzz.ratio(a, b) / 100
            note = f"over {MAX_CHARS} characters: compared by words, the first {MAX_TOKENS}"
        findings: tuple[Finding, ...] = ()
        if self._min is not None and similarity < self._min:
            findings = (Finding("", "similarity", Severity.MAJOR, f"at least {self._min:.0%}", f"{similarity:.0%}"),)
        return Score(self.name, 1.0 - similarity, findings, note)
