"""Align two texts: which sentences only one side has, and which regions changed within them.

Cheapest first: the common head and tail by bisection, then sentences by their bytes, then by their judged
form; only what is left is aligned character by character (scoring.md section 4).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Set
from itertools import accumulate

import msgspec
from rapidfuzz.distance import Indel

from shadowdiff.score.forms import form
from shadowdiff.score.text import tokens

WINDOWED = 0.5
"""Up to this share of both texts changed, the rules see only what changed."""
REACH = 1_000
"""How far from the first and the last difference a sentence's border is looked for."""
_BORDER = re.compile(r"[\n.!?。！？；]")
_PIECE = re.compile(r"\s*\S+|\s+$")
BY_WORDS = 1_600
_CLOSERS = frozenset("abcdefghijklmnopqrstuvwxyz)]\"'")


class Changed(msgspec.Struct):
    """The sentences that only one side has: raw, and in judged form."""

    blue: str
    green: str
    one: str
    two: str


def changes(blue: str, green: str) -> Changed | None:
    """What only one side says, None where that is most of it.

    Sentences that moved are on both sides, so their order alone is no change.
    """
    start, end = _common(blue, green)
    a, b = _sentences(blue[start : len(blue) - end]), _sentences(green[start : len(green) - end])
    here, there = Counter(a), Counter(b)
    only_blue, only_green = _beyond(a, there), _beyond(b, here)
    if sum(map(len, only_blue)) + sum(map(len, only_green)) > WINDOWED * (len(blue) + len(green)):
        return None
    ones, twos = [form(text) for text in only_blue], [form(text) for text in only_green]
    left, right = Counter(ones), Counter(twos)
    kept_blue = [(raw, judged) for raw, judged in zip(only_blue, ones, strict=True) if left[judged] > right[judged]]
    kept_green = [(raw, judged) for raw, judged in zip(only_green, twos, strict=True) if right[judged] > left[judged]]
    return Changed(
        "\n".join(raw for raw, _ in kept_blue),
        "\n".join(raw for raw, _ in kept_green),
        " ".join(judged for _, judged in kept_blue if judged),
        " ".join(judged for _, judged in kept_green if judged),
    )


def middles(one: str, two: str, near: int = 0) -> tuple[str, str]:
    """Both texts without the head and the tail that they share, but for `near` characters of each."""
    limit = min(len(one), len(two))
    start = _shared(limit, lambda n: one[:n] == two[:n])
    end = _shared(limit - start, lambda n: one[len(one) - n :] == two[len(two) - n :])
    start, end = max(0, start - near), max(0, end - near)
    return one[start : len(one) - end], two[start : len(two) - end]


def _common(one: str, two: str) -> tuple[int, int]:
    """How much both texts share at the start and at the end, up to a sentence's border."""
    limit = min(len(one), len(two))
    shared = _shared(limit, lambda n: one[:n] == two[:n])
    start = max(_borders(one, max(0, shared - REACH), shared - 1), default=0)
    tail = len(one) - _shared(limit - start, lambda n: one[len(one) - n :] == two[len(two) - n :])
    first = next(_borders(one, tail + 1, tail + REACH), len(one))
    return start, len(one) - first


def _shared(limit: int, same: Callable[[int], bool]) -> int:
    """The largest n up to `limit` for which `same(n)`, which holds for every smaller n."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if same(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _sentences(text: str) -> list[str]:
    out, start = [], 0
    for end in (*_borders(text, 0, len(text)), len(text)):
        if part := text[start:end].strip():
            out.append(part)
        start = end
    return out


def _borders(text: str, start: int, end: int) -> Iterator[int]:
    """Where sentences end: at line breaks, behind 。！？；!? and behind a full stop between a word and a blank."""
    for match in _BORDER.finditer(text, start, max(start, end)):
        at = match.start()
        if text[at] != "." or (text[at + 1 : at + 2].isspace() and text[at - 1 : at] in _CLOSERS):
            yield at + 1


def _beyond(parts: list[str], other: Counter[str]) -> list[str]:
    """The parts that stand more often here than there, in order."""
    left = Counter(other)
    out = []
    for part in parts:
        if left[part] > 0:
            left[part] -= 1
        else:
            out.append(part)
    return out


def regions(one: str, two: str) -> Iterator[tuple[str, str]]:
    """Changed regions of two aligned texts; scraps of up to four equal characters between them are no anchor."""
    a0 = a1 = b0 = b1 = 0
    open_ = False
    for tag, i, j, k, m in _opcodes(one, two):
        if tag == "equal":
            if open_ and j - i > 4:
                yield _words(one, a0, a1), _words(two, b0, b1)
                open_ = False
            continue
        if not open_:
            a0, b0, open_ = i, k, True
        a1, b1 = j, m
    if open_:
        yield _words(one, a0, a1), _words(two, b0, b1)


def _opcodes(one: str, two: str) -> Iterator[tuple[str, int, int, int, int]]:
    """How to turn one text into the other, in characters; long Latin texts are aligned word by word.

    By characters 2 KB against another 2 KB take 0.5 ms, by words a tenth of it.
    """
    if len(one) + len(two) < BY_WORDS or not one.isascii() or not two.isascii():
        for op in Indel.opcodes(one, two):
            yield op.tag, op.src_start, op.src_end, op.dest_start, op.dest_end
        return
    a, b = _PIECE.findall(one), _PIECE.findall(two)
    here, there = [0, *accumulate(map(len, a))], [0, *accumulate(map(len, b))]
    for op in Indel.opcodes(a, b):
        yield op.tag, here[op.src_start], here[op.src_end], there[op.dest_start], there[op.dest_end]


def _words(text: str, start: int, end: int) -> str:
    """`text[start:end]` without the halves of Latin words at its borders."""
    if start and text[start - 1].isascii() and text[start - 1].isalnum():
        while start < end and text[start].isascii() and text[start].isalnum():
            start += 1
    if end < len(text) and text[end].isascii() and text[end].isalnum():
        while end > start and text[end - 1].isascii() and text[end - 1].isalnum():
            end -= 1
    return text[start:end].strip()


def holds(text: str, said: Set[str], block: str) -> bool:
    """Whether `text` says the block elsewhere: whole, or nearly all of its words."""
    if block in text:
        return True
    words = tokens(block)
    if not words:
        return True
    return len(words) >= 4 and sum(word in said for word in words) >= 0.9 * len(words)
