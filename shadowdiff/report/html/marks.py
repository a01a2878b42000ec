"""Word-level highlights of two texts, also for scripts without blanks.

In:  two texts. Out: for each side, pieces with a mark: same, gone or new. Indel opcodes over tokens, capped.
"""

from __future__ import annotations

import re

from rapidfuzz.distance import Indel

MAX_TOKENS = 3000
_PIECE = re.compile(r"\s+|[A-Za-z0-9_]+|[^\sA-Za-z0-9_]")

Piece = tuple[str, str]


def marked(one: str, two: str) -> tuple[list[Piece], list[Piece]]:
    """(pieces of `one`, pieces of `two`); a piece is (text, mark) with mark "", "gone" or "new"."""
    a, b = _PIECE.findall(one), _PIECE.findall(two)
    rest_a, rest_b = "".join(a[MAX_TOKENS:]), "".join(b[MAX_TOKENS:])
    a, b = a[:MAX_TOKENS], b[:MAX_TOKENS]
    left: list[Piece] = []
    right: list[Piece] = []
    for op in Indel.opcodes(a, b):
        before, after = "".join(a[op.src_start : op.src_end]), "".join(b[op.dest_start : op.dest_end])
        if op.tag == "equal":
            left.append((before, ""))
            right.append((after, ""))
        else:
            if before:
                left.append((before, "gone"))
            if after:
                right.append((after, "new"))
    if rest_a:
        left.append((rest_a, ""))
    if rest_b:
        right.append((rest_b, ""))
    return left, right
