"""Pieces of the sentences that no language changes."""

from __future__ import annotations

import math


def top(reasons: dict[str, int], kinds: tuple[str, ...]) -> str:
    """The commonest reason of some kinds with its count, or an empty string."""
    found = [(count, key) for key, count in reasons.items() if key.split(": ")[0] in kinds]
    if not found:
        return ""
    count, key = max(found)
    return f"{count} × {key.split(': ', 1)[1]}"


def coins(log: float) -> str:
    """A pot given as its logarithm."""
    return f"{math.exp(log):,.0f}" if log < 30 else f"10^{log / math.log(10):.0f}"
