"""Census: the prepared questions are all there is; every one must be judged, and counts decide."""

from __future__ import annotations

from shadowdiff.gate.census import CensusGate
from shadowdiff.gate.limits import Limits
from shadowdiff.model.tally import Ledger, RouteCounts, Shard, Tally
from shadowdiff.model.verdict import Status
from shadowdiff.testing import check_gate


def tally(k: int, n: int, *, errored: int = 0, unread: int = 0) -> Tally:
    sent = n + errored
    ledger = Ledger(read=sent + unread, unsent=unread, sent=sent, matched=n - k, mismatched=k, errored=errored)
    routes = {"POST /ask": RouteCounts(sent=sent, matched=n - k, mismatched=k, errored=errored)}
    return Tally(shards={"a": Shard(id="a", upto=sent, units=n, ledger=ledger, routes=routes, green_answered=n)})


def test_at_most_k_of_n_may_differ() -> None:
    gate = CensusGate(Limits(mode="census", max_mismatches=2))
    assert gate.judge(tally(2, 30)).verdict is Status.PASS
    failed = gate.judge(tally(3, 30))
    assert failed.verdict is Status.FAIL and "3 of the 30 prepared questions; 2 are allowed" in failed.reason
    assert gate.judge(tally(0, 5)).verdict is Status.PASS  # a small set is a whole set


def test_every_question_must_have_been_judged() -> None:
    gate = CensusGate(Limits(mode="census"))
    for made in (tally(0, 29, errored=1), tally(0, 20, unread=10)):
        verdict = gate.judge(made)
        assert verdict.verdict is Status.INCONCLUSIVE and "could not be judged" in verdict.reason
    open_ = tally(0, 30)
    open_.complete = False
    assert gate.judge(open_).verdict is Status.INCONCLUSIVE and not gate.passes(open_.total(), False)
    assert gate.judge(tally(1, 20, unread=10)).verdict is Status.FAIL and gate.fails(tally(1, 20).total(), False)


def test_no_evidence_is_never_a_pass() -> None:
    check_gate(CensusGate(Limits(mode="census")))
    covered = CensusGate(Limits(mode="census", must_cover=("GET /x",))).judge(tally(0, 30))
    assert covered.verdict is Status.INCONCLUSIVE and "GET /x" in covered.reason
