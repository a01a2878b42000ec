"""The mixture e-process: evidence about a rate that stays valid however often it is looked at.

Input: an integer histogram of bets x in [0, 1] over 65 bins. For a threshold m,

    E_fail(m) = mean_j exp( sum_i log1p(x_i expm1( s_j)) - n log1p(m expm1( s_j)) )
    E_pass(m) = the same with -s_j,      s = 1/8, 1/4, 1/2, 1, 2, 4, 8

E_fail is evidence against "rate <= m", E_pass against "rate >= m". By Ville's inequality each exceeds
1/alpha with probability at most alpha, at any time, under any drift (gate.md section 1). Everything
is computed as logarithms; evidence itself is never stored or multiplied across workers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from shadowdiff.model.tally import BINS

TILTS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
_LOG_COUNT = math.log(len(TILTS))
_UP = tuple(math.expm1(s) for s in TILTS)
_DOWN = tuple(math.expm1(-s) for s in TILTS)
_STEPS = 200


class Evidence:
    """What a histogram of bets says about thresholds."""

    def __init__(self, bets: Mapping[int, int], pending: int = 0) -> None:
        """`bets` maps a bin (0..64) to a count; `pending` units are in flight.

        Pending units are read in green's favor for FAIL and against it for PASS (gate.md 5.1).
        """
        self.n = sum(bets.values())
        self._pending = pending
        self._up = [_weigh(bets, c) for c in _UP]
        self._down = [_weigh(bets, c) for c in _DOWN]
        self.mean = sum(b * count for b, count in bets.items()) / (BINS * self.n) if self.n else 0.0

    def log_fail(self, m: float) -> float:
        """log E_fail: evidence that the rate is above `m`; decreases in `m`."""
        return _mix(self._up, _UP, m, self.n + self._pending)

    def log_pass(self, m: float) -> float:
        """log E_pass: evidence that the rate is below `m`; increases in `m`."""
        pending = self._pending
        down = (
            [a + pending * math.log1p(c) for a, c in zip(self._down, _DOWN, strict=True)] if pending else self._down
        )
        return _mix(down, _DOWN, m, self.n + pending)

    def lower(self, alpha: float) -> float:
        """The largest m that FAIL evidence excludes from below at level `alpha`; 0 if none."""
        target = -math.log(alpha)
        if self.log_fail(0.0) < target:
            return 0.0
        low, high = 0.0, 1.0
        for _ in range(_STEPS):
            middle = (low + high) / 2
            if not low < middle < high:
                break
            if self.log_fail(middle) >= target:
                low = middle
            else:
                high = middle
        return low

    def upper(self, beta: float) -> float:
        """The smallest m that PASS evidence excludes from above at level `beta`; 1 if none."""
        target = -math.log(beta)
        if self.log_pass(1.0) < target:
            return 1.0
        low, high = 0.0, 1.0
        for _ in range(_STEPS):
            middle = (low + high) / 2
            if not low < middle < high:
                break
            if self.log_pass(middle) >= target:
                high = middle
            else:
                low = middle
        return high


def binary(k: int, n: int) -> dict[int, int]:
    """The histogram of k ones in n bets."""
    return {0: n - k, BINS: k}


def bin_of(bet: float) -> int:
    """The bin of a bet in [0, 1], to the nearest 1/64."""
    if bet == 0.0 or bet == 1.0:  # what nearly every bet is without a twin
        return BINS if bet else 0
    return min(BINS, max(0, round(bet * BINS)))


def _weigh(bets: Mapping[int, int], c: float) -> float:
    return sum(count * math.log1p(bucket / BINS * c) for bucket, count in bets.items() if bucket and count)


def _mix(weights: list[float], factors: tuple[float, ...], m: float, n: int) -> float:
    logs = []
    for weight, c in zip(weights, factors, strict=True):
        base = 1.0 + m * c
        logs.append(weight - n * math.log1p(m * c) if base > 0 else (math.inf if n else weight))
    top = max(logs)
    if math.isinf(top):
        return top
    return top + math.log(sum(math.exp(a - top) for a in logs)) - _LOG_COUNT
