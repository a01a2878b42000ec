"""Distributions: bounded, a quantile at most one step off, the same however pairs come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.model.comparison import Timings
from shadowdiff.report.spread import DECADES, STEPS, Spread, bucket, quantile, upper


@given(st.lists(st.floats(1e-4, 900), min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_at_most_a_step_above_the_true_one(times: list[float], share: float) -> None:
    spread = Spread()
    for time in times:
        spread.add(Timings(blue_s=time))
    true = sorted(times)[max(0, -(-int(share * 1000) * len(times) // 1000) - 1)]
    assert true * 0.999 <= quantile(spread.counts["total", "blue"], share) <= true * 10 ** (1.001 / STEPS) * 1.001


def test_what_lies_outside_is_counted_at_the_ends() -> None:
    assert bucket(0.0) == 0 and bucket(1e9) == STEPS * DECADES - 1
    assert upper(0) > 1e-4 and upper(STEPS * DECADES - 1) > 999


def test_who_was_not_asked_has_no_line() -> None:
    spread = Spread()
    spread.add(Timings(blue_s=0.1, green_s=0.2, green_ttft_s=0.05))
    assert [side for side, _ in spread.sides("total")] == ["blue", "green"]
    assert [side for side, _ in spread.sides("ttft")] == ["green"]
