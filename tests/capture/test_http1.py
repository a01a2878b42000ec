"""Raw messages: framing undone, lengths that lie told, any bytes survived."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.capture.http1 import dechunk, parse
from shadowdiff.model.exchange import BodyState


def test_lengths_that_lie() -> None:
    odd = parse("POST / HTTP/1.1\r\nContent-Length: ²\r\n\r\nab".encode("latin-1"))
    assert odd is not None and odd.body == b"ab"
    short = parse(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf")
    long = parse(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nabcd")
    assert short is not None and (short.body, short.state) == (b"half", BodyState.TRUNCATED)
    assert long is not None and (long.body, long.state) == (b"ab", BodyState.PRESENT)


def test_folded_headers_are_joined() -> None:
    message = parse(b"GET / HTTP/1.1\nA: one\n two\nB:3\n\n")
    assert message is not None and message.headers == (("A", "one two"), ("B", "3"))


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=5))
def test_chunks_round_trip_and_cuts_are_seen(parts: list[bytes]) -> None:
    framed = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"
    assert dechunk(framed) == (b"".join(parts), True)
    assert dechunk(framed[:-5])[1] is False


@given(st.binary(max_size=200))
def test_any_bytes_parse(raw: bytes) -> None:
    parse(raw)
