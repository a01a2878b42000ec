"""What a verdict shows: routes by their units, signals with intervals, latencies."""

from __future__ import annotations

import pytest

from shadowdiff.gate.evidence import binary
from shadowdiff.gate.limits import Limits
from shadowdiff.gate.show import could_pass, latency, routes_of, signals_of
from shadowdiff.model.tally import BUCKETS, RouteCounts, Shard


def test_signals_are_excesses_over_the_twin() -> None:
    total = Shard(id="a", bets={"numbers": {32: 300, 40: 100}, "topic": {32: 400}, "divergence": binary(0, 400)})
    found = {signal.name: signal for signal in signals_of(total, Limits())}
    assert set(found) == {"numbers", "topic"}
    assert found["numbers"].excess == pytest.approx(0.0625) and found["numbers"].low > 0
    assert found["topic"].excess == 0 and found["topic"].low < 0 < found["topic"].high


def test_a_paired_route_shows_its_excess() -> None:
    total = Shard(
        id="a", routes={"GET /": RouteCounts(sent=40, matched=40, bets={48: 40}), "GET /none": RouteCounts()}
    )
    (route,) = routes_of(total, True, Limits())
    assert route.rate == pytest.approx(0.5) and -1 <= route.low <= route.high <= 1


def test_a_route_is_covered_where_clean_units_would_be_enough() -> None:
    assert not could_pass(75, 0.05, 0.05) and could_pass(76, 0.05, 0.05) and not could_pass(0, 0.05, 0.05)
    assert not could_pass(40, 0.525, 0.05) and could_pass(600, 0.525, 0.05)


def test_latency_without_counts_is_empty() -> None:
    assert latency(Shard(id="a")) == {}
    shard = Shard(id="a", latency={"blue": [1] * (len(BUCKETS) + 1)}, seconds={"blue": 3.4})
    assert latency(shard)["blue"]["p99_at_most_s"] is None  # type: ignore[index]
