"""Plan: the boundaries are those of the gate, and the forecast is what the gate then does."""

from __future__ import annotations

import random
import statistics

import pytest

from shadowdiff.gate.evidence import binary
from shadowdiff.gate.limits import Limits
from shadowdiff.gate.plan import boundaries, forecast, paired_units
from shadowdiff.gate.rules import EvidenceGate
from shadowdiff.model.tally import Ledger, RouteCounts, Shard, Tally
from shadowdiff.model.verdict import Status

LIMITS = Limits()
FAIL_AT, PASS_AT = boundaries(LIMITS, 1200)


def status(k: int, n: int) -> Status:
    routes = {"GET /": RouteCounts(sent=n, matched=n - k, mismatched=k, bets=binary(k, n))}
    ledger = Ledger(read=n, sent=n, matched=n - k, mismatched=k)
    shard = Shard(
        id="a", upto=n, units=n, ledger=ledger, bets={"divergence": binary(k, n)}, routes=routes, green_answered=n
    )
    return EvidenceGate(LIMITS).judge(Tally(shards={"a": shard})).verdict


@pytest.mark.parametrize("n", [20, 37, 99, 100, 141, 260, 500, 1200])
def test_the_boundaries_are_those_of_the_gate(n: int) -> None:
    if FAIL_AT[n] <= n:
        assert status(FAIL_AT[n], n) is Status.FAIL
    assert status(FAIL_AT[n] - 1, n) is not Status.FAIL
    if PASS_AT[n] >= 0:
        assert status(PASS_AT[n], n) is Status.PASS
    assert status(PASS_AT[n] + 1, n) is not Status.PASS


@pytest.mark.parametrize("rate", [0.01, 0.2])
def test_a_forecast_agrees_with_simulated_runs(rate: float) -> None:
    rng = random.Random(8)
    found = []
    for _ in range(400):
        k = n = 0
        while n < 1200:
            n += 1
            k += rng.random() < rate
            if k >= FAIL_AT[n] or k <= PASS_AT[n]:
                break
        found.append(n)
    told = forecast(rate, FAIL_AT, PASS_AT)
    assert told.units is not None
    assert statistics.median(found) == pytest.approx(told.units[1], rel=0.15)
    assert told.fails + told.passes == pytest.approx(1, abs=0.01)


def test_near_the_limit_nothing_is_promised() -> None:
    assert forecast(0.05, FAIL_AT, PASS_AT).units is None
    assert paired_units(0.05, 0.1, LIMITS) is None


@pytest.mark.parametrize(("rate", "mean"), [(0.0, 591), (0.1, 1175), (0.2, 157)])
def test_the_estimate_with_a_twin_is_near_what_was_measured(rate: float, mean: int) -> None:
    """Mean pairs by simulation at 10 % noise (gate.md section 3), alpha 1 % for FAIL and 5 % for PASS."""
    assert paired_units(rate, 0.1, LIMITS) == pytest.approx(mean, rel=0.15)
