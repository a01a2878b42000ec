"""Who answers which turn, and what is said about it."""

from __future__ import annotations

from shadowdiff.tee.handover import BACK, BEFORE, ON_GREEN, Handover
from shadowdiff.testing import exchange_of


def test_blue_then_green_then_blue_again() -> None:
    made = Handover(2)
    assert [made.phase(turn) for turn in range(1, 7)] == [BEFORE] * 2 + [ON_GREEN] * 2 + [BACK] * 2
    assert [made.begins(exchange_of(session="s", turn=turn)) for turn in range(1, 7)] == [False] * 2 + [True] * 4


def test_the_line_names_the_phase_of_first_divergence_and_sessions_too_short() -> None:
    made = Handover(1)
    for session, turns in (("a", 3), ("b", 3), ("c", 1)):
        for turn in range(1, turns + 1):
            made.begins(exchange_of(session=session, turn=turn))
    made.diverged(3)
    assert made.line() == (
        "Hand-over after turn 1: 2 sessions were switched to green, 2 of them back to blue; 1 first diverged back on "
        "blue, 1 did not; 1 ended before turn 2 and were never switched."
    )
