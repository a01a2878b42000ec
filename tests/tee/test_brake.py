"""The brake: 429 pauses everyone, Retry-After is honored, a sick blue is not pressed."""

from __future__ import annotations

import msgspec

from shadowdiff.model.exchange import Failure, Role
from shadowdiff.tee.brake import GIVE_UP, WINDOW, Brake
from shadowdiff.testing import observed, response_of


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_429_from_any_target_pauses_for_as_long_as_it_asks() -> None:
    clock = Clock()
    brake = Brake(clock)
    brake.note(observed(Role.GREEN, response_of(status=429, Retry_After="7")))
    assert brake.remaining() > 0 and brake.throttled == 1
    clock.now += 6.9
    assert brake.remaining() > 0
    clock.now += 0.2
    assert brake.remaining() <= 0


def test_throttling_without_retry_after_backs_off_exponentially() -> None:
    clock = Clock()
    brake = Brake(clock)
    waits = []
    for _ in range(4):
        brake.note(observed(Role.BLUE, response_of(status=429)))
        waits.append(brake._until - clock.now)
        clock.now = brake._until
    assert waits == [1.0, 2.0, 4.0, 8.0]


def test_a_plain_503_is_no_request_to_pause_but_one_with_retry_after_is() -> None:
    brake = Brake(Clock())
    brake.note(observed(Role.GREEN, response_of(status=503)))
    assert brake.remaining() <= 0
    brake.note(observed(Role.GREEN, response_of(status=503, Retry_After="1")))
    assert brake.remaining() > 0


def test_a_blue_that_keeps_failing_is_given_up_and_a_failing_green_is_not() -> None:
    clock = Clock()
    brake = Brake(clock)
    for _ in range(WINDOW * GIVE_UP * 2):
        brake.note(observed(Role.GREEN, Failure.TIMEOUT))
    assert not brake.given_up and brake.remaining() <= 0
    for _ in range(WINDOW * GIVE_UP):
        brake.note(observed(Role.BLUE, response_of(status=500)))
        clock.now = max(clock.now, brake._until)
    assert "blue failed" in brake.given_up


def test_a_recorded_500_is_how_blue_behaves() -> None:
    brake = Brake(Clock())
    for _ in range(WINDOW * GIVE_UP):
        brake.note(observed(Role.BLUE, response_of(status=500)), expected_status=500)
    assert brake.remaining() <= 0 and not brake.given_up


def answered(seconds: float):
    return msgspec.structs.replace(observed(Role.BLUE, response_of()), first_byte_s=seconds)


def test_a_blue_that_becomes_slow_gets_pauses_and_is_not_given_up() -> None:
    clock = Clock()
    brake = Brake(clock)
    for _ in range(WINDOW):
        brake.note(answered(0.2), route="GET /a")
    assert brake.remaining() <= 0
    waits = []
    for _ in range(8):
        for _ in range(WINDOW):
            brake.note(answered(2.0), route="GET /a")
        waits.append(brake.remaining())
        clock.now = brake._until
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0] and brake.slowed == 8 and not brake.given_up
    for _ in range(WINDOW):
        brake.note(answered(0.2), route="GET /a")
    assert brake.remaining() <= 0 and brake._pause == 1.0


def test_a_slow_route_is_no_blue_that_became_slow() -> None:
    brake = Brake(Clock())
    for _ in range(3 * WINDOW):
        brake.note(answered(0.01), route="GET /health")
        brake.note(answered(9.0), route="POST /chat")
    for _ in range(3 * WINDOW):
        brake.note(answered(0.04), route="GET /health")  # four times as slow, and nobody suffers
    assert brake.slowed == 0
