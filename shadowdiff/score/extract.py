"""What the operator names by a regular expression is compared exactly: a verdict, a total, a boxed result.

`--extract '\\[(Yes|No)\\]'`: the matches (the first group where there is one) must be the same on both sides, in
order. This finds what no comparison of words can: a flipped answer in a text that was written anew.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from shadowdiff.contracts import Baseline
from shadowdiff.errors import UsageError
from shadowdiff.model.comparison import Finding, Score, Severity
from shadowdiff.model.exchange import Pair
from shadowdiff.score.text import prose

MAX_CHARS = 20_000
MAX_SHOWN = 5


class Extract:
    """Named pieces of the free text, compared exactly."""

    name = "extract"
    on_equal = False

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        """Raises `UsageError` for a pattern that is none."""
        self._patterns = [compiled(pattern, "--extract") for pattern in patterns]

    def score(self, pair: Pair, baseline: Baseline) -> Score:
        """Divergence is the share of patterns whose matches differ."""
        if not self._patterns:
            return Score(self.name)
        one, two = prose(pair.blue_doc)[:MAX_CHARS], prose(pair.green_doc)[:MAX_CHARS]
        findings = []
        for pattern in self._patterns:
            before, after = matches(pattern, one), matches(pattern, two)
            if before != after:
                findings.append(Finding("", "extract", Severity.MAJOR, _shown(before), _shown(after)))
        return Score(self.name, len(findings) / len(self._patterns), tuple(findings))


def compiled(pattern: str, where: str) -> re.Pattern[str]:
    """A pattern, multi-line. Raises `UsageError` naming `where`."""
    try:
        return re.compile(pattern, re.MULTILINE)
    except re.error as error:
        raise UsageError(f"{where} {pattern!r}: no regular expression ({error})") from None


def matches(pattern: re.Pattern[str], text: str) -> list[str]:
    """Every match, or its first group where the pattern has one, without the blanks around it."""
    return [
        ((match[1] if pattern.groups else match[0]) or "").strip() for match in pattern.finditer(text) if match[0]
    ]


def _shown(found: list[str]) -> str:
    more = f" and {len(found) - MAX_SHOWN} more" if len(found) > MAX_SHOWN else ""
    return ", ".join(found[:MAX_SHOWN]) + more if found else "(no match)"
