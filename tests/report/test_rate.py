"""The rate chart: bounded, whatever order times come in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.report.rate import BINS, Rate


@given(st.lists(st.floats(0, 2e9), min_size=2, max_size=50))
def test_every_event_is_in_a_bin(moments: list[float]) -> None:
    rate = Rate()
    for moment in moments:
        rate.add(moment)
    assert sum(rate._counts) == len(moments) and len(rate._counts) == BINS
    assert len(rate.line().split("  ")[0]) <= BINS


def test_the_line_shows_gaps_and_its_scale() -> None:
    rate = Rate()
    for moment in [*range(20), 59]:
        rate.add(float(moment))
    line = rate.line()
    assert line.startswith("█") and "·" in line and "a bin 1.0 s, highest" in line
    assert Rate().line() == ""
