"""Does the gate keep its promise? False stops and false passes by simulation, watched after every unit.

    python bench/calibration.py [--reps 1000] [--horizon 20000] [--only NAME]

Each run draws units at a true rate and looks after every one, as `replay` does, until FAIL, PASS or the horizon. The promise:
a release at or below the limit (5 %) is stopped in at most alpha = 1 % of runs, one at or above it passes in at most
beta = 5 %. `simple` is the rule "after 30, above 5 %" on the same streams. Floors are the defaults (20 and 100 units)
unless the table says off.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from collections.abc import Callable, Iterator

from shadowdiff.gate.criteria import SLOTS
from shadowdiff.gate.evidence import TILTS, Evidence

LIMIT, ALPHA, BETA = 0.05, 0.01, 0.05
MIN_FAIL, MIN_PASS = 20, 100
AFTER = 30
Unit = tuple[float, int]
"""A bet and the route it is on."""


class Stream:
    """The e-process of one histogram, kept as sums by tilt: the same numbers as `gate.evidence`, a unit at a time."""

    def __init__(self, threshold: float) -> None:
        self.n = 0
        self._up = [0.0] * len(TILTS)
        self._down = [0.0] * len(TILTS)
        self._c = [math.expm1(s) for s in TILTS]
        self._d = [math.expm1(-s) for s in TILTS]
        self._cost_up = [math.log1p(threshold * c) for c in self._c]
        self._cost_down = [math.log1p(threshold * d) for d in self._d]

    def add(self, bet: float) -> None:
        """Count one unit."""
        self.n += 1
        if bet:
            for j, (c, d) in enumerate(zip(self._c, self._d, strict=True)):
                self._up[j] += math.log1p(bet * c)
                self._down[j] += math.log1p(bet * d)

    @property
    def fail(self) -> float:
        """E against "within the limit", capped."""
        n = self.n
        return sum(math.exp(min(600.0, a - n * cost)) for a, cost in zip(self._up, self._cost_up, strict=True)) / 7

    @property
    def passed(self) -> float:
        """E against "above the limit"."""
        n = self.n
        return (
            sum(math.exp(min(600.0, a - n * cost)) for a, cost in zip(self._down, self._cost_down, strict=True)) / 7
        )


def watch(units: Iterator[Unit], threshold: float, mixed: bool, floors: bool, share: float = 1.0) -> tuple[str, int]:
    """(verdict, units) of one run; `mixed` adds the evidence by routes, `share` is a criterion's part of alpha."""
    whole = Stream(threshold)
    routes: dict[int, Stream] = {}
    evidence: dict[int, float] = {}
    n = 0
    for n, (bet, route) in enumerate(units, 1):
        whole.add(bet)
        e = whole.fail
        if mixed:
            slot = min(route, SLOTS - 1)
            one = routes.get(slot)
            if one is None:
                one = routes[slot] = Stream(threshold)
            one.add(bet)
            evidence[slot] = one.fail
            e = 0.5 * e + 0.5 * (sum(evidence.values()) + SLOTS - len(evidence)) / SLOTS
        if e * share >= 1 / ALPHA and (not floors or n >= MIN_FAIL):
            return "fail", n
        if whole.passed >= 1 / BETA and (not floors or n >= MIN_PASS):
            return "pass", n
    return "open", n


def simple(units: Iterator[Unit]) -> tuple[str, int]:
    """The rule of a dashboard: after 30, above the limit."""
    k, n = 0.0, 0
    for n, (bet, _) in enumerate(units, 1):
        k += bet
        if n >= AFTER and k > LIMIT * n:
            return "fail", n
    return "pass", n


def coins(rate: float, horizon: int, rng: random.Random, routes: int = 1) -> Iterator[Unit]:
    """Independent units at one rate, on routes of equal traffic."""
    for _ in range(horizon):
        yield float(rng.random() < rate), rng.randrange(routes) if routes > 1 else 0


