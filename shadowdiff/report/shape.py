"""What kind of change a mismatch is: its gravest finding, where that stands, and the shape of the edit.

The signature of a pair is made of its findings alone, so that the same difference has the same one in every run.
Which finding stands for a pair: a critical one first, then by how much it explains (a list that lost an item
explains the number that went with it), then as the rules are ordered.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from shadowdiff.model.comparison import Comparison, Finding, Severity

_PLACE = re.compile(r"/\d+(?=/|$)")
_EVENT = re.compile(r"\[\d+\]")
_ID = re.compile(r"/(?=[^/]*\d)[0-9A-Za-z_-]{12,}(?=/|$)")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_COUNT = re.compile(r"\d+")
_ANY = re.compile(r"\b\d+\b(?! s\b)")
"""Counts and ports in what a failure says; time limits stay."""
_WORDS = {"true": "true", "false": "false", "null": "null", "none": "null"}
GONE = "(gone)"
VERBATIM = frozenset({"failure", "status", "kind", "shape", "language"})
"""Kinds whose two sides name the change by themselves, e.g. 200 → 503."""
_EXPLAINS = (
    "failure", "status", "kind", "empty", "shape", "error", "refusal", "language", "mojibake", "leak", "repetition",
    "truncated", "disclaimer", "sticky", "reference", "script", "unit", "items", "lost", "new", "length", "order",
    "type", "missing", "link", "number", "negation", "name", "value", "text", "words", "size", "topic", "extra",
)  # fmt: skip
_RANK = {kind: number for number, kind in enumerate(_EXPLAINS)}


class Signature(NamedTuple):
    """What two pairs share that differ in the same way."""

    rule: str
    kind: str
    path: str
    shape: str


class Gravest(NamedTuple):
    """The finding that stands for a pair, with the rule it belongs to and that rule's divergence."""

    rule: str
    finding: Finding
    divergence: float


def signature(comparison: Comparison) -> tuple[Signature, Gravest]:
    """The signature of a mismatch, and the finding it is of."""
    found = gravest(comparison)
    path = general(found.finding.path)
    return Signature(found.rule, found.finding.kind, path, edit(found.finding, comparison)), found


def gravest(comparison: Comparison) -> Gravest:
    """The finding that stands for `comparison`."""
    firing = [
        (finding.severity is not Severity.CRITICAL, _RANK.get(finding.kind, len(_RANK)), number, score, finding)
        for number, score in enumerate(comparison.scores)
        for finding in score.findings
        if finding.fires
    ]
    if not firing:
        rule = comparison.rules[0] if comparison.rules else ""
        return Gravest(rule, Finding("", rule or "difference"), 1.0)
    *_, score, finding = min(firing, key=lambda one: one[:3])
    return Gravest(score.scorer, finding, score.divergence)


def edit(finding: Finding, comparison: Comparison) -> str:
    """The shape of the change: what it was and became, gone, new, longer or shorter; values themselves left out."""
    blue, green = finding.blue, finding.green
    if finding.kind in VERBATIM:
        return f"{blue} → {_ANY.sub('#', green) if finding.kind == 'failure' else green}"[:60]
    if finding.kind == "keyword":
        return f"{blue} {green}"[:60] if green.startswith("(") else green[:60]
    if finding.kind == "missing":
        return "renamed or moved" if blue and blue in _extras(comparison) else "gone"
    if finding.kind == "length" or (finding.kind == "items" and blue and green):
        return _grown(blue, green)
    if not green or green == GONE:
        return "gone"
    if not blue:
        return "new"
    if finding.kind in ("value", "type"):
        one, two = sort_of(blue), sort_of(green)
        if one == two == "number" and finding.kind == "value" and _rounded(blue, green):
            return "rounded"
        return f"{one} → {two}" if one != two else one
    return ""


def general(path: str) -> str:
    """A path without places in lists and ids."""
    if path.startswith("/"):
        return _ID.sub("/{id}", _PLACE.sub("/*", path))
    return _EVENT.sub("[*]", path)


def sort_of(value: str) -> str:
    """What sort of value an excerpt shows: number, text, date, object, list, true, false or null."""
    if value.lower() in _WORDS:
        return _WORDS[value.lower()]
    if _NUMBER.fullmatch(value):
        return "number"
    if _DATE.match(value):
        return "date"
    return {"{": "object", "[": "list"}.get(value[:1], "text")


def _grown(blue: str, green: str) -> str:
    before, after = (_COUNT.search(text) for text in (blue, green))
    if before is None or after is None:
        return ""
    one, two = int(before[0]), int(after[0])
    return "longer" if two > one else "shorter" if two < one else ""


def _rounded(blue: str, green: str) -> bool:
    """Whether one number is the other with fewer digits."""
    one, two = sorted((blue, green), key=len)
    digits = len(one.partition(".")[2])
    return "e" not in two.lower() and "." in two and len(two) <= 20 and round(float(two), digits) == float(one)


def _extras(comparison: Comparison) -> set[str]:
    return {finding.green for score in comparison.scores for finding in score.findings if finding.kind == "extra"} - {
        ""
    }
