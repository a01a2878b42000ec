"""What blue does to itself: learnt per route, bounded re-asks, whole sessions one way."""

from __future__ import annotations

from shadowdiff.model.comparison import Finding, Score, Severity
from shadowdiff.score.noise import REASKS, REASKS_PROSE, Learner, own_noise


def test_every_change_is_a_new_immutable_version() -> None:
    learner = Learner()
    before = learner.baseline
    learner.learn("GET /", frozenset({("/a", "value")}))
    learner.learn("GET /", frozenset({("/a", "value")}))
    assert (before.version, learner.baseline.version) == (0, 1)
    assert learner.baseline.knows("GET /", "/a", "value") and not before.knows("GET /", "/a", "value")
    assert not learner.baseline.knows("GET /other", "/a", "value")


def test_reasks_are_few_for_data_and_forty_for_prose() -> None:
    learner = Learner()
    assert sum(learner.wants("GET /a", f"x{n}", False) for n in range(500)) == REASKS
    learner.saw_prose("GET /b")
    assert sum(learner.wants("GET /b", f"y{n}", False) for n in range(200)) == REASKS_PROSE
    assert learner.reasks == REASKS + REASKS_PROSE


def test_a_log_of_many_routes_does_not_double_blues_load() -> None:
    learner = Learner()
    asked = sum(learner.wants(f"GET /{n}", f"x{n}", False) for n in range(5000))
    assert asked <= 40 + 500


def test_a_session_is_asked_twice_as_a_whole_or_not_at_all() -> None:
    learner = Learner()
    first = [learner.wants("POST /c", "s#0", True) for _ in range(30)]
    assert all(first)
    assert not any(learner.wants("POST /c", "t#0", True) for _ in range(5))


def test_indexes_are_generalized_and_prose_is_left_out() -> None:
    scores = [Score("structure", 0.5, (
        Finding("/items/3/id", "value"), Finding("/text", "text", Severity.MAJOR, "x" * 100, "y"), Finding("/text", "text", Severity.INFO, "a", "b"),
    )), Score("length", 0.5, (Finding("", "length"),))]  # fmt: skip
    assert own_noise(scores) == frozenset({("/items/*/id", "value")})