def zipf(rates: list[float], horizon: int, rng: random.Random) -> Iterator[Unit]:
    """Routes by Zipf's law, each at its own rate."""
    weights = [1 / (n + 1) for n in range(len(rates))]
    for route in rng.choices(range(len(rates)), weights, k=horizon):
        yield float(rng.random() < rates[route]), route


def twin(excess: float, noise: float, horizon: int, rng: random.Random, shared: bool) -> Iterator[Unit]:
    """Bets (1 + D)/2, D = (blue≠green + twin≠green)/2 - blue≠twin; the mean of D is `excess`.

    Noise is each answer's own, or lies in a share of the requests that vary for everybody.
    """
    flip = (1 - math.sqrt(1 - 2 * noise)) / 2  # two answers that each flip so often differ in `noise`
    for _ in range(horizon):
        if shared:
            varies = rng.random() < 2 * noise
            own = [varies and rng.random() < 0.5 for _ in range(3)]
        else:
            own = [rng.random() < flip for _ in range(3)]
        changed = rng.random() < excess / (1 - noise)
        ab, ag, bg = own[0] != own[1], changed or own[0] != own[2], changed or own[1] != own[2]
        yield (1 + (ag + bg) / 2 - ab) / 2, 0


def sessions(rate: float, rho: float, horizon: int, rng: random.Random, by_turn: bool) -> Iterator[Unit]:
    """Sessions of 1 to 15 turns whose own rate varies so that turns correlate by rho; a unit each, or each turn one."""
    a = rate * (1 - rho) / rho if rho < 1 else 0.0
    b = (1 - rate) * (1 - rho) / rho if rho < 1 else 0.0
    made = 0
    while made < horizon:
        own = rng.betavariate(a, b) if rho < 1 else float(rng.random() < rate)
        turns = rng.randint(1, 15)
        hits = [float(rng.random() < own) for _ in range(turns)]
        if by_turn:
            for hit in hits:
                yield hit, 0
            made += turns
        else:
            yield sum(hits) / turns, 0
            made += 1


def drifting(rate: Callable[[float], float], horizon: int, rng: random.Random) -> Iterator[Unit]:
    """A rate that moves with the share of the run that is over."""
    for n in range(horizon):
        yield float(rng.random() < rate(n / horizon)), 0


def table(
    name: str,
    title: str,
    rows: list[tuple[str, str, Callable[[random.Random], Iterator[Unit]], float, bool]],
    reps: int,
) -> None:
    """Print FAIL and PASS shares and units to a verdict for each row."""
    print(f"\n### {title}\n\n| units | promise | FAIL | PASS | median units of the decided |\n|---|---|---|---|---|")
    for label, promise, make, threshold, mixed in rows:
        found = [watch(make(random.Random(f"{name} {label} {rep}")), threshold, mixed, True) for rep in range(reps)]
        _row(label, promise, found, reps)


def _row(label: str, promise: str, found: list[tuple[str, int]], reps: int) -> None:
    fails, passes = (sum(verdict == word for verdict, _ in found) / reps for word in ("fail", "pass"))
    decided = [n for verdict, n in found if verdict != "open"]
    middle = f"{statistics.median(decided):.0f}" if len(decided) >= reps / 2 else "-"
    print(f"| {label} | {promise} | {fails:.2%} | {passes:.2%} | {middle} |", flush=True)


STOP, PASS = "FAIL ≤ 1%", "PASS ≤ 5%"


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reps", type=int, default=1000)
    parser.add_argument("--horizon", type=int, default=20_000)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    reps, horizon = given.reps, given.horizon
    for name, run in TABLES.items():
        if given.only in ("", name):
            run(reps, horizon)


def plain(reps: int, horizon: int) -> None:
    """At and around the limit."""
    rates = (
        (0.0, STOP),
        (0.02, STOP),
        (0.04, STOP),
        (0.045, STOP),
        (0.05, f"{STOP}, {PASS}"),
        (0.055, PASS),
        (0.06, PASS),
        (0.1, PASS),
    )
    rows = [
        (f"one route, true rate {rate:.1%}", promise, lambda rng, r=rate: coins(r, horizon, rng), LIMIT, True)
        for rate, promise in rates
    ]
    table("plain", "Without a twin", rows, reps)
    print("\n| the plain rule (after 30, above 5 %) on these streams | FAIL within 1,000 units |\n|---|---|")
    for rate in (0.0, 0.01, 0.02, 0.03, 0.04):
        found = [simple(coins(rate, 1000, random.Random(f"plain {rate} {rep}"))) for rep in range(reps)]
        print(
            f"| true rate {rate:.0%}: a good release | {sum(v == 'fail' for v, _ in found) / reps:.1%} |", flush=True
        )


