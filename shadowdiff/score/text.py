"""Texts made comparable: normal form, words, overlap, and which strings are prose.

Chinese has no blanks between words, so CJK runs become character bigrams; other scripts become words.
The order of normalizing follows llm-streams.md 3.2 and scoring.md section 5.
"""

from __future__ import annotations

import re
from collections import deque
from functools import lru_cache
from operator import add
from typing import Any

from shadowdiff.model.exchange import Document
from shadowdiff.score.forms import CJK, LOOKALIKES, narrow
from shadowdiff.score.jsonvalue import compact

SHORT = 60
"""Up to this many characters a string is compared exactly; longer ones with blanks or CJK are prose."""
MAX_VOCABULARY = 5_000
_CJK_CHAR = re.compile(f"[{CJK}]")
_BY_CJK = re.compile(f" (?:(?<=[{CJK}] )|(?=[{CJK}]))")
_TOKEN = re.compile(f"[{CJK}]+|[^\\W_{CJK}]+(?:[.,:/-][^\\W_{CJK}]+)*")
_ASCII_TOKEN = re.compile("[A-Za-z0-9]+(?:[.,:/-][A-Za-z0-9]+)*")


@lru_cache(maxsize=16)
def normal(text: str) -> str:
    """The text without what readers do not see: width, quotes, case, spacing."""
    if text.isascii():
        return " ".join(text.split()).lower()
    return _BY_CJK.sub("", " ".join(narrow(text, LOOKALIKES).split())).casefold()


def tokens(text: str, limit: int = 50_000) -> list[str]:
    """Words of a normalized text; runs of CJK give their character bigrams."""
    if text.isascii():
        return _ASCII_TOKEN.findall(text)[:limit]
    out: list[str] = []
    for run in _TOKEN.findall(text):
        if len(run) > 1 and run[0] > "\u2fff" and _CJK_CHAR.match(run):
            out += map(add, run, run[1:])
        else:
            out.append(run)
        if len(out) >= limit:
            break
    return out[:limit]


@lru_cache(maxsize=64)
def vocabulary(text: str) -> frozenset[str]:
    """The set of `tokens` of a normalized text, up to its first 5,000."""
    return frozenset(tokens(text, MAX_VOCABULARY))


def is_prose(value: str) -> bool:
    """Whether a string is free text rather than an identifier, code or number."""
    return len(value) > SHORT and (" " in value or _CJK_CHAR.search(value) is not None)


def worded(value: str) -> bool:
    """Whether a string has words in it: a blank or a CJK character."""
    return " " in value or "\n" in value or "\t" in value or _CJK_CHAR.search(value) is not None


def prose(document: Document | None) -> str:
    """The free text of an answer: what a person would read. Empty where there is none."""
    if document is None:
        return ""
    if document.kind in ("chat", "text", "html"):
        return document.text
    if document.kind == "json":
        for known, text in _collected:  # each of a pair's scorers asks for both sides
            if known is document:
                return text
        found: list[str] = []
        _collect(document.value, found, 0)
        _collected.append((document, "\n".join(found)))
        return _collected[-1][1]
    return ""


_collected: deque[tuple[Document, str]] = deque(maxlen=3)
"""The free texts of the last JSON answers: of a pair with its twin."""


def excerpt(value: Any, limit: int = 160) -> str:
    """A value as a short single line for a finding."""
    text = value if isinstance(value, str) else compact(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _collect(value: Any, found: list[str], depth: int) -> None:
    if isinstance(value, str):
        if is_prose(value):
            found.append(value)
    elif depth < 40:
        if isinstance(value, dict):
            for item in value.values():
                _collect(item, found, depth + 1)
        elif isinstance(value, list):
            for item in value:
                _collect(item, found, depth + 1)
