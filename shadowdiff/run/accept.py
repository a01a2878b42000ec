"""Known differences: a file of what the team accepts for a while, each with an owner and a day it expires.

    [[accept]]
    route = "GET /api/orders/*"      # optional; a route or a pattern with *
    path = "/total"                  # optional; a JSON Pointer with * and **, or header:Name
    kind = "value"                   # optional; the kind of finding, as reports show it
    owner = "orders team"
    expires = 2026-12-31
    reason = "cents are rounded from this release on"

A pair whose every firing finding is accepted becomes ignored. Expired entries accept nothing and are named.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from shadowdiff.errors import UsageError, near
from shadowdiff.gate.limits import names
from shadowdiff.model.comparison import Comparison, Finding, Outcome, Score, Severity
from shadowdiff.model.tally import DIVERGENCE
from shadowdiff.score.panel import explain, outcome_of
from shadowdiff.score.pointer import Patterns


class Entry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One accepted difference."""

    owner: str
    expires: date
    route: str = "*"
    path: str = ""
    kind: str = ""
    reason: str = ""


class Accepted:
    """What is accepted today."""

    def __init__(self, entries: Sequence[Entry], today: date, source: str = "") -> None:
        self._entries = [
            (entry, Patterns([entry.path]) if entry.path.startswith("/") else None)
            for entry in entries
            if entry.expires >= today
        ]
        self.expired = [entry for entry in entries if entry.expires < today]
        self.count = 0
        """Comparisons that became ignored."""
        self._source = source

    def judge(self, comparison: Comparison) -> Comparison:
        """`comparison` with what is accepted marked; ignored where nothing else fires."""
        if comparison.outcome is not Outcome.MISMATCHED or not self._entries:
            return comparison
        scores = tuple(self._score(score, comparison.route) for score in comparison.scores)
        if scores == comparison.scores:
            return comparison
        outcome = outcome_of(scores)
        bets = dict(comparison.bets)
        if outcome is not Outcome.MISMATCHED:
            self.count += 1
            even = 0.5 if comparison.control is not None and not comparison.reask else 0.0
            bets |= {name: even for name in (DIVERGENCE, "critical") if name in bets}
            if "raw" in bets:
                bets["raw"] = 0.0
        return msgspec.structs.replace(
            comparison,
            outcome=outcome,
            scores=scores,
            bets=bets,
            rules=tuple(score.scorer for score in scores if any(f.fires for f in score.findings)),
            why=explain(outcome, scores),
        )

    def _score(self, score: Score, route: str) -> Score:
        findings = tuple(self._finding(finding, route) for finding in score.findings)
        return score if findings == score.findings else msgspec.structs.replace(score, findings=findings)

    def _finding(self, finding: Finding, route: str) -> Finding:
        if not finding.fires and (finding.noisy or finding.severity is Severity.INFO):
            return finding
        for entry, pattern in self._entries:
            at = pattern.match(finding.path) if pattern else not entry.path or finding.path == entry.path
            if at and names(route, entry.route) and entry.kind in ("", finding.kind):
                noisy = f"accepted by {entry.owner} until {entry.expires}"
                return msgspec.structs.replace(finding, noisy=noisy)
        return finding

    def notes(self) -> list[str]:
        """What to say of it: how many pairs it excused, and what has expired."""
        out = []
        if self.count:
            out.append(f"{self.count} pairs differ only in what {self._source} accepts.")
        for entry in self.expired:
            what = " ".join(filter(None, (entry.route, entry.path, entry.kind)))
            out.append(f"{self._source}: {what} ({entry.owner}) expired on {entry.expires} and accepts nothing.")
        return out


def load(path: Path, today: date) -> Accepted:
    """The file at `path`. Raises `UsageError` naming file and entry."""
    try:
        tree: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"--accept {path}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--accept {path}: not valid TOML ({error})") from None
    unknown = tree.keys() - {"accept"}
    if unknown or not isinstance(tree.get("accept", []), list):
        raise UsageError(f"--accept {path}: write [[accept]] tables{near(next(iter(unknown), ''), ['accept'])}")
    entries = []
    for number, table in enumerate(tree.get("accept", []), 1):
        try:
            entries.append(msgspec.convert(table, Entry))
        except msgspec.ValidationError as error:
            raise UsageError(f"--accept {path}: entry {number}: {str(error).split(' - at')[0]}") from None
    return Accepted(entries, today, path.name)