def twins(reps: int, horizon: int) -> None:
    """With a twin and 10 % noise."""
    rows = [
        (f"excess {excess:.0%}, noise 10% {'in a fifth of the requests' if shared else 'of each answer'}", promise,
         lambda rng, e=excess, s=shared: twin(e, 0.1, horizon, rng, s), (1 + LIMIT) / 2, True)
        for shared in (False, True)
        for excess, promise in ((0.0, STOP), (0.02, STOP), (0.05, f"{STOP}, {PASS}"), (0.1, PASS), (0.2, PASS))
    ]  # fmt: skip
    table("twins", "With a twin", rows, reps)


def by_session(reps: int, horizon: int) -> None:
    """Sessions as units, and what turns as units would do."""
    rows = [
        (f"session rate 5%, correlation {rho:.1f}, by {'turn (refused)' if by_turn else 'session'}",
         "-" if by_turn else f"{STOP}, {PASS}",
         lambda rng, r=rho, t=by_turn: sessions(LIMIT, r, horizon, rng, t), LIMIT, False)
        for rho in (0.1, 0.3, 1.0) for by_turn in (False, True)
    ]  # fmt: skip
    table("sessions", "Sessions", rows, max(1, reps // 2))


def by_route(reps: int, horizon: int) -> None:
    """Fifty routes, a hundred, and a broken one among them."""
    reps = max(1, reps // 4)

    def made(count: int, bad: dict[int, float], background: float) -> Callable[[random.Random], Iterator[Unit]]:
        rates = [bad.get(n, background) for n in range(count)]
        return lambda rng: zipf(rates, horizon, rng)

    rows = [
        ("50 routes, all at 5%", f"{STOP}, {PASS}", made(50, {}, LIMIT), LIMIT, True),
        ("100 routes, all at 5% (37 pooled)", f"{STOP}, {PASS}", made(100, {}, LIMIT), LIMIT, True),
        ("50 routes at 1%", STOP, made(50, {}, 0.01), LIMIT, True),
        ("the same, route 1 (22% of traffic) at 100%", "-", made(50, {0: 1.0}, 0.01), LIMIT, True),
        ("the same, route 5 (4.4%) at 100%", "-", made(50, {4: 1.0}, 0.01), LIMIT, True),
        ("the same, route 20 (1.1%) at 100%", "-", made(50, {19: 1.0}, 0.01), LIMIT, True),
        ("the same, route 20 (1.1%) at 100%, without routes", "-", made(50, {19: 1.0}, 0.01), LIMIT, False),
    ]  # fmt: skip
    print(
        "\nA release whose rare route is broken may PASS on the whole before that route has spoken: watched for FAIL alone, as `--stop-on fail` does."
    )
    print("\n### Routes\n\n| units | promise | FAIL | PASS first | median units to FAIL |\n|---|---|---|---|---|")
    for label, promise, make, threshold, mixed in rows:
        found, first = [], 0
        for rep in range(reps):
            rng = random.Random(f"routes {label} {rep}")
            units = list(make(rng))
            first += watch(iter(units), threshold, mixed, True)[0] == "pass"
            found.append(_until_fail(units, threshold, mixed))
        stopped = [n for n in found if n]
        middle = f"{statistics.median(stopped):.0f}" if len(stopped) >= reps / 2 else "-"
        print(f"| {label} | {promise} | {len(stopped) / reps:.2%} | {first / reps:.2%} | {middle} |", flush=True)


def _until_fail(units: list[Unit], threshold: float, mixed: bool) -> int:
    whole, routes, total, seen = Stream(threshold), {}, 0.0, {}
    for n, (bet, route) in enumerate(units, 1):
        whole.add(bet)
        e = whole.fail
        if mixed:
            slot = min(route, SLOTS - 1)
            one = routes.setdefault(slot, Stream(threshold))
            one.add(bet)
            total += one.fail - seen.get(slot, 0.0)
            seen[slot] = one.fail
            e = 0.5 * e + 0.5 * (total + SLOTS - len(seen)) / SLOTS
        if e >= 1 / ALPHA and n >= MIN_FAIL:
            return n
    return 0


def drift(reps: int, horizon: int) -> None:
    """Rates that move while their mean stays within the limit."""
    rows = [
        ("alternating 0% and 10% every 50 units", STOP, lambda rng: drifting(lambda t: 0.1 * (int(t * horizon / 50) % 2), horizon, rng), LIMIT, True),
        ("ramp from 0% to 10%", STOP, lambda rng: drifting(lambda t: 0.1 * t, horizon, rng), LIMIT, True),
        ("10% for the last tenth, 0% before (mean 1%)", STOP, lambda rng: drifting(lambda t: 0.1 * (t > 0.9), horizon, rng), LIMIT, True),
    ]  # fmt: skip
    table("drift", "Drift", rows, max(1, reps // 2))


def family(reps: int, horizon: int) -> None:
    """Three criteria, each exactly at its limit: one error for all."""
    fails = 0
    for rep in range(reps):
        streams = [Stream(LIMIT) for _ in range(3)]
        rng = random.Random(f"family {rep}")
        for n in range(min(horizon, 5000)):
            for stream in streams:
                stream.add(float(rng.random() < LIMIT))
            if n >= MIN_FAIL and sum(stream.fail for stream in streams) / 3 >= 1 / ALPHA:
                fails += 1
                break
    print("\n### Three criteria at their limits\n\n| | promise | FAIL |\n|---|---|---|")
    print(f"| each at 5% of 5%, 5,000 units | {STOP} | {fails / reps:.2%} |", flush=True)


def speed(reps: int, horizon: int) -> None:
    """Units to a verdict against the information limit, floors off."""
    print(
        "\n### Units to a verdict, floors off\n\n| true rate | limit | mean, all traffic alone | × limit | mean with routes | × limit | with floors |\n|---|---|---|---|---|---|---|"
    )
    for rate in (0.0, 0.005, 0.01, 0.02, 0.03, 0.07, 0.1, 0.2, 0.5, 1.0):
        error = BETA if rate < LIMIT else ALPHA
        divergence = (rate * math.log(rate / LIMIT) if rate else 0.0) + (
            (1 - rate) * math.log((1 - rate) / (1 - LIMIT)) if rate < 1 else 0.0
        )
        bound = -math.log(error) / divergence
        means = []
        for mixed, floors in ((False, False), (True, False), (True, True)):
            found = [
                watch(coins(rate, horizon, random.Random(f"speed {rate} {rep}")), LIMIT, mixed, floors)
                for rep in range(reps)
            ]
            means.append(statistics.mean(n for _, n in found))
        print(
            f"| {rate:.1%} | {bound:.1f} | {means[0]:.1f} | {means[0] / bound:.2f} | {means[1]:.1f} | {means[1] / bound:.2f} | {means[2]:.1f} |",
            flush=True,
        )


def engine(reps: int, horizon: int) -> None:
    """The streams above are the gate's own evidence."""
    rng = random.Random(1)
    stream, bins = Stream(LIMIT), {}
    for _ in range(3000):
        bet = rng.randrange(65)
        stream.add(bet / 64)
        bins[bet] = bins.get(bet, 0) + 1
    assert math.isclose(math.log(stream.passed), max(-600, Evidence(bins).log_pass(LIMIT)), rel_tol=1e-9)


TABLES = {
    "engine": engine, "plain": plain, "twins": twins, "sessions": by_session, "routes": by_route, "drift": drift,
    "family": family, "speed": speed,
}  # fmt: skip

if __name__ == "__main__":
    main()
