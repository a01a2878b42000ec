"""Compare documents by path: JSON by typed values, pages by text and markup, streams by what they say.

In:  two decoded documents. Out: findings at JSON Pointers, of kind missing, extra, type, value, order,
length, text, markup or kind, and for texts the signs of `judge`. Cases: tests/score/test_vectors.py.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from shadowdiff.contracts import Baseline, TextNoise
from shadowdiff.model.comparison import Finding, Score, Severity
from shadowdiff.model.exchange import Document, Pair, Response
from shadowdiff.score.jsonvalue import MAX_DEPTH, canonical, kind_of, numbers_equal, same
from shadowdiff.score.judge import SAME, judge
from shadowdiff.score.page import losses
from shadowdiff.score.pointer import Patterns, escape, generalize
from shadowdiff.score.text import SHORT, excerpt, normal, worded

MAX_FINDINGS = 200
MAX_SIGNS = 6
LEARNT = "learnt from blue"
"""Why a finding that blue shows against itself is accepted."""
LEARNT_KINDS = frozenset({"missing", "extra", "type", "value", "order", "length", "text", "markup", "link"})
_KEYS = ("id", "sku", "key", "code", "uuid", "slug", "name", "title", "url", "path")
_FRESH_ID = re.compile(r"(?i)(request|req|trace|span|correlation|transaction|message|event|x)[-_]?id|nonce|etag")
_ID_SHAPE = re.compile(r"[A-Za-z0-9_.:-]{8,}")
_NEVER_LEARNT = frozenset({"/finish", "/terminated", "/error", "/refusal"})


class Structure:
    """Typed differences by path."""

    name = "structure"
    on_equal = False

    def __init__(
        self,
        *,
        ignore: Sequence[str] = (),
        unordered: Sequence[str] = (),
        tolerance: Mapping[str, float] | None = None,
        profile: str = "stable",
    ) -> None:
        """`tolerance` maps pointer patterns to an absolute allowance; `profile` is strict, stable or sampled."""
        self._ignore = Patterns([p for p in ignore if p.startswith("/")])
        self._unordered = Patterns(unordered)
        self._tolerance = [(Patterns([p]), amount) for p, amount in (tolerance or {}).items()]
        self._profile = profile

    def score(self, pair: Pair, baseline: Baseline) -> Score:
        """Divergence is the share of leaves that differ, at least a little when any does."""
        blue, green = pair.blue_doc, pair.green_doc
        if blue is None or green is None:
            return Score(self.name, skipped="an answer is missing")
        walk = _Walk(self, pair, baseline.texts.get(pair.exchange.route))
        walk.documents(blue, green)
        findings = tuple(self._accept(finding, pair, baseline) for finding in walk.findings)
        standing = sum(1 for finding in findings if not finding.noisy)
        divergence = min(1.0, max(standing / max(walk.leaves, 1), 0.01)) if standing else 0.0
        return Score(self.name, divergence=divergence, findings=findings, skipped=walk.note)

    def _accept(self, finding: Finding, pair: Pair, baseline: Baseline) -> Finding:
        noisy = ""
        if self._ignore.match(finding.path):
            noisy = "ignored by rule"
        elif learnable(finding) and baseline.knows(pair.exchange.route, generalize(finding.path), finding.kind):
            noisy = LEARNT
        if not noisy:
            return finding
        return Finding(finding.path, finding.kind, finding.severity, finding.blue, finding.green, noisy)

    def tolerance_at(self, path: str) -> float:
        """The absolute allowance for numbers at `path`."""
        return next((amount for pattern, amount in self._tolerance if pattern.match(path)), 0.0)


def learnable(finding: Finding) -> bool:
    """Whether blue's own variation at this path may excuse green. Prose and endings never do."""
    if finding.path in _NEVER_LEARNT or finding.kind not in LEARNT_KINDS:
        return False
    return not (finding.kind == "text" and max(len(finding.blue), len(finding.green)) > SHORT)


