"""Pacing: absolute schedules, so a late send does not delay the next."""

from __future__ import annotations

from shadowdiff.tee.pace import Pacer


def test_a_rate_gives_due_times_from_the_start_not_from_the_last_send() -> None:
    now = [100.0]
    pacer = Pacer(rate=50, clock=lambda: now[0])
    first = pacer.due(None)
    now[0] = 107.0
    assert [first, pacer.due(None), pacer.due(None)] == [100.0, 100.02, 100.04]


def test_recorded_time_is_followed_at_a_speed_and_long_gaps_are_cut() -> None:
    pacer = Pacer(speed=2.0, max_gap=5.0, clock=lambda: 0.0)
    assert [pacer.due(t) for t in (1000.0, 1004.0, 1104.0, 1106.0)] == [0.0, 2.0, 7.0, 8.0]


def test_disordered_and_missing_times_never_go_back() -> None:
    pacer = Pacer(speed=1.0, clock=lambda: 0.0)
    assert [pacer.due(t) for t in (10.0, 12.0, 11.0, None, 13.0)] == [0.0, 2.0, 2.0, 2.0, 3.0]


def test_what_remains_until_a_due_time() -> None:
    pacer = Pacer(rate=1, clock=lambda: 100.0)
    assert (pacer.remaining(101.5), pacer.remaining(99.0), pacer.remaining(0.0)) == (1.5, -1.0, 0.0)


def test_without_a_rate_everything_is_due_at_once() -> None:
    assert Pacer().due(123.0) == 0.0
