"""The counter of a service: every pair counts for the candidate, and for the step it was sent in."""

from __future__ import annotations

from shadowdiff.gate.limits import Limits
from shadowdiff.gate.window import WindowRules
from shadowdiff.model.comparison import Outcome
from shadowdiff.model.tally import Ledger
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.run.watched import MAX_STEPS, Watched
from shadowdiff.testing import comparison_of

GOOD, BAD = Outcome.MATCHED, Outcome.MISMATCHED


def watched(**options) -> Watched:
    return Watched(
        "r/0", Ledger(), limits=Limits(), rules=WindowRules(), candidate="v2", clock=lambda: 1000.0, **options
    )


def send(counter: Watched, count: int, outcome: Outcome = GOOD, start: int = 0) -> None:
    for n in range(start, start + count):
        counter.opened(f"x{n}", True, "GET /")
        counter.add(comparison_of(outcome, n, unit=f"x{n}"))


def told(counter: Watched, step: str) -> Verdict:
    verdict = counter.verdict(step)
    assert verdict is not None
    return verdict


def test_a_step_has_only_what_was_sent_since_it_was_first_asked_about() -> None:
    counter = watched()
    send(counter, 200)
    assert told(counter, "").verdict is Status.PASS and told(counter, "25").divergence.n == 0
    send(counter, 100, start=200)
    assert told(counter, "25").divergence.n == 100
    assert told(counter, "50").divergence.n == 0
    send(counter, 10, start=300)
    assert [told(counter, step).divergence.n for step in ("", "25", "50")] == [310, 100, 10]
    assert counter.shard.units == 310


def test_a_pair_in_flight_counts_for_the_step_it_was_sent_in() -> None:
    counter = watched()
    told(counter, "5")
    counter.opened("late", True, "GET /")
    told(counter, "25")
    counter.add(comparison_of(GOOD, 1, unit="late"))
    assert told(counter, "5").divergence.n == 1 and told(counter, "25").divergence.n == 0


def test_a_session_stays_in_the_step_it_began_in() -> None:
    counter = watched()
    told(counter, "5")
    for turn in (1, 2):
        counter.opened("s#0", False, "POST /")
        counter.add(comparison_of(GOOD, turn, unit="s#0", session="s", turn=turn))
        told(counter, "25")
    counter.closed("s#0")
    assert told(counter, "5").divergence.n == 1 and told(counter, "25").divergence.n == 0
    assert not counter._of


def test_what_is_withdrawn_leaves_nothing() -> None:
    counter = watched()
    counter.opened("x", True, "GET /")
    counter.withdrawn("x", True, "GET /")
    assert told(counter, "").ledger["read"] == 0 and not counter._of


def test_a_step_that_failed_does_not_fail_the_next() -> None:
    counter = watched()
    told(counter, "5")
    send(counter, 60, BAD)
    told(counter, "25")
    send(counter, 300, start=60)
    assert told(counter, "5").verdict is Status.FAIL and told(counter, "25").verdict is Status.PASS
    assert told(counter, "").verdict is Status.FAIL


def test_steps_are_bounded() -> None:
    counter = watched()
    asked = [counter.verdict(str(n)) for n in range(MAX_STEPS + 20)]
    assert asked[0] is not None and asked[-1] is None and counter.verdict("3") is not None


def test_windows_count_as_the_run_does() -> None:
    counter = watched(by_request=True, blue_asked=False)
    for turn in (1, 2, 3):
        counter.opened("s#0", False, "POST /")
        counter.add(comparison_of(GOOD, turn, unit="s#0", session="s", turn=turn))
    counter.closed("s#0")
    whole = told(counter, "")
    assert whole.divergence.n == counter.shard.units == 3 and counter.shard.blue_asked == 0
    assert not counter._of


def test_an_answer_of_another_build_is_no_evidence() -> None:
    counter = watched(told=True)
    counter.opened("a", True, "GET /")
    counted = counter.add(comparison_of(BAD, 1, unit="a", build="v1"))
    counter.opened("b", True, "GET /")
    counter.add(comparison_of(GOOD, 2, unit="b", build="v2"))
    assert counted.outcome is Outcome.ERRORED and "build v1, not v2" in counted.why
    assert told(counter, "").divergence.n == 1


def test_the_newest_build_is_the_candidate_and_an_old_one_never_reopens() -> None:
    counter = Watched("r/0", Ledger(), limits=Limits(), rules=WindowRules(), candidate="", told=True)
    for n, build in enumerate(["v1"] * 40 + ["v2"] * 30):
        counter.opened(f"x{n}", True, "GET /")
        counter.add(comparison_of(BAD if build == "v1" else GOOD, n, unit=f"x{n}", build=build))
    assert counter.candidate == "v2" and counter.own_windows
    assert told(counter, "").divergence.n == 30
    old = counter.verdict("", "v1")
    assert old is not None and old.verdict is Status.FAIL and counter.verdict("", "v0") is None
    counter.opened("late", True, "GET /")
    counter.opened("early", True, "GET /")
    late = counter.add(comparison_of(BAD, 99, unit="late", build="v1"))
    counter.add(comparison_of(GOOD, 98, unit="early", build="v3"))
    assert told(counter, "").divergence.n == 1, "sent before v3 was known, answered by it"
    assert late.outcome is Outcome.ERRORED and counter.candidate == "v3"


def test_new_rules_begin_anew_and_what_was_in_flight_counts_by_them() -> None:
    counter = watched()
    send(counter, 50, BAD)
    for unit in ("early", "late"):
        counter.opened(unit, True, "GET /")
    counter.opened("s#0", False, "GET /")
    counter.renew(Limits(), "new")
    assert told(counter, "").divergence.n == 0
    counter.add(comparison_of(BAD, 59, unit="early", config="old"))
    counter.add(comparison_of(GOOD, 60, unit="late", config="new"))
    cut = counter.add(comparison_of(GOOD, 61, unit="s#0", session="s", turn=1, config="new"))
    assert told(counter, "").divergence.n == 1 and cut.outcome is Outcome.ERRORED
    send(counter, 20, start=100)
    assert told(counter, "").divergence.n == 21 and counter.shard.ledger.matched == 21


def test_other_limits_read_the_same_evidence_and_a_fail_falls_with_them() -> None:
    counter = watched()
    send(counter, 100)
    send(counter, 40, BAD, start=100)
    assert told(counter, "").verdict is Status.FAIL
    counter.reread(Limits(max_divergence=0.6))
    assert told(counter, "").verdict is Status.PASS and told(counter, "").divergence.n == 140
    counter.reread(Limits())
    assert told(counter, "").verdict is Status.FAIL
