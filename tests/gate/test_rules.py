"""The gate: pass, fail, inconclusive, error, each with its reason; what never passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.gate.evidence import binary
from shadowdiff.gate.limits import Limits
from shadowdiff.gate.rules import EvidenceGate
from shadowdiff.gate.simple import SimpleGate
from shadowdiff.model.tally import Ledger, RouteCounts, Shard, Tally
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.testing import check_gate


def tally(
    k: int, n: int, *, errored: int = 0, bad: dict[int, int] | None = None, paired: bool = False, **more
) -> Tally:
    """n judged requests, k of them mismatched, plus errored ones."""
    bad = bad or {}
    sent = n + errored
    ledger = Ledger(read=sent, sent=sent, matched=n - k, mismatched=k, errored=errored)
    shard = Shard(
        id="a", upto=sent, ledger=ledger, units=n, bets={"divergence": binary(k, n)}, blue_asked=sent, blue_bad=sum(bad.values()), blue_statuses=bad,
        routes={"GET /": RouteCounts(sent=sent, matched=n - k, mismatched=k, errored=errored, bets=binary(k, n))},
        **({"green_answered": n} | more),
    )  # fmt: skip
    return Tally(shards={"a": shard}, paired=paired)


def judge(made: Tally, **limits) -> Verdict:
    return EvidenceGate(Limits(**limits)).judge(made)


def test_the_three_verdicts_at_the_published_counts() -> None:
    assert judge(tally(7, 20)).verdict is Status.FAIL
    assert judge(tally(6, 20)).verdict is Status.INCONCLUSIVE
    assert judge(tally(0, 100)).verdict is Status.PASS
    assert judge(tally(0, 99)).verdict is Status.INCONCLUSIVE
    assert judge(tally(19, 19)).verdict is Status.INCONCLUSIVE


def test_no_evidence_is_never_a_pass() -> None:
    for gate in (EvidenceGate(Limits()), SimpleGate(Limits())):
        check_gate(gate)


def test_what_is_in_flight_holds_a_decision_back() -> None:
    for made, once_over in ((tally(7, 20, open_units=200), Status.FAIL), (tally(0, 100, open_units=50), Status.PASS)):
        made.complete = False
        assert judge(made).verdict is Status.INCONCLUSIVE
        made.complete = True
        assert judge(made).verdict is once_over


@pytest.mark.parametrize(
    ("status", "hint"),
    [(401, "--blue-header"), (429, "rate limited"), (502, "blue itself is failing"), (404, "same data")],
)
def test_low_fidelity_forbids_both_and_names_the_likely_cause(status: int, hint: str) -> None:
    for k in (0, 400):
        verdict = judge(tally(k, 400, errored=100, bad={status: 100}))
        assert verdict.verdict is Status.INCONCLUSIVE and verdict.fidelity == 0.8
        assert hint in verdict.reason


def test_a_blue_that_never_answers_is_an_error_and_one_that_refuses_everyone_inconclusive() -> None:
    assert judge(tally(0, 0, errored=30, bad={0: 30})).verdict is Status.ERROR
    assert judge(tally(0, 0, errored=5, bad={401: 5})).verdict is Status.INCONCLUSIVE


def test_a_green_that_refuses_everything_fails_even_a_short_log() -> None:
    verdict = judge(tally(3, 3, green_down=3, green_answered=0))
    assert verdict.verdict is Status.FAIL and "green is down" in verdict.reason
    assert judge(tally(3, 3, green_down=2, green_answered=1)).verdict is Status.INCONCLUSIVE


def test_a_pass_needs_few_errors_and_every_required_route() -> None:
    assert "no baseline" in judge(tally(0, 200, errored=15)).reason
    verdict = judge(tally(0, 200), must_cover=("GET /", "POST /v1/*"))
    assert verdict.verdict is Status.INCONCLUSIVE and "POST /v1/*" in verdict.reason
    assert judge(tally(0, 200), must_cover=("GET /",)).verdict is Status.PASS


def test_a_blue_that_disagrees_with_itself_is_an_unreliable_baseline() -> None:
    verdict = judge(tally(60, 100, controls=40, controls_mismatched=12))
    assert verdict.verdict is Status.INCONCLUSIVE and "unreliable baseline" in verdict.reason
    assert judge(tally(60, 100, controls=40, controls_mismatched=1)).verdict is Status.FAIL


@pytest.mark.parametrize("wrong", [0, 60, 100])
def test_a_twin_that_is_unlike_blue_can_neither_pass_nor_fail_a_green(wrong: int) -> None:
    verdict = judge(tally(wrong, 100, paired=True, controls=100, controls_mismatched=90))
    assert verdict.verdict is Status.INCONCLUSIVE and "is it the same release" in verdict.reason


def test_with_a_twin_the_limit_is_on_the_excess() -> None:
    noisy = tally(40, 200, paired=True)
    noisy.shards["a"].bets = {"divergence": {32: 200}}
    assert judge(noisy).verdict is Status.PASS and judge(noisy).divergence.rate == 0
    noisy.shards["a"].bets = {"divergence": {32: 100, 64: 100}}
    assert judge(noisy).verdict is Status.FAIL and judge(noisy).divergence.rate == 0.5


def test_every_reason_is_one_sentence_and_the_codes_agree() -> None:
    for made in (tally(6, 20), tally(0, 100), tally(0, 0), tally(1, 30), tally(10, 160)):
        verdict = judge(made)
        assert verdict.reason and "\n" not in verdict.reason
        assert verdict.exit_code == {"pass": 0, "fail": 1, "inconclusive": 3, "error": 4}[verdict.verdict]


def test_fails_and_passes_agree_with_the_full_judgement() -> None:
    gate = EvidenceGate(Limits())
    for made in (
        tally(7, 20),
        tally(0, 100),
        tally(5, 20),
        tally(60, 100, controls=40, controls_mismatched=12),
        tally(0, 200, errored=15),
    ):
        status = gate.judge(made).verdict
        assert gate.fails(made.total(), False) == (status is Status.FAIL)
        assert gate.passes(made.total(), False) == (status is Status.PASS)


@given(st.integers(0, 60), st.integers(0, 300), st.integers(0, 100))
def test_less_evidence_or_more_mismatches_never_make_a_pass(k: int, matched: int, removed: int) -> None:
    before = judge(tally(k, k + matched)).verdict
    if before is not Status.PASS:
        assert judge(tally(k, k + max(0, matched - removed))).verdict is not Status.PASS
        assert judge(tally(k + 1, k + 1 + matched)).verdict is not Status.PASS


def test_routes_that_differ_come_first() -> None:
    made = tally(30, 130)
    made.shards["a"].routes = {
        "GET /ok": RouteCounts(sent=100, matched=100, bets=binary(0, 100)),
        "GET /bad": RouteCounts(sent=30, mismatched=30, worst="x9", bets=binary(30, 30)),
    }
    routes = judge(made).routes
    assert [r.route for r in routes] == ["GET /bad", "GET /ok"] and routes[0].worst == "x9" and routes[0].low > 0.7


def test_simple_mode_is_the_plain_rule() -> None:
    gate = SimpleGate(Limits(after=30, max_divergence=0.05))
    assert gate.judge(tally(2, 30)).verdict is Status.FAIL
    assert gate.judge(tally(1, 30)).verdict is Status.PASS
    assert gate.judge(tally(9, 29)).verdict is Status.INCONCLUSIVE
    assert gate.judge(tally(0, 0)).verdict is Status.INCONCLUSIVE
    assert gate.fails(tally(2, 30).total(), False) and not gate.passes(tally(0, 500).total(), False)
