"""Keep the mismatches worth showing: the first, the worst and a few more of every cause, bounded.

A part of `material` during a run; a saved run gives the same choice.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import zip_longest
from typing import Any

import msgspec

from shadowdiff import tape
from shadowdiff.report.causes import Cause, Causes
from shadowdiff.report.words import ENGLISH, Words

MOST = 200
KEPT = 300
"""Lines held in memory, of which `MOST` are shown."""
PER_CAUSE = 6


class _Kept(msgspec.Struct):
    """Of one cause. `others` hold at most one of each route before a second of any."""

    first: tape.Line
    worst: tape.Line
    others: list[tape.Line] = []
    routes: set[str] = set()


class Examples:
    """Holds tape lines by cause."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._count = 0

    def take(self, cause: Cause, worst: bool, route: str, line: Callable[[], tape.Line]) -> None:
        """Consider one mismatch; `line` makes its tape line, which is asked for only if it is kept."""
        kept = self._kept.get(cause.name)
        if kept is None:
            if self._count < KEPT:
                made = line()
                self._kept[cause.name] = _Kept(made, made, routes={route})
                self._count += 1
            return
        wanted = len(kept.others) < PER_CAUSE and self._count < KEPT
        wanted = wanted and (route not in kept.routes or len(kept.others) < PER_CAUSE // 2)
        if not (worst or wanted):
            return
        made = line()
        if wanted:
            kept.others.append(made)
            kept.routes.add(route)
            self._count += 1
        if worst:
            kept.worst = made

    def join(self, other: Examples, causes: Causes) -> None:
        """Add another worker's choice; `causes` are already those of both."""
        for name, theirs in other._kept.items():
            cause = causes.found.get(name)
            if cause is None:  # it went into the rest
                continue
            seen: set[str] = set()
            for line in (theirs.first, theirs.worst, *theirs.others):
                if line["id"] not in seen:
                    seen.add(line["id"])
                    self.take(cause, line["id"] == cause.worst, line["route"], partial(dict, line))

    def chosen(self, causes: Causes, most: int = MOST) -> list[tuple[str, tape.Line]]:
        """(cause, line), a round over all causes at a time: the worst of each, the first of each, then the others."""
        rows = []
        for cause in causes.top(len(causes.found)):
            kept = self._kept.get(cause.name)
            if kept is None:
                continue
            lines = {line["id"]: line for line in (kept.worst, kept.first, *kept.others)}
            rows.append([(cause.name, line) for line in lines.values()])
        return [one for turn in zip_longest(*rows) for one in turn if one is not None][:most]


def came_back(confirmed: tuple[int, int] | None, words: Words = ENGLISH) -> str:
    """Whether a difference came back, in words; empty where it was not asked again."""
    return words("came back {again} of {asked} times", again=confirmed[0], asked=confirmed[1]) if confirmed else ""


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
