"""A green that stays silent is left alone for a while, and found again."""

from __future__ import annotations

from shadowdiff.model.exchange import Failure, Role
from shadowdiff.tee.breaker import FAILURES, OPEN, Breaker
from shadowdiff.testing import observed, response_of


def test_failures_in_a_row_open_it_and_probes_come_ever_later() -> None:
    now = [0.0]
    one = Breaker(clock=lambda: now[0])
    down, up = observed(Role.GREEN, Failure.REFUSED), observed(Role.GREEN, response_of("ok"))
    for _ in range(FAILURES - 1):
        one.note(down)
    one.note(up)
    assert one.resting() == ""
    probes = []
    for _ in range(FAILURES):
        one.note(down)
    for step in range(2000):
        now[0] = step / 10
        if not one.resting():
            probes.append(now[0])
            one.note(down)
    assert one.opened == 1 and probes[:4] == [1.0, 3.0, 7.0, 15.0] and probes[-1] - probes[-2] <= 30.2
    assert one.resting() == OPEN
    one.note(up)
    assert one.resting() == ""


def test_other_targets_do_not_open_it() -> None:
    one = Breaker()
    for _ in range(2 * FAILURES):
        one.note(observed(Role.TWIN, Failure.TIMEOUT))
    assert one.resting() == ""
