"""The words of reports by language: what is written here is English, and `zh` says the same in Chinese.

A sentence is its own key. Those made by other stages (notes, reasons of the ledger, what a finding shows) come as
finished English sentences, may have been saved by an earlier run, and are matched by their pattern.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from shadowdiff.report import zh, zh_data

_FIELD = re.compile(r"\{(\w+)\}")
_MORE = re.compile(r" and (\d+) more$")
_COUNTED = re.compile(r"(unreadable|filtered|sampled_out|skipped|dropped|errored|warmup|unsent): (.*)", re.DOTALL)
_OURS = frozenset({
    "kind", "empty", "shape", "language", "script", "items", "negation", "size", "length", "similarity", "failure",
    "mojibake", "repetition",
})  # fmt: skip
"""Kinds whose excerpts are our own words."""
_LISTS = frozenset({"words", "number", "name", "unit", "keyword"})


class Words:
    """Speaks one language, `en` or `zh`."""

    def __init__(self, lang: str = "en") -> None:
        self.lang = lang if lang == "zh" else "en"

    def __call__(self, english: str, **values: object) -> str:
        """The sentence in this language with its `{fields}` filled in."""
        text = zh.SAID.get(english, english) if self.lang == "zh" else english
        return text.format(**values) if values else text

    def said(self, sentence: str) -> str:
        """A finished English sentence in this language; as it is where it is nobody's of ours."""
        return _chinese(sentence) if self.lang == "zh" else sentence

    def kind(self, kind: str) -> str:
        """The short name of a kind of finding, as tables show it."""
        return zh.KINDS.get(kind, kind) if self.lang == "zh" else kind

    def excerpt(self, kind: str, text: str) -> str:
        """What a finding shows of one side; only what we wrote is translated, never what a target said."""
        return _excerpt(kind, text) if self.lang == "zh" else text

    def why(self, text: str) -> str:
        """The line that explains an outcome: findings, and reasons why there was no baseline."""
        if self.lang != "zh" or not text:
            return text
        return "；".join(_finding(part) for part in text.split("; "))


ENGLISH = Words()


@lru_cache(maxsize=4096)
def _chinese(sentence: str) -> str:
    counted = _COUNTED.fullmatch(sentence)
    if counted is not None:
        return f"{zh.SAID[counted[1]]}：{_chinese(counted[2])}"
    known = zh.SAID.get(sentence) or zh_data.PLAIN.get(sentence)
    if known is not None:
        return known
    for pattern, build in _patterns():
        match = pattern.fullmatch(sentence)
        if match is not None:
            return build(match)
    return sentence


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]]:
    """The one that says most by itself is tried first."""
    said = sorted(zh_data.FILLED.items(), key=lambda item: -len(_FIELD.sub("", item[0])))
    return [(_pattern(english), _builder(chinese)) for english, chinese in said]


def _pattern(english: str) -> re.Pattern[str]:
    """A regular expression of a sentence with fields; each field takes as little as it can."""
    parts = _FIELD.split(english)
    made = "".join(re.escape(part) if n % 2 == 0 else f"(?P<{part}>.*?)" for n, part in enumerate(parts))
    return re.compile(made, re.DOTALL)


def _builder(chinese: str) -> Callable[[re.Match[str]], str]:
    def build(match: re.Match[str]) -> str:
        return chinese.format(**{name: _chinese(value) for name, value in match.groupdict().items()})

    return build


def _excerpt(kind: str, text: str) -> str:
    if kind in _OURS or text.startswith("(") or (text.count(" ") > 2 and text in zh_data.PLAIN):
        return _chinese(text)
    if kind == "keyword" and (text.endswith(")") or text.startswith(("lost: ", "new: ", "nothing "))):
        return _chinese(text)
    return _MORE.sub(r" 等另外 \1 个", text) if kind in _LISTS else text


def _finding(part: str) -> str:
    """`kind at /path: blue → green (noisy) and 2 more`."""
    head, colon, rest = part.partition(": ")
    kind, at, path = head.partition(" at ")
    if not colon or kind not in zh.KINDS:
        return _chinese(part)
    more = _MORE.search(rest)
    one, arrow, two = (rest[: more.start()] if more else rest).partition(" → ")
    where, tail = f"（{path}）" if at else "", f"，另有 {more[1]} 处" if more else ""
    return f"{zh.KINDS[kind]}{where}：{_excerpt(kind, one)}{arrow}{_excerpt(kind, two)}{tail}"
