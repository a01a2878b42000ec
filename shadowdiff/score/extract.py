"""What the operator names by a regular expression is compared exactly: a verdict, a total, a boxed result.

`--extract '\\[(Yes|No)\\]'`: the matches (the first group where there is one) must be the same on both sides, in
order. This finds what no comparison of words can: a flipped answer in a text that was written anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shadowdiff.contracts import Baseline
from shadowdiff.model.comparison import Finding, Score, Severity
from shadowdiff.model.exchange import Pair
from shadowdiff.score.regex import compiled
from shadowdiff.score.text import prose

FLAG = "--extract"
MAX_CHARS = 20_000
MAX_SHOWN = 5


class Extract:
    """Named pieces of the free text, compared exactly."""

    name = "extract"
    on_equal = False

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        """Raises `UsageError` for a pattern that is none."""
        for pattern in patterns:
            compiled(pattern, FLAG)
        self._patterns = tuple(patterns)

    def score(self, pair: Pair, baseline: Baseline) -> Score:
        """Divergence is the share of patterns whose matches differ."""
        if not self._patterns:
            return Score(self.name)
        one, two = prose(pair.blue_doc)[:MAX_CHARS], prose(pair.green_doc)[:MAX_CHARS]
        findings = []
        for pattern in self._patterns:
            before, after = (matches(compiled(pattern, FLAG), text) for text in (one, two))
            if before != after:
                findings.append(Finding("", "extract", Severity.MAJOR, _shown(before), _shown(after)))
        return Score(self.name, len(findings) / len(self._patterns), tuple(findings))


def matches(pattern: Any, text: str) -> list[str]:
    """Every match, or its first group where the pattern has one, without the blanks around it."""
    return [
        ((match[1] if pattern.groups else match[0]) or "").strip() for match in pattern.finditer(text) if match[0]
    ]


def _shown(found: list[str]) -> str:
    more = f" and {len(found) - MAX_SHOWN} more" if len(found) > MAX_SHOWN else ""
    return ", ".join(found[:MAX_SHOWN]) + more if found else "(no match)"
