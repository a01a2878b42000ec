"""Signals: a resample is as far from blue as blue's own, a planted change is farther, and the sides are fair."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.score.signals import SIGNALS, distances, excess
from shadowdiff.testing import pair_of

FORMS = (
    "The parcel takes {n} days to Lyon. Keep the receipt. It is not sent on Sundays.",
    "It takes {n} days until the parcel is in Lyon, and it is not sent on Sundays. Please keep your receipt.",
    "Your parcel needs {n} days; Lyon is reached by train. On Sundays nothing moves. Keep the receipt.",
)


def test_equal_texts_are_nowhere_apart_and_every_distance_is_a_share() -> None:
    assert set(distances("a b", "a b").values()) == {0.0}
    far = distances(FORMS[0].format(n=3), "1 2 3 4 5 6\n- a\n- b\n- c Paris, Rome, Oslo")
    assert set(far) == set(SIGNALS) and all(0 <= value <= 1 for value in far.values())
    assert far["numbers"] == 1.0


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_green_that_is_blue_again_has_mean_zero(signal: str) -> None:
    """Whoever of three samples is called green: the six orders cancel."""
    a, b, c = (text.format(n=3) for text in FORMS)
    orders = [(a, b, c), (a, c, b), (b, a, c), (b, c, a), (c, a, b), (c, b, a)]
    total = sum(excess(pair_of(blue, green, twin))[signal] for blue, green, twin in orders)
    assert total == pytest.approx(0, abs=1e-9)


def test_a_changed_number_is_seen_over_many_pairs() -> None:
    rng = random.Random(1)
    found = []
    for n in range(60):
        blue, twin, green = (rng.choice(FORMS).format(n=n + 10) for _ in range(3))
        if n % 3 == 0:
            green = green.replace(str(n + 10), str(n + 40))
        found.append(excess(pair_of(blue, green, twin))["numbers"])
    assert sum(found) / len(found) == pytest.approx(20 / 60 / 4)


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_any_three_texts_have_a_bounded_excess(blue: str, green: str, twin: str) -> None:
    assert all(-1 <= value <= 1 for value in excess(pair_of(blue, green, twin)).values())