class _Walk:
    """One walk over two documents."""

    def __init__(self, rules: Structure, pair: Pair, texts: TextNoise | None) -> None:
        self._rules = rules
        self._pair = pair
        self._texts = texts
        self._moments: tuple[float | None, float | None] | None = None
        self.findings: list[Finding] = []
        self.leaves = 0
        self.note = ""

    def documents(self, blue: Document, green: Document) -> None:
        if blue.kind != green.kind:
            if {blue.kind, green.kind} == {"json", "chat"} or blue.kind == "empty" or green.kind == "empty":
                severity = Severity.CRITICAL
            else:
                severity = Severity.MAJOR
            self._add("", "kind", blue.kind, green.kind, severity)
            return
        if blue.kind in ("json", "chat"):
            self.values("", blue.value, green.value, 0)
        elif blue.kind == "binary":
            self._binary()
        else:
            self.leaves += 1
            differs = self._text("", blue.text, green.text)
            if blue.kind == "html" and blue.value != green.value:
                self._page(blue.value, green.value, differs)

    def _page(self, one: Sequence[str], two: Sequence[str], differs: bool) -> None:
        """Links and parts that a page lost; other markup is only told."""
        lost = list(losses(one, two))
        for path, blue, green in lost:
            self._add(path, "link", blue, green)
        if not differs and not lost:
            self._add("", "markup", *_first_difference(one, two), Severity.INFO)

    def values(self, path: str, one: Any, two: Any, depth: int) -> None:
        kind, other = kind_of(one), kind_of(two)
        if kind != other:
            self.leaves += 1
            self._add(path, "type", one, two)
        elif kind == "object" and depth < MAX_DEPTH:
            self._objects(path, one, two, depth)
        elif kind == "array" and depth < MAX_DEPTH:
            self._arrays(path, one, two, depth)
        else:
            self.leaves += 1
            self._leaf(path, kind, one, two)

    def _leaf(self, path: str, kind: str, one: Any, two: Any) -> None:
        if kind == "number":
            if not numbers_equal(one, two, absolute=self._rules.tolerance_at(path)):
                self._add(path, "value", one, two)
        elif kind == "string":
            if one != two:
                if not one or not two or worded(one) or worded(two):
                    self._text(path, one, two)
                else:
                    self._add(path, "value", one, two)
        elif one != two:
            self._add(path, "value", one, two)

    def _text(self, path: str, one: str, two: str) -> bool:
        """Report differing texts; True when they differ beyond what a reader does not see."""
        if one == two:
            return False
        if len(one) <= SHORT and len(two) <= SHORT:
            return self._short(path, one, two)
        profile = self._rules._profile
        verdict = judge(one, two, profile, self._texts)
        self.note = self.note or verdict.note
        if verdict is SAME or (not verdict.signs and profile == "strict"):
            self._add(path, "text", *_around(one, two))
            return True
        for sign in verdict.signs[:MAX_SIGNS]:
            shown = (sign.blue, sign.green) if sign.blue or sign.green else _around(one, two)
            self._add(path, sign.kind, *shown, sign.severity)
        if not verdict.flag and verdict.score:
            self._add(path, "text", *_around(one, two), Severity.INFO)
        return bool(verdict.score)

    def _short(self, path: str, one: str, two: str) -> bool:
        """Names, labels, one-line answers: what a reader sees must be the same, but for wording in `sampled`."""
        a, b = normal(one), normal(two)
        if a == b:
            if self._rules._profile == "strict":
                self._add(path, "text", one, two)
            return False
        if not a or not b:
            severity = Severity.CRITICAL
        else:
            severity = Severity.INFO if self._rules._profile == "sampled" else Severity.MAJOR
        self._add(path, "text", *_around(one, two), severity)
        return True

    def _objects(self, path: str, one: dict[str, Any], two: dict[str, Any], depth: int) -> None:
        for key, value in one.items():
            here = f"{path}/{escape(key)}"
            if key in two:
                self.values(here, value, two[key], depth + 1)
            else:
                self.leaves += 1
                self._add(here, "missing", value, "")
        for key, value in two.items():
            if key not in one:
                self._add(f"{path}/{escape(key)}", "extra", "", value, Severity.INFO)

    def _arrays(self, path: str, one: list[Any], two: list[Any], depth: int) -> None:
        if len(one) == len(two) and all(same(a, b) for a, b in zip(one, two, strict=True)):
            self.leaves += len(one)
            return
        key = _shared_key(one, two)
        if key:
            self._keyed(path, one, two, key, depth)
            return
        if len(one) == len(two):
            if Counter(map(canonical, one)) == Counter(map(canonical, two)):
                self.leaves += 1
                if not self._rules._unordered.match(path):
                    self._add(path, "order", one, two)
                return
            for index, (a, b) in enumerate(zip(one, two, strict=True)):
                self.values(f"{path}/{index}", a, b, depth + 1)
            return
        self._add(path, "length", *_counts(one, two))
        self.leaves += max(len(one), len(two))
        shared = min(len(one), len(two))
        if all(same(a, b) for a, b in zip(one[:shared], two[:shared], strict=True)):
            for index in range(shared, len(one)):
                self._add(f"{path}/{index}", "missing", one[index], "")
            for index in range(shared, len(two)):
                self._add(f"{path}/{index}", "extra", "", two[index], Severity.INFO)

    def _keyed(self, path: str, one: list[Any], two: list[Any], key: str, depth: int) -> None:
        """Objects aligned on the first key that is unique on both sides."""
        places = {canonical(item[key]): index for index, item in enumerate(two)}
        known = {canonical(item[key]) for item in one}
        order = [places[c] for item in one if (c := canonical(item[key])) in places]
        if order != sorted(order) and not self._rules._unordered.match(path):
            self._add(path, "order", [i[key] for i in one], [i[key] for i in two])
        if len(one) != len(two):
            self._add(path, "length", *_counts(one, two))
        for index, item in enumerate(one):
            there = places.get(canonical(item[key]))
            if there is None:
                self.leaves += 1
                self._add(f"{path}/{index}", "missing", item, "")
            else:
                self.values(f"{path}/{index}", item, two[there], depth + 1)
        for index, item in enumerate(two):
            if canonical(item[key]) not in known:
                self._add(f"{path}/{index}", "extra", "", item, Severity.MAJOR)

    def _binary(self) -> None:
        self.leaves += 1
        blue, green = self._pair.blue.response, self._pair.green.response
        if blue is not None and green is not None and (blue.body != green.body or blue.digest != green.digest):
            self._add("", "value", f"{blue.size} bytes", f"{green.size} bytes")

    def _add(self, path: str, kind: str, blue: Any, green: Any, severity: Severity = Severity.MAJOR) -> None:
        if len(self.findings) >= MAX_FINDINGS:
            return
        noisy = ""
        if kind in ("value", "text") and self._rules._profile != "strict":
            noisy = self._fresh(path, blue, green)
        self.findings.append(Finding(path, kind, severity, excerpt(blue), excerpt(green), noisy))

    def _fresh(self, path: str, blue: Any, green: Any) -> str:
        """Two values that each answer mints anew: times near the answer's own Date, request ids of one shape."""
        one, two = _moment(blue), _moment(green)
        if one is not None and two is not None:
            if self._moments is None:
                blue_date = _date(self._pair.blue.response) or self._pair.exchange.captured_at
                self._moments = (blue_date, _date(self._pair.green.response))
            a, b = self._moments
            if a is not None and b is not None and abs(one - a) < 300 and abs(two - b) < 300:
                return "time of the answer"
        leaf = path.rpartition("/")[2]
        if not _FRESH_ID.fullmatch(leaf) or not isinstance(blue, str) or not isinstance(green, str):
            return ""
        alike = len(blue) == len(green) and _ID_SHAPE.fullmatch(blue) and _ID_SHAPE.fullmatch(green)
        return "request id" if alike else ""


