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
    a, b = _PIECE.findall(one), _PIECE.findall(two)
    head = _common(a, b)
    tail = _common(a[head:][::-1], b[head:][::-1])
    left: list[Piece] = []
    right: list[Piece] = []
    _put(left, a[:head], "")
    _put(right, b[:head], "")
    mid_a, mid_b = a[head : len(a) - tail], b[head : len(b) - tail]
    rest_a, rest_b = mid_a[MAX_TOKENS:], mid_b[MAX_TOKENS:]
    mid_a, mid_b = mid_a[:MAX_TOKENS], mid_b[:MAX_TOKENS]
    for op in Indel.opcodes(mid_a, mid_b):
        same = op.tag == "equal"
        _put(left, mid_a[op.src_start : op.src_end], "" if same else "gone")
        _put(right, mid_b[op.dest_start : op.dest_end], "" if same else "new")
    for side, rest, tokens in ((left, rest_a, a), (right, rest_b, b)):
        _put(side, rest, "")
        _put(side, tokens[len(tokens) - tail :], "")
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


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    count = 0
    for one, two in zip(a, b, strict=False):
        if one != two:
            break
        count += 1
    return count


def _put(side: list[Piece], tokens: Sequence[str], mark: str) -> None:
    """Append, joined to a neighbor of the same mark."""
    text = "".join(tokens)
    if not text:
        return
    if side and side[-1][1] == mark:
        side[-1] = (side[-1][0] + text, mark)
    else:
        side.append((text, mark))
