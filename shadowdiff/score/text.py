"""Texts made comparable: normal form, words, overlap, and which strings are prose.

Chinese has no blanks between words, so CJK runs become character bigrams; other scripts become words.
The order of normalizing follows llm-streams.md 3.2 and scoring.md section 5.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

from shadowdiff.model.exchange import Document
from shadowdiff.score.jsonvalue import compact

SHORT = 60
"""Up to this many characters a string is compared exactly; longer ones with blanks or CJK are prose."""

_QUOTES = str.maketrans(
    {
        "‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "…": "...",
        "，": ",", "。": ".", "：": ":", "；": ";", "！": "!", "？": "?", "、": ",", "（": "(", "）": ")",
        "\u200b": None, "\u200c": None, "\u200d": None, "\u2060": None, "\ufeff": None, "\u00ad": None,
    }
)  # fmt: skip
_SPACE = re.compile(r"\s+")
_CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7af"
_CJK_CHAR = re.compile(f"[{_CJK}]")
_BY_CJK = re.compile(f"(?<=[{_CJK}]) | (?=[{_CJK}])")
_TOKEN = re.compile(f"[{_CJK}]+|[^\\W_{_CJK}]+(?:[.,:/-][^\\W_{_CJK}]+)*")


@lru_cache(maxsize=16)
def normal(text: str) -> str:
    """The text without what readers do not see: width, quotes, case, spacing."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_QUOTES)
    text = _SPACE.sub(" ", text).strip()
    if not text.isascii():
        text = _BY_CJK.sub("", text)
    return text.casefold()


def tokens(text: str, limit: int = 50_000) -> list[str]:
    """Words of a normalized text; runs of CJK give their character bigrams."""
    out: list[str] = []
    for run in _TOKEN.findall(text):
        if _CJK_CHAR.match(run):
            out += [run[i : i + 2] for i in range(len(run) - 1)] if len(run) > 1 else [run]
        else:
            out.append(run)
        if len(out) >= limit:
            break
    return out[:limit]


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
        found: list[str] = []
        _collect(document.value, found, 0)
        return "\n".join(found)
    return ""


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
