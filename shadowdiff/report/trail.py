"""The evidence over pairs: estimate, interval and log E at points that lie ever farther apart.

Points are taken at counts that grow by 7 %, so that a chart of a million pairs has some two hundred of them: a look
costs as much as judging ten pairs.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

EXACT = 60
"""Pairs up to which every one is looked at: a gate that stops does so early."""
GROWTH = 1.07


class Look(msgspec.Struct, frozen=True, array_like=True):
    """The gate's reading after `settled` pairs, `n` of its units; `fail` and `passing` are log10 of the evidence."""

    settled: int
    n: int
    rate: float
    low: float
    high: float
    fail: float
    passing: float


class Trail:
    """Looks now and then. `fail_at` and `pass_at` are the log10 evidence at which each verdict is reached."""

    def __init__(
        self,
        look: Callable[[int], Look] | None = None,
        fail_at: float = 2.0,
        pass_at: float = 1.3,
        decides: bool = False,
        least: tuple[int, int] = (1, 1),
    ) -> None:
        """`decides` says that the verdict is read from this evidence, and not from a plain rate; `least` are the
        units from which on a FAIL and a PASS may be given."""
        self._least = least
        self._look = look
        self.decides = decides
        self._next = 1
        self.settled = 0
        self.looks: list[Look] = []
        self.fail_at = fail_at
        self.pass_at = pass_at

    def tick(self) -> None:
        """One more pair has been counted."""
        self.settled += 1
        if self._look is not None and self.settled >= self._next:
            self.looks.append(self._look(self.settled))
            self._next = self.settled + 1 if self.settled < EXACT else int(self.settled * GROWTH)

    def end(self) -> None:
        """Look once more: units that closed with the run count too."""
        if self._look is not None and self.settled:
            self.looks.append(self._look(self.settled))

    def crossed(self, verdict: str) -> Look | None:
        """The first look at which the evidence reached what `verdict` (pass or fail) needs, None if it never did."""
        for look in self.looks:
            evidence, need = (look.fail, self.fail_at) if verdict == "fail" else (look.passing, self.pass_at)
            if evidence >= need and look.n >= self._least[verdict == "pass"]:
                return look
        return None