def _shared_key(one: list[Any], two: list[Any]) -> str:
    if not one or not two or not all(isinstance(item, dict) for item in (*one, *two)):
        return ""
    for key in _KEYS:
        if all(key in item and kind_of(item[key]) in ("string", "number") for item in (*one, *two)):
            for side in (one, two):
                if len({canonical(item[key]) for item in side}) != len(side):
                    break
            else:
                return key
    return ""


def _counts(one: list[Any], two: list[Any]) -> tuple[str, str]:
    a, b = Counter(map(canonical, one)), Counter(map(canonical, two))
    lost = ", ".join(key.decode("utf-8", "replace")[:40] for key in list((a - b).keys())[:3])
    new = ", ".join(key.decode("utf-8", "replace")[:40] for key in list((b - a).keys())[:3])
    return (
        f"{len(one)} items" + (f", lost here: {lost}" if lost else ""),
        f"{len(two)} items" + (f", new here: {new}" if new else ""),
    )


def _around(one: str, two: str, width: int = 70) -> tuple[str, str]:
    """Both texts cut to where they first differ."""
    start = next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    begin = max(0, start - 20) if start > 40 else 0
    lead = "…" if begin else ""
    return tuple(  # type: ignore[return-value]
        lead + text[begin : begin + 2 * width] + ("…" if len(text) > begin + 2 * width else "") for text in (one, two)
    )


def _first_difference(one: Sequence[str], two: Sequence[str]) -> tuple[str, str]:
    for a, b in zip(one, two, strict=False):
        if a != b:
            return a, b
    return f"{len(one)} tags", f"{len(two)} tags"


def _moment(value: Any) -> float | None:
    """Epoch seconds of an ISO time or an epoch number in s or ms, else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value / 1000 if 1e12 < value < 4e12 else float(value) if 1e9 < value < 4e9 else None
    if isinstance(value, str) and 16 <= len(value) <= 40 and value[:4].isdigit() and value[4] == "-":
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        return moment.timestamp() if moment.tzinfo else None
    return None


def _date(response: Response | None) -> float | None:
    stamp = response.header("date") if response is not None else None
    if stamp is None:
        return None
    try:
        return parsedate_to_datetime(stamp).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
