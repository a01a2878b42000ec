"""Keep the mismatches worth showing: the first few of every route and rule, bounded.

A sink during a run; `from_tape` gives the same choice from a saved run.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from shadowdiff import tape
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.exchange import Pair
from shadowdiff.model.tally import Tally
from shadowdiff.model.verdict import Verdict
from shadowdiff.report.causes import Causes

PER_KIND = 3
MOST = 60
MAX_KINDS = 5_000


class Examples:
    """Collects tape lines, three a (route, rules) and sixty in all."""

    def __init__(self) -> None:
        self.lines: list[tape.Line] = []
        self.causes = Causes()
        self._seen: dict[tuple[str, tuple[str, ...]], int] = {}
        self.confirmed: dict[str, tuple[int, int]] = {}
        """By id, how often a difference came back when it was asked again, and how often that was."""

    def add(self, comparison: Comparison, pair: Pair) -> None:
        """Take one settled comparison."""
        self.causes.add(comparison)
        if comparison.outcome is Outcome.MISMATCHED and self._wanted(comparison.route, comparison.rules):
            self.lines.append(orjson.loads(tape.encode(comparison, pair)))

    def close(self, tally: Tally, verdict: Verdict | None) -> None:
        """Nothing to finish: the reports read `lines`."""

    def take(self, line: tape.Line, comparison: Comparison) -> None:
        """Take one saved line and the comparison that it holds."""
        if line["outcome"] != "mismatched":
            return
        self.causes.add(comparison)
        if self._wanted(line["route"], tuple(line["rules"])):
            self.lines.append(line)

    def _wanted(self, route: str, rules: tuple[str, ...]) -> bool:
        kind = (route, rules)
        seen = self._seen.get(kind, 0)
        if kind in self._seen or len(self._seen) < MAX_KINDS:
            self._seen[kind] = seen + 1
        return seen < PER_KIND and len(self.lines) < MOST


def from_tape(lines: Iterable[tape.Line]) -> Examples:
    """The examples of a saved run."""
    found = Examples()
    for line in lines:
        found.take(line, tape.decode(line))
    return found


def came_back(confirmed: tuple[int, int] | None) -> str:
    """Whether a difference came back, in words; empty where it was not asked again."""
    return f"came back {confirmed[0]} of {confirmed[1]} times" if confirmed else ""


def why(line: tape.Line) -> str:
    """One line that says what differed."""
    return str(line.get("why", "")) or ", ".join(line["rules"])


def findings(line: tape.Line) -> list[dict[str, Any]]:
    """Every finding of a line with its scorer, the firing ones first."""
    out = [
        {"scorer": scorer, "noisy": "", **finding}
        for scorer, score in line["scores"].items()
        for finding in score.get("findings", ())
    ]
    return sorted(out, key=lambda f: (bool(f.get("noisy")), f["severity"] == "info"))
