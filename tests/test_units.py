"""Values with units: what is read, and one clear line for what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff import units
from shadowdiff.errors import UsageError


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (units.duration, "250ms", 0.25), (units.duration, "1m30s", 90.0), (units.duration, "2h", 7200.0),
        (units.percent, "5%", 0.05), (units.percent, "0.05", 0.05), (units.percent, "100%", 1.0),
        (units.size, "64KiB", 65536), (units.size, "1MiB", 1 << 20), (units.size, "500kB", 500_000),
        (units.rate, "50/s", 50.0), (units.rate, "300/m", 5.0), (units.rate, "100/30s", 100 / 30),
        (units.speed, "2x", 2.0), (units.speed, "50%", 0.5),
        (units.budget, "5000-requests", (5000, "requests")), (units.budget, "2M-tokens", (2_000_000, "tokens")), (units.budget, "9-writes", (9, "writes")),
    ],
)  # fmt: skip
def test_reads_what_people_write(parse, text, value) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (units.duration, "30"), (units.duration, "5 parsecs"), (units.percent, "500%"), (units.percent, "-1%"),
        (units.percent, "many"), (units.size, "1XB"), (units.rate, "50"), (units.rate, "0/s"), (units.speed, "0x"),
        (units.speed, "2"), (units.budget, "5000"), (units.budget, "5 apples"),
    ],
)  # fmt: skip
def test_refuses_with_the_place_and_an_example(parse, text) -> None:
    with pytest.raises(UsageError, match="here") as error:
        parse(text, "here")
    assert "\n" not in str(error.value) and text in str(error.value)


@given(st.floats(0, 1))
def test_percent_never_prints_a_share_as_another(value: float) -> None:
    shown = units.show_percent(value)
    assert abs(units.percent(shown if "e" not in shown else "0%") - value) <= max(0.0006, value * 0.06)
