"""Root causes: mismatches grouped by what differs, so that thousands of rows read as a handful of reasons.

A cause is what the gravest finding of a pair says: its kind, the rule that fired, and where (list places and ids
generalized). Routes are counted inside, so that one change on twelve routes is one cause. The name of a cause is made
of that alone: the same in every run, and so two runs can be compared.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

import msgspec

from shadowdiff import redact
from shadowdiff.model.comparison import Comparison, Finding, Outcome, Severity
from shadowdiff.report.plain import one_line
from shadowdiff.units import show_percent as pct

MAX_CAUSES = 300
MAX_VALUES = 50
"""Different changes remembered of a cause, to tell one that is always the same."""
REST = "other"
_PLACE = re.compile(r"/\d+(?=/|$)")
_EVENT = re.compile(r"\[\d+\]")
_ID = re.compile(r"/(?=[^/]*\d)[0-9A-Za-z_-]{12,}(?=/|$)")
_FAILED = ("failure", "status")
_SCALAR = ("value", "number", "text", "missing", "extra", "type")


class Cause(msgspec.Struct):
    """One reason. `noisy` counts pairs of it in which blue also differed from itself, of `asked` that could tell."""

    name: str
    rule: str
    kind: str
    path: str
    change: str = ""
    count: int = 0
    routes: dict[str, int] = {}
    first: str = ""
    worst: str = ""
    worst_score: float = -1.0
    noisy: int = 0
    asked: int = 0
    values: set[tuple[str, str]] = set()

    @property
    def title(self) -> str:
        """What differs, in a few words."""
        where = f" at {self.path}" if self.path else ""
        return f"{self.kind}{where}" + (f": {self.change}" if self.change else "")

    @property
    def step(self) -> str:
        """What to do next."""
        if self.kind in _FAILED:
            return f"green fails: look for {self.worst} in its log"
        if self.asked and self.noisy > self.asked / 2:
            if self.path.startswith("/") and self.kind in _SCALAR:
                return f'blue differs from itself here too: score.ignore = ["{self.path}"]'
            return "blue differs from itself here too: give a --twin, or the profile `sampled`"
        if len(self.values) == 1 and self.count > 1:
            return "the same change each time: if it is meant, accept it (gate.accept, with owner and expiry)"
        own = "blue repeats itself here, green does not; " if self.asked and not self.noisy else ""
        return f"{own}look at one: shadowdiff show RUN {self.worst}"


class Causes:
    """Counts causes as comparisons settle."""

    def __init__(self) -> None:
        self.found: dict[str, Cause] = {}
        self.total = 0

    def add(self, comparison: Comparison) -> None:
        """Count one mismatch."""
        if comparison.outcome is not Outcome.MISMATCHED:
            return
        self.total += 1
        rule, finding, score = _gravest(comparison)
        path = general(finding.path)
        change = f"{finding.blue} → {finding.green}"[:60] if finding.kind in _FAILED else ""
        name = hashlib.sha256(f"{rule}\0{finding.kind}\0{path}\0{change}".encode()).hexdigest()[:8]
        cause = self.found.get(name)
        if cause is None:
            if len(self.found) >= MAX_CAUSES:
                name, rule, path, change = REST, "", "", ""
                finding = Finding("", "other differences")
            cause = self.found.setdefault(name, Cause(name, rule, finding.kind, path, redact.text(change)))
        cause.count += 1
        cause.routes[comparison.route] = cause.routes.get(comparison.route, 0) + 1
        cause.first = cause.first or comparison.id
        if score > cause.worst_score:
            cause.worst, cause.worst_score = comparison.id, score
        if len(cause.values) < MAX_VALUES:
            cause.values.add((finding.blue, finding.green))
        if comparison.control is not None:
            cause.asked += 1
            cause.noisy += comparison.control[0] is Outcome.MISMATCHED

    def top(self, most: int) -> list[Cause]:
        """The most frequent first."""
        return sorted(self.found.values(), key=lambda one: (-one.count, one.name))[:most]

    def lines(self, most: int) -> list[tuple[str, str]]:
        """(what and how often, an example and what to do next) of each cause, for terminal and live page."""
        out = []
        for cause in self.top(most):
            routes = ", ".join(sorted(cause.routes, key=lambda route: -cause.routes[route])[:2])
            more = f" and {len(cause.routes) - 2} more routes" if len(cause.routes) > 2 else ""
            share = f"{cause.count} ({pct(cause.count / max(1, self.total))})"
            said = (f"{share} {cause.title} on {routes}{more}", f"e.g. {cause.worst}; {cause.step}")
            out.append((one_line(redact.text(said[0])), one_line(redact.text(said[1]))))
        return out


class Shift(msgspec.Struct, frozen=True):
    """How a cause fares from one run to another: new, gone, grown, shrunk or same. Shares are of judged exchanges."""

    what: str
    cause: Cause
    before: float
    after: float


def shifts(before: Causes, judged_before: int, after: Causes, judged_after: int) -> list[Shift]:
    """Every cause of two runs, the new ones first; a share that less than doubled or halved is the same."""
    found = []
    for name in after.found.keys() | before.found.keys():
        one, two = before.found.get(name), after.found.get(name)
        old = one.count / max(1, judged_before) if one is not None else 0.0
        new = two.count / max(1, judged_after) if two is not None else 0.0
        what = "new" if one is None else "gone" if two is None else "same"
        if one is not None and two is not None and (new > 2 * old or old > 2 * new):
            what = "grown" if new > old else "shrunk"
        shown = two if two is not None else one
        if shown is not None:
            found.append(Shift(what, shown, old, new))
    order = ("new", "grown", "same", "shrunk", "gone")
    return sorted(found, key=lambda one: (order.index(one.what), -max(one.before, one.after), one.cause.name))


def shift_lines(found: Iterable[Shift]) -> list[str]:
    """A line a cause."""
    return [
        one_line(
            redact.text(
                f"{one.what:<7}{pct(one.before):>6} → {pct(one.after):>6}  {one.cause.title} ({one.cause.name}); "
                f"e.g. {one.cause.worst}"
            )
        )
        for one in found
    ]


def general(path: str) -> str:
    """A path without places in lists and ids."""
    if path.startswith("/"):
        return _ID.sub("/{id}", _PLACE.sub("/*", path))
    return _EVENT.sub("[*]", path)


def _gravest(comparison: Comparison) -> tuple[str, Finding, float]:
    """(rule, finding, divergence) that stands for a pair: a critical one first, then as the rules are ordered."""
    firing = [
        (finding.severity is not Severity.CRITICAL, number, score.scorer, finding, score.divergence)
        for number, score in enumerate(comparison.scores)
        for finding in score.findings
        if finding.fires
    ]
    if not firing:
        rule = comparison.rules[0] if comparison.rules else ""
        return rule, Finding("", rule or "difference"), 1.0
    _, _, rule, finding, divergence = min(firing, key=lambda one: one[:2])
    return rule, finding, divergence
