"""Arrivals: a sequence of (offset, seconds) like the tuple it stands for, in an eighth of its memory."""

from __future__ import annotations

import pickle
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.model.arrivals import Arrivals

EVENTS = st.lists(st.tuples(st.integers(0, 2**40), st.floats(0, 1e6)), max_size=30)


@given(EVENTS, st.integers(0, 30), st.integers(1, 5))
def test_it_reads_like_the_tuple_it_stands_for(events: list[tuple[int, float]], start: int, step: int) -> None:
    made = Arrivals()
    for one in events:
        made.add(*one)
    assert (
        list(made) == events and made == Arrivals(events) and len(made) == len(events) and bool(made) == bool(events)
    )
    assert made[start::step] == events[start::step] and (not events or made[-1] == events[-1])
    assert pickle.loads(pickle.dumps(made)) == made and hash(made) == hash(tuple(events))


def test_an_event_takes_sixteen_bytes() -> None:
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    made = Arrivals()
    for n in range(10_000):
        made.add(1_000_000 + n, n / 7)
    spent = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert spent < 10_000 * 20
