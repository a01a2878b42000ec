"""Word-level highlights of two texts, also for scripts without blanks; what is the same and long is folded away.

In:  two texts. Out: for each side, pieces with a mark: same, gone, new or fold (which says how much is left out).
Indel opcodes over tokens, between the common head and tail; capped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from rapidfuzz.distance import Indel

MAX_TOKENS = 3000
CONTEXT = 240
"""Characters kept before and after a change."""
FOLD = 200
"""Fewer left-out characters than these are shown instead."""
_PIECE = re.compile(r"\s+|[A-Za-z0-9_]+|[^\sA-Za-z0-9_]")

Piece = tuple[str, str]


def marked(one: str, two: str) -> tuple[list[Piece], list[Piece]]:
    """(pieces of `one`, pieces of `two`); a piece is (text, mark) with mark "", "gone" or "new"."""
    head = _head(one, two)
    tail = _tail(one, two, head)
    left: list[Piece] = []
    right: list[Piece] = []
    _put(left, [one[:head]], "")
    _put(right, [two[:head]], "")
    mid_a, mid_b = (_PIECE.findall(text[head : len(text) - tail]) for text in (one, two))
    rest_a, rest_b = mid_a[MAX_TOKENS:], mid_b[MAX_TOKENS:]
    mid_a, mid_b = mid_a[:MAX_TOKENS], mid_b[:MAX_TOKENS]
    for op in Indel.opcodes(mid_a, mid_b):
        same = op.tag == "equal"
        _put(left, mid_a[op.src_start : op.src_end], "" if same else "gone")
        _put(right, mid_b[op.dest_start : op.dest_end], "" if same else "new")
    for side, rest, text in ((left, rest_a, one), (right, rest_b, two)):
        _put(side, rest, "")
        _put(side, [text[len(text) - tail :]], "")
    return left, right


def folded(pieces: Sequence[Piece], say: Callable[[int], str], context: int = CONTEXT) -> list[Piece]:
    """The same pieces with long unchanged stretches cut to `context` characters beside each change."""
    out: list[Piece] = []
    for number, (text, mark) in enumerate(pieces):
        before = context if number else 0
        after = context if number + 1 < len(pieces) else 0
        if len(pieces) == 1:
            before, after = 2 * context, 0
        left_out = len(text) - before - after
        if mark or left_out < FOLD:
            out.append((text, mark))
            continue
        out += [(text[:before], ""), (say(left_out), "fold"), (text[len(text) - after :] if after else "", "")]
    return [piece for piece in out if piece[0]]


def _head(one: str, two: str) -> int:
    """Characters that both begin with, up to the end of a word."""
    low, high = 0, min(len(one), len(two))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one.startswith(two[low:middle], low) else (low, middle - 1)
    while low and _inside(one[low - 1]):
        low -= 1
    return low


def _tail(one: str, two: str, head: int) -> int:
    """Characters beyond `head` that both end with, from the start of a word."""
    low, high = 0, min(len(one), len(two)) - head
    while low < high:
        middle = (low + high + 1) // 2
        same = one.endswith(two[len(two) - middle : len(two) - low], 0, len(one) - low)
        low, high = (middle, high) if same else (low, middle - 1)
    while low and _inside(one[len(one) - low]):
        low -= 1
    return low


def _inside(char: str) -> bool:
    return char == "_" or (char.isascii() and char.isalnum())


def _put(side: list[Piece], tokens: Sequence[str], mark: str) -> None:
    """Append, joined to a neighbor of the same mark."""
    text = "".join(tokens)
    if not text:
        return
    if side and side[-1][1] == mark:
        side[-1] = (side[-1][0] + text, mark)
    else:
        side.append((text, mark))
