"""How causes fare from one run to another: new, gone, grown, shrunk or the same.

Shares are of judged exchanges. A share counts as grown or shrunk when it changed by half or more and chance alone
would do so in fewer than one of a hundred runs (exact binomial test on how a cause's pairs fall on the two).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from shadowdiff import redact
from shadowdiff.report.causes import Cause, Causes
from shadowdiff.report.plain import one_line
from shadowdiff.report.words import ENGLISH, Words
from shadowdiff.units import show_percent as pct

RATIO = 1.5
CHANCE = 0.01
EXACT = 2_000
"""Pairs up to which binomial tails are summed; the normal tail stands in beyond."""
ORDER = ("new", "grown", "same", "shrunk", "gone")


class Shift(msgspec.Struct, frozen=True):
    """One cause in two runs; `sure` is False where chance may explain a new or a gone one."""

    what: str
    cause: Cause
    before: float
    after: float
    sure: bool = True


def shifts(before: Causes, judged_before: int, after: Causes, judged_after: int) -> list[Shift]:
    """Every cause of two runs, the new ones first."""
    found = []
    for name in after.found.keys() | before.found.keys():
        one, two = before.found.get(name), after.found.get(name)
        was, now = one.count if one else 0, two.count if two else 0
        old, new = was / max(1, judged_before), now / max(1, judged_after)
        sure = chance(was, judged_before, now, judged_after) < CHANCE
        what = "new" if one is None else "gone" if two is None else "same"
        if what == "same" and sure and max(old, new) >= RATIO * min(old, new):
            what = "grown" if new > old else "shrunk"
        shown = two if two is not None else one
        if shown is not None:
            found.append(Shift(what, shown, old, new, sure or what == "same"))
    return sorted(found, key=lambda one: (ORDER.index(one.what), -max(one.before, one.after), one.cause.name))


def chance(was: int, judged_before: int, now: int, judged_after: int) -> float:
    """Two-sided p of `was` and `now` pairs where both runs have the same share."""
    total, share = was + now, judged_after / max(1, judged_before + judged_after)
    if not total or share in (0.0, 1.0):
        return 1.0
    if total > EXACT:
        spread = math.sqrt(total * share * (1 - share))
        return math.erfc(abs(now - total * share) / spread / math.sqrt(2))
    logs = [
        math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1)
        + k * math.log(share) + (total - k) * math.log1p(-share)
        for k in range(total + 1)
    ]  # fmt: skip
    low = math.fsum(math.exp(log) for log in logs[: now + 1])
    high = math.fsum(math.exp(log) for log in logs[now:])
    return min(1.0, 2 * min(low, high))


def shift_lines(found: Iterable[Shift], words: Words = ENGLISH) -> list[str]:
    """A line a cause."""
    return [
        one_line(
            redact.text(
                f"{words(one.what):<7}{pct(one.before):>6} → {pct(one.after):>6}  {one.cause.title(words)} "
                f"({one.cause.name}); {words('e.g.')} {one.cause.worst}"
                + ("" if one.sure else words("; few pairs, may be chance"))
            )
        )
        for one in found
    ]
