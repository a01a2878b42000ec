"""How many units a verdict will need, before any traffic: exact for a plain gate, close for one with a twin.

Plain: the gate's two boundaries are tables over (mismatches, units); the chance of crossing each is summed exactly,
unit by unit. With a twin: log(1/error) / KL_inf of the paired bet (gate.md section 3), times what the mixture costs.
One route is assumed; traffic spread over many needs more before a broken one among them stops it.
"""

from __future__ import annotations

import math

import msgspec

from shadowdiff.gate.criteria import RouteReading, with_routes
from shadowdiff.gate.evidence import Evidence, binary
from shadowdiff.gate.limits import Limits

HORIZON = 20_000
"""Units looked ahead; a rate that needs more is near the limit, and a margin is the better answer."""
OVERHEAD = 1.3
"""Mean units over the information limit, as measured for the paired engine (gate.md section 3)."""


class Forecast(msgspec.Struct, frozen=True):
    """What a release of a given true rate will meet; `units` are quantiles (10, 50, 90 %) of those decided."""

    rate: float
    fails: float
    passes: float
    units: tuple[int, int, int] | None


def boundaries(limits: Limits, horizon: int) -> tuple[list[int], list[int]]:
    """For each n: the least mismatches that FAIL, and the most that PASS (-1: none yet)."""
    need_fail, need_pass = -math.log(limits.alpha), -math.log(limits.beta)
    fail_at, pass_at = [0], [-1]
    low, high = 1, -1
    for n in range(1, horizon + 1):
        while low <= n and _combined(low, n, limits.max_divergence) < need_fail:
            low += 1
        fail_at.append(low if n >= limits.min_fail else n + 1)
        threshold = limits.max_divergence + limits.margin
        while Evidence(binary(high + 1, n)).log_pass(threshold) >= need_pass:
            high += 1
        pass_at.append(high if n >= limits.min_pass else -1)
    return fail_at, pass_at


def _combined(mismatches: int, n: int, limit: float) -> float:
    """log of the gate's evidence with all traffic on one route."""
    log = Evidence(binary(mismatches, n)).log_fail(limit)
    return with_routes(log, [RouteReading("", limit, n, log, 0.0)])


def forecast(rate: float, fail_at: list[int], pass_at: list[int]) -> Forecast:
    """Exact chances and quantiles for a true rate, by summing over every path that is still undecided."""
    alive = {0: 1.0}
    fails = passes = 0.0
    decided: list[tuple[int, float]] = []
    for n in range(1, len(fail_at)):
        following: dict[int, float] = {}
        for k, chance in alive.items():
            following[k] = following.get(k, 0.0) + chance * (1 - rate)
            following[k + 1] = following.get(k + 1, 0.0) + chance * rate
        alive = {}
        here = 0.0
        for k, chance in following.items():
            if k >= fail_at[n]:
                fails += chance
                here += chance
            elif k <= pass_at[n]:
                passes += chance
                here += chance
            elif chance > 1e-13:
                alive[k] = chance
        if here:
            decided.append((n, here))
        if not alive or fails + passes > 1 - 1e-7:
            break
    return Forecast(rate, fails, passes, _quantiles(decided, fails + passes))


def _quantiles(decided: list[tuple[int, float]], total: float) -> tuple[int, int, int] | None:
    """None where fewer than half of the paths end within the horizon."""
    if total < 0.5:
        return None
    out, seen, wanted = [], 0.0, [0.1, 0.5, 0.9]
    for n, chance in decided:
        seen += chance
        while wanted and seen >= wanted[0] * total:
            out.append(n)
            wanted.pop(0)
    while len(out) < 3:
        out.append(decided[-1][0])
    return out[0], out[1], out[2]


def paired_units(rate: float, noise: float, limits: Limits) -> int | None:
    """Units to a verdict with a twin: `rate` is green's excess over a blue that differs from itself in `noise`.

    None near the limit, where no number of units decides.
    """
    limit = limits.max_divergence
    if abs(rate - limit) < 0.2 * limit:
        return None
    green = min(1.0, noise + rate)
    chances = {1.0: green * (1 - noise), -1.0: (1 - green) * noise}
    chances[0.0] = 1 - sum(chances.values())
    side, error = (1, limits.alpha) if rate > limit else (-1, limits.beta)
    best = 0.0
    for step in range(1, 200):
        bet = side * step / 200 / (1 + side * limit)
        terms = [(1 + bet * (d - limit), chance) for d, chance in chances.items() if chance > 0]
        if all(value > 0 for value, _ in terms):
            best = max(best, sum(chance * math.log(value) for value, chance in terms))
    floor = limits.min_fail if rate > limit else limits.min_pass
    return max(floor, math.ceil(OVERHEAD * -math.log(error) / best)) if best > 0 else None
