"""Criteria: each on its own scale, together one error; routes by fixed shares, whatever the order."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.gate import criteria
from shadowdiff.gate.criteria import RouteReading, culprits, mix, read_routes, with_routes
from shadowdiff.gate.evidence import Evidence, binary
from shadowdiff.gate.limits import Limits, RouteLimit
from shadowdiff.gate.rules import EvidenceGate
from shadowdiff.model.tally import Ledger, RouteCounts, Shard, Spread, Tally, merge
from shadowdiff.model.verdict import Status, Verdict
from tests.conftest import ROOT

VECTORS = json.loads((ROOT / "tests" / "vectors" / "gate.json").read_text())


def tally(routes: dict[str, tuple[int, int]], *, bets: dict[str, dict[int, int]] | None = None, **more: Any) -> Tally:
    """k mismatches in n requests a route, each a unit."""
    k, n = (sum(counts[i] for counts in routes.values()) for i in (0, 1))
    shard = Shard(
        id=more.pop("id", "a"), upto=n, units=n, blue_asked=n, green_answered=n,
        ledger=Ledger(read=n, sent=n, matched=n - k, mismatched=k), bets={"divergence": binary(k, n)} | (bets or {}),
        routes={r: RouteCounts(sent=m, matched=m - j, mismatched=j, bets=binary(j, m)) for r, (j, m) in routes.items()},
        **more,
    )  # fmt: skip
    return Tally(shards={shard.id: shard})


def judge(made: Tally, **limits: Any) -> Verdict:
    return EvidenceGate(Limits(**limits)).judge(made)


@pytest.mark.parametrize("case", VECTORS["endpoint_mix"])
def test_half_aggregate_and_half_endpoints_as_in_the_vectors(case: dict[str, Any]) -> None:
    tau = case["tau"]
    k, n = (sum(counts[i] for counts in case["counts"]) for i in (0, 1))
    routes = [
        RouteReading(str(i), tau, m, Evidence(binary(j, m)).log_fail(tau), 0)
        for i, (j, m) in enumerate(case["counts"])
    ]
    found = with_routes(Evidence(binary(k, n)).log_fail(tau), routes, slots=len(routes))
    assert math.exp(found) == pytest.approx(float(case["e_release"]), rel=1e-9)


def test_a_rare_broken_route_stops_a_release_that_looks_well_as_a_whole() -> None:
    made = tally({"GET /main": (3, 900), "GET /rare": (30, 30)})
    verdict = judge(made)
    assert verdict.verdict is Status.FAIL and "GET /rare" in verdict.reason and verdict.divergence.rate < 0.05
    assert any("differ more than they may: GET /rare" in note for note in verdict.notes)
    assert judge(tally({"GET /main": (3, 900), "GET /rare": (1, 30)})).verdict is Status.PASS


def test_routes_beyond_the_slots_pool_and_the_order_of_names_seen_does_not_matter() -> None:
    routes = {f"GET /r{n:03}": (0, 5) for n in range(100)}
    total = tally(routes).total()
    found = read_routes(total, False, Limits(), False)
    assert len(found) == criteria.SLOTS and found[-1].route == "other" and found[-1].n == 5 * 37
    names = list(routes)
    random.Random(3).shuffle(names)
    again = read_routes(tally({name: routes[name] for name in names}).total(), False, Limits(), False)
    assert again == found
    named = Limits(routes=(RouteLimit("GET /r099", 0.001),))
    assert read_routes(total, False, named, False)[0] == RouteReading("GET /r099", 0.001, 5, *_evidence(5, 0.001))


def _evidence(n: int, limit: float) -> tuple[float, float]:
    evidence = Evidence(binary(0, n))
    return evidence.log_fail(limit), evidence.log_pass(limit)


def test_a_route_with_a_budget_of_its_own_needs_evidence_of_its_own() -> None:
    made = tally({"GET /main": (0, 500), "GET /health": (0, 60)})
    own = (RouteLimit("GET /health", 0.01),)
    assert judge(made).verdict is Status.PASS
    verdict = judge(made, routes=own)
    assert verdict.verdict is Status.INCONCLUSIVE and "GET /health has a budget of its own (1%)" in verdict.reason
    assert judge(tally({"GET /main": (0, 500), "GET /health": (0, 400)}), routes=own).verdict is Status.PASS
    assert judge(tally({"GET /main": (0, 500), "GET /health": (8, 60)}), routes=own).verdict is Status.FAIL
    assert "GET /gone" in judge(made, routes=(RouteLimit("GET /gone", 0.05),)).reason


def test_routes_with_too_few_units_are_listed() -> None:
    verdict = judge(tally({"GET /main": (0, 500), "GET /seldom": (0, 20)}))
    assert [r.covered for r in verdict.routes] == [True, False]
    assert any(note.startswith("Not covered") and "GET /seldom" in note for note in verdict.notes)


def test_culprits_are_few_and_right() -> None:
    made = [RouteReading(f"r{n}", 0.05, 50, math.log(10_000 if n < 3 else 2), 0.0) for n in range(20)]
    assert [route.route for route in culprits(made, 0.01)] == ["r0", "r1", "r2"]
    assert culprits(made[3:], 0.01) == []


SHARES = [
    ("errors", {"max_errors": 0.02}), ("server_errors", {"max_5xx": 0.02}), ("slo_ttfb", {"slo_ttfb_s": 1.0, "slo_share": 0.02}),
    ("slo_total", {"slo_total_s": 1.0, "slo_share": 0.02}), ("critical", {"max_critical": 0.02}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "limit"), SHARES)
def test_a_share_above_its_limit_fails_and_below_passes(name: str, limit: dict[str, float]) -> None:
    routes = {"GET /": (0, 500)}
    bad = judge(tally(routes, bets={name: binary(60, 500)}), **limit)
    assert bad.verdict is Status.FAIL and [r.status for r in bad.rules] == [Status.PASS, Status.FAIL]
    assert "12%" in bad.reason and "2% is allowed" in bad.reason
    good = judge(tally(routes, bets={name: binary(0, 500)}), **limit)
    assert good.verdict is Status.PASS and any("2 criteria share one error" in note for note in good.notes)
    unsure = judge(tally(routes, bets={name: binary(9, 500)}), **limit)
    assert unsure.verdict is Status.INCONCLUSIVE and f"{name} is undecided" in unsure.reason
    nothing = judge(tally(routes), **limit)
    assert nothing.verdict is Status.INCONCLUSIVE and "nothing was measured" in nothing.reason


def test_a_difference_is_read_on_its_own_scale() -> None:
    """Similarity: bets are (1 + D/0.25)/2; tokens: (1 + growth)/2."""
    drop = tally({"GET /": (0, 600)}, bets={"similarity": {48: 600}})
    verdict = judge(drop, max_similarity_drop=0.02)
    assert verdict.verdict is Status.FAIL and verdict.rules[1].estimate == pytest.approx(0.125)
    assert (
        judge(tally({"GET /": (0, 600)}, bets={"similarity": {32: 600}}), max_similarity_drop=0.05).verdict
        is Status.PASS
    )
    grown = judge(tally({"GET /": (0, 600)}, bets={"tokens": {48: 600}}), max_token_growth=0.2)
    assert grown.verdict is Status.FAIL and grown.rules[1].estimate == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["latency", "ttft"])
def test_latency_fails_by_any_of_three_engines_and_passes_by_the_typical_request(name: str) -> None:
    limit = {"latency": {"max_slowdown": 0.1}, "ttft": {"max_ttft_slowdown": 0.1}}[name]

    def bets(typical: int, tail: dict[int, int], p95: dict[int, int]) -> dict[str, dict[int, int]]:
        return {f"{name}_typical": binary(typical, 600), f"{name}_tail": tail, f"{name}_p95": p95}

    routes = {"GET /": (0, 600)}
    fine = bets(180, {32: 600}, {32: 400})
    assert judge(tally(routes, bets=fine), **limit).verdict is Status.PASS
    for slow in (
        bets(450, {32: 600}, {32: 400}),
        bets(180, {32: 500, 64: 100}, {32: 400}),
        bets(180, {32: 600}, {32: 280, 64: 120}),
    ):
        verdict = judge(tally(routes, bets=slow), **limit)
        assert verdict.verdict is Status.FAIL and "10% allowed" in verdict.reason
    late = tally(routes, bets=fine, lag=[0] * 15 + [600], late=600)
    assert "could not keep pace" in judge(late, **limit).reason
    assert judge(late).verdict is Status.PASS


def test_one_error_for_all_criteria() -> None:
    """With two criteria each has half of alpha: what just fails alone does not fail beside another."""
    routes = {"GET /": (0, 400)}
    k = next(
        k
        for k in range(400)
        if judge(tally(routes, bets={"errors": binary(k, 400)}), max_errors=0.02).verdict is Status.FAIL
    )
    alone = Evidence(binary(k - 1, 400)).log_fail(0.02)
    assert alone < -math.log(0.005) <= Evidence(binary(k, 400)).log_fail(0.02) + 0.1
    many = judge(
        tally(routes, bets={"errors": binary(k, 400), "server_errors": binary(0, 400)}), max_errors=0.02, max_5xx=0.5
    )
    assert many.verdict is not Status.FAIL


def test_noise_of_a_share_is_subtracted_as_a_rate() -> None:
    def made(green: int, noise: int) -> Tally:
        one = tally({"GET /": (green, 2000)}, bets={"raw": binary(green, 2000), "noise": binary(noise, 500)})
        one.paired = True
        return one

    limits = Limits(unpaired=True)
    gate = EvidenceGate(limits)
    assert gate.judge(made(200, 50)).verdict is Status.INCONCLUSIVE  # 10% in 10% noise: too few controls to be sure
    assert gate.judge(made(700, 50)).verdict is Status.FAIL and gate.fails(made(700, 50).total(), True)
    assert gate.judge(made(20, 50)).verdict is Status.PASS and gate.passes(made(20, 50).total(), True)
    assert gate.judge(made(700, 50)).divergence.rate == pytest.approx(0.25)


def test_requests_of_sessions_that_differ_together_are_no_units() -> None:
    together, apart = Spread(), Spread()
    rng = random.Random(4)
    for n in range(60):
        together.add(8, 8 if n % 10 == 0 else 0)
        apart.add(8, sum(rng.random() < 0.1 for _ in range(8)))
    assert together.correlation == pytest.approx(1.0) and abs(apart.correlation or 0) < 0.1
    made = tally({"GET /": (48, 480)}, spread=together)
    verdict = judge(made, unit="request")
    assert verdict.verdict is Status.INCONCLUSIVE and "differ together" in verdict.reason
    assert judge(made).verdict is Status.FAIL
    assert any("correlated 1.00" in note for note in judge(made).notes)


counts = st.dictionaries(
    st.sampled_from([f"GET /{n}" for n in range(70)]), st.tuples(st.integers(0, 6), st.integers(6, 60)), max_size=70
)


@given(st.lists(counts, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_any_order_of_merging_with_repeats_gives_the_same_verdict(shards: list[dict], rng: random.Random) -> None:
    made = [tally(routes, id=f"s{number}") for number, routes in enumerate(shards)]
    order = [*made, *rng.choices(made, k=3)]
    rng.shuffle(order)
    one, two = made[0], order[0]
    for other in made[1:]:
        one = merge(one, other)
    for other in order[1:]:
        two = merge(two, other)
    for limits in (Limits(), Limits(routes=(RouteLimit("GET /3", 0.2),))):
        assert EvidenceGate(limits).judge(one) == EvidenceGate(limits).judge(two)


@given(counts, st.data())
def test_less_evidence_or_more_mismatches_never_make_a_pass(routes: dict, data: st.DataObject) -> None:
    routes = routes | {"GET /main": (0, 400)}
    if judge(tally(routes)).verdict is Status.PASS:
        return
    route = data.draw(st.sampled_from(sorted(routes)))
    k, n = routes[route]
    removed = data.draw(st.integers(0, n - k))
    assert judge(tally(routes | {route: (k, n - removed)})).verdict is not Status.PASS
    assert judge(tally(routes | {route: (k + 1, n + 1)})).verdict is not Status.PASS


@given(counts)
def test_a_live_look_never_fails_what_the_full_judgement_would_not(routes: dict) -> None:
    made = tally(routes | {"GET /main": (0, 40)})
    gate = EvidenceGate(Limits())
    if gate.fails(made.total(), False):
        assert gate.judge(made).verdict is Status.FAIL
    assert gate.passes(made.total(), False) == (gate.judge(made).verdict is Status.PASS)


def test_mixtures_are_sums_of_weights() -> None:
    assert mix([math.log(8), math.log(2)]) == pytest.approx(math.log(5))
    assert mix([math.log(8)], [0.5], 0.5) == pytest.approx(math.log(4.5))
