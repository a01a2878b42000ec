"""Time order within a window; a second shared by many is spread."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.capture.build import Builder
from shadowdiff.capture.logs.access import AccessLogSource
from shadowdiff.capture.order import Ordering
from shadowdiff.model.tally import Ledger
from shadowdiff.testing import exchange_of


def times(ordering: Ordering, *stamps: float | None) -> list[float | None]:
    made = [exchange_of(id=str(n), captured_at=at) for n, at in enumerate(stamps)]
    return [exchange.captured_at for exchange in ordering(iter(made))]


def test_disordered_times_are_sorted_and_counted() -> None:
    ordering = Ordering(10)
    assert times(ordering, 3.5, 1.5, 2.5, 9.5) == [1.5, 2.5, 3.5, 9.5]
    assert (ordering.moved, ordering.late) == (2, 0)


def test_what_is_beyond_the_window_goes_out_as_it_comes_and_is_counted() -> None:
    ordering = Ordering(2)
    assert times(ordering, 5.5, 6.5, 7.5, 8.5, 1.5) == [5.5, 6.5, 1.5, 7.5, 8.5]
    assert (ordering.moved, ordering.late) == (1, 1)


def test_a_shared_second_is_spread_only_where_the_clock_is_coarse() -> None:
    assert times(Ordering(10), 10.0, 10.0, 10.0, 10.0, 11.0) == [10.0, 10.25, 10.5, 10.75, 11.0]
    assert times(Ordering(10), 10.0, 10.0, 10.5) == [10.0, 10.0, 10.5]


def test_without_a_window_or_times_the_order_of_the_log_stays() -> None:
    assert times(Ordering(0), 3.0, 1.0) == [3.0, 1.0]
    assert times(Ordering(10), None, None) == [None, None]


@given(st.lists(st.one_of(st.none(), st.floats(0, 100)), max_size=60), st.integers(1, 80))
def test_nothing_is_lost_or_doubled(stamps: list[float | None], window: int) -> None:
    made = [exchange_of(id=str(n), captured_at=at) for n, at in enumerate(stamps)]
    assert sorted(int(exchange.id) for exchange in Ordering(window)(iter(made))) == list(range(len(stamps)))


def test_the_real_disordered_log_comes_out_in_order(samples: Path) -> None:
    ledger = Ledger()
    source = AccessLogSource(samples / "accesslog" / "elastic_apache_combined_5000.log", Builder(ledger))
    ordering = Ordering(1000)
    found = [exchange.captured_at for exchange in ordering(source.stream())]
    assert ordering.moved > 1000 and ordering.late == 0
    assert found == sorted(found) and len(set(found)) > 4900
