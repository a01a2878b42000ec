"""Trace ids: the same everywhere for one pair, and of the form that the standard asks for."""

from __future__ import annotations

import pytest

from shadowdiff.model.trace import parent_of, span_id, trace_id, traceparent


def test_one_pair_has_one_trace_and_a_span_a_side() -> None:
    parents = [traceparent("run", "x1", role) for role in ("blue", "green", "twin")]
    assert len({parent_of(one)[0] for one in parents}) == 1 and len({parent_of(one)[1] for one in parents}) == 3
    assert parent_of(parents[0]) == (trace_id("run", "x1"), span_id("run", "x1", "blue"))
    assert trace_id("run", "x2") != trace_id("run", "x1") != trace_id("other", "x1")


@pytest.mark.parametrize("text", ["", "00-1-2-01", "ff-" + "1" * 32, "00-" + "0" * 32 + "-" + "1" * 16 + "-01"])
def test_what_is_no_traceparent_has_no_parent(text: str) -> None:
    assert parent_of(text) is None
