"""Keywords: the operator's required and forbidden phrases fail a pair; salient words lost or new are reported.

A required phrase fails when blue says it and green does not; a forbidden one fails whenever green says
it. A prepared question's `expect` is checked against green alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from shadowdiff.contracts import Baseline
from shadowdiff.errors import UsageError
from shadowdiff.model.comparison import Finding, Score, Severity
from shadowdiff.model.exchange import Expect, Pair
from shadowdiff.score.align import middles
from shadowdiff.score.jsonvalue import compact
from shadowdiff.score.regex import compiled
from shadowdiff.score.text import normal, prose

MAX_SALIENT = 8
MAX_CHARS = 20_000
NEAR = 24
"""Characters looked at on both sides of what changed."""
_CJK = "\u3400-\u4dbf\u4e00-\u9fff"
_SALIENT = re.compile(
    r"\d+(?:[.,:-]\d+)*\s?(?:%|[a-z]{1,3}\b|元|天|小时|分钟|个|年|月|日)?"
    rf"|[a-z][a-z0-9_-]{{6,}}|《[^》]{{1,30}}》|[{_CJK}]{{4,8}}"
)


class Keywords:
    """Phrases by name, and the words of blue that green lost."""

    name = "keywords"

    def __init__(self, required: Sequence[str] = (), forbidden: Sequence[str] = ()) -> None:
        self._required = tuple((phrase, normal(phrase)) for phrase in required)
        self._forbidden = tuple((phrase, normal(phrase)) for phrase in forbidden)
        self.on_equal = bool(forbidden)

    def score(self, pair: Pair, baseline: Baseline) -> Score:
        """Divergence is the share of named phrases that failed, or of salient words lost."""
        one, two = normal(_said(pair, "blue")), normal(_said(pair, "green"))
        findings: list[Finding] = []
        for phrase, plain in self._required:
            if plain in one and plain not in two:
                findings.append(Finding("", "keyword", Severity.MAJOR, phrase, "(required phrase missing)"))
        for phrase, plain in self._forbidden:
            if plain in two:
                said = phrase if plain in one else "(not said)"
                findings.append(Finding("", "keyword", Severity.MAJOR, said, f"{phrase} (forbidden)"))
        if pair.exchange.expect is not None:
            findings += _expected(pair.exchange.expect, two, pair)
        if findings:
            return Score(self.name, 1.0, tuple(findings))
        before, after = (_salient(text) for text in middles(one, two, NEAR))
        lost = [word for word in before if word not in two]
        new = [word for word in after if word not in one]
        if not lost and not new:
            return Score(self.name)
        finding = Finding("", "keyword", Severity.INFO, _some(lost, "lost"), _some(new, "new"))
        return Score(self.name, (len(lost) + len(new)) / (len(before) + len(after)), (finding,))


def _said(pair: Pair, side: str) -> str:
    """The free text, or the whole body text where the answer has none (a short JSON value is said too)."""
    document = pair.blue_doc if side == "blue" else pair.green_doc
    text = prose(document)
    if text or document is None or document.kind != "json":
        return text
    return compact(document.value)


def _expected(expect: Expect, said: str, pair: Pair) -> list[Finding]:
    findings = [
        Finding("", "keyword", Severity.MAJOR, phrase, "(expected phrase missing)")
        for phrase in expect.contains
        if normal(phrase) not in said
    ]
    findings += [
        Finding("", "keyword", Severity.MAJOR, "(must not be said)", f"{phrase} (forbidden here)")
        for phrase in expect.forbids
        if normal(phrase) in said
    ]
    chat = pair.green_doc.chat if pair.green_doc is not None else None
    cited = " ".join(chat.citations) if chat is not None else said
    findings += [
        Finding("/citations", "keyword", Severity.MAJOR, source, "(expected citation missing)")
        for source in expect.citations
        if normal(source) not in normal(cited)
    ]
    said_raw = prose(pair.green_doc)[:MAX_CHARS]
    for pattern in expect.regex:
        try:
            if compiled(pattern, "expect.regex").search(said_raw) is None:
                findings.append(Finding("", "keyword", Severity.MAJOR, pattern, "(expected pattern not found)"))
        except UsageError as error:
            findings.append(Finding("", "keyword", Severity.INFO, pattern, f"({error})"))
    return findings


def _salient(text: str) -> list[str]:
    """Numbers with unit, long words, titles and CJK phrases of a normalized text."""
    return list(dict.fromkeys(map(str.strip, _SALIENT.findall(text[:MAX_CHARS]))))


def _some(words: list[str], what: str) -> str:
    more = f" and {len(words) - MAX_SALIENT} more" if len(words) > MAX_SALIENT else ""
    return f"{what}: {', '.join(words[:MAX_SALIENT])}{more}" if words else f"nothing {what}"
