"""Messages between the two processes survive any cutting, and damage is noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.capture.copies import Answer, Copy, Pulse, Unpacker, pack
from shadowdiff.model.exchange import BodyState

COPY = Copy(
    number=7, at=1.5, method="POST", target="/a", headers=(("X", "\xe4"),), body=b"\0\xff", state=BodyState.PRESENT,
    peer="::1", answer=Answer(200, (), b"{}", 2, "", ((0, 0.5),), 0.1, 0.2),
)  # fmt: skip


@given(st.lists(st.sampled_from([COPY, Pulse("a", 1, 2, 3, 4)]), max_size=5), st.integers(1, 50))
def test_messages_come_out_as_they_went_in(messages, step: int) -> None:
    data, unpacker, found = b"".join(map(pack, messages)), Unpacker(), []
    for start in range(0, len(data), step):
        found += list(unpacker.feed(data[start : start + step]))
    assert found == messages


@pytest.mark.parametrize("data", [b"\xff\xff\xff\xff", b"\0\0\0\2\x90\x90", b"\0\0\0\1\xc1"])
def test_damage_is_an_error_not_a_message(data: bytes) -> None:
    with pytest.raises(ValueError):
        list(Unpacker().feed(data))
