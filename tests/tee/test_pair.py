"""Calls that the end of a service cuts: nobody's fault, unless green was long overdue."""

from __future__ import annotations

import pytest

from shadowdiff.model.exchange import INTERRUPTED, Failure, Observation, Role
from shadowdiff.tee.pair import given_up
from shadowdiff.testing import exchange_of, response_of


def answered(total_s: float, failure: Failure | None = None) -> Observation:
    return Observation(role=Role.BLUE, response=response_of("a"), failure=failure, total_s=total_s)


@pytest.mark.parametrize(
    ("blue", "role", "open_s", "late"),
    [
        (answered(0.2), Role.GREEN, 10.0, True),
        (answered(30.0), Role.GREEN, 10.0, False),
        (answered(0.2), Role.GREEN, 0.5, False),
        (answered(0.2), Role.TWIN, 10.0, False),
        (answered(0.2, Failure.RESET), Role.GREEN, 10.0, False),
        (None, Role.GREEN, 10.0, False),
    ],
)
def test_only_a_green_that_is_long_overdue_has_timed_out(blue, role: Role, open_s: float, late: bool) -> None:
    seen = given_up(exchange_of(blue=blue), role, open_s)
    assert seen.failure is Failure.TIMEOUT and (seen.detail != INTERRUPTED) is late
