"""Bets: fixed when a pair is scored, only for criteria that are on, and from the pair alone but for blue's past."""

from __future__ import annotations

import random

import msgspec
import pytest

from shadowdiff.gate.bets import REFRESH, WARM_UP, Bets
from shadowdiff.gate.limits import SWITCHES, Limits
from shadowdiff.model.comparison import Outcome
from shadowdiff.model.exchange import Failure, Pair
from shadowdiff.testing import comparison_of, pair_of, response_of

CHAT = '{{"object":"chat.completion","choices":[{{"message":{{"content":"hi"}}}}],"usage":{{"total_tokens":{}}}}}'


def timed(blue: float, green: float, twin: float | None = None) -> Pair:
    pair = pair_of("a", "a", "a" if twin is not None else None)
    return msgspec.structs.replace(
        pair,
        blue=msgspec.structs.replace(pair.blue, total_s=blue, first_byte_s=blue / 2),
        green=msgspec.structs.replace(pair.green, total_s=green, first_byte_s=green / 2),
        twin=msgspec.structs.replace(pair.twin, total_s=twin) if pair.twin is not None and twin is not None else None,
    )


def test_without_other_limits_nothing_is_measured() -> None:
    comparison = comparison_of(Outcome.MATCHED)
    assert Bets(Limits()).of(comparison, timed(1, 9)) is comparison.bets


def test_every_criterion_has_its_switch() -> None:
    assert Limits().criteria == ("divergence",)
    on = Limits(**{field: 0.1 for field in SWITCHES.values()})
    assert set(on.criteria) == {"divergence", *SWITCHES} and on.timed and not Limits(max_errors=0.1).timed


def test_what_green_got_wrong_is_counted_by_kind() -> None:
    bets = Bets(Limits(max_errors=0.01, max_5xx=0.01, slo_ttfb_s=0.8, slo_total_s=2.0))
    ok = comparison_of(Outcome.MATCHED)
    assert bets.of(ok, timed(1, 1)) == {
        "divergence": 0,
        "errors": 0,
        "server_errors": 0,
        "slo_ttfb": 0,
        "slo_total": 0,
    }
    slow = bets.of(ok, timed(1, 3))
    assert (slow["slo_ttfb"], slow["slo_total"], slow["errors"]) == (1, 1, 0)
    refused = bets.of(comparison_of(Outcome.MISMATCHED), pair_of("a", Failure.REFUSED))
    assert refused == {"divergence": 1, "errors": 1, "server_errors": 1, "slo_ttfb": 1, "slo_total": 1}
    not_found = bets.of(comparison_of(Outcome.MISMATCHED), pair_of("a", response_of("gone", 404)))
    assert (not_found["errors"], not_found["server_errors"]) == (1, 0)
    assert bets.of(comparison_of(Outcome.ERRORED), pair_of("a", "b")) == {}


def test_latency_is_set_against_the_twin_where_there_is_one() -> None:
    bets = Bets(Limits(max_slowdown=0.1))
    ok = comparison_of(Outcome.MATCHED)
    assert bets.of(ok, timed(1.0, 1.05))["latency_typical"] == 0
    assert bets.of(ok, timed(1.0, 1.2))["latency_typical"] == 1
    assert bets.of(ok, timed(1.0, 1.2, twin=1.15))["latency_typical"] == 0
    assert [bets.of(ok, timed(1.0, g))["latency_tail"] for g in (1.0, 3.4, 0.3)] == [0.5, 1.0, 0.0]
    assert not any(name.startswith("latency") for name in bets.of(ok, pair_of("a", response_of("x", 503))))


def test_the_95th_percentile_is_of_the_past_alone() -> None:
    rng = random.Random(2)
    bets = Bets(Limits(max_slowdown=0.1))
    ok = comparison_of(Outcome.MATCHED)
    seen = [bets.of(ok, timed(rng.uniform(0.5, 1.5), 1.0)) for _ in range(WARM_UP + REFRESH)]
    assert not any("latency_p95" in one for one in seen[:WARM_UP])
    assert all("latency_p95" in one for one in seen[WARM_UP:])
    assert bets.of(ok, timed(1.0, 5.0))["latency_p95"] == 1.0
    assert bets.of(ok, timed(5.0, 1.0))["latency_p95"] == 0.0


@pytest.mark.parametrize(("green", "bet"), [(100, 0.5), (150, 0.75), (500, 1.0), (50, 0.25)])
def test_tokens_are_a_share_of_blues(green: int, bet: float) -> None:
    bets = Bets(Limits(max_token_growth=0.2))
    assert bets.of(comparison_of(), pair_of(CHAT.format(100), CHAT.format(green)))["tokens"] == bet
    assert "tokens" not in bets.of(comparison_of(), pair_of("text", "text"))


def test_a_wild_answer_does_not_decide_on_similarity() -> None:
    bets = Bets(Limits(max_similarity_drop=0.02))
    for far, bet in ((0.0, 0.5), (0.125, 0.75), (0.9, 1.0), (-0.9, 0.0)):
        comparison = comparison_of(bets={"divergence": 0.5, "similarity": (1 + far) / 2})
        assert bets.of(comparison, pair_of("a", "b"))["similarity"] == pytest.approx(bet)
