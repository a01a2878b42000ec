"""The event stream format: any chunking gives the same events."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.decode.sse import Event, EventParser, events_of


def parsed(chunks: list[bytes]) -> list[Event]:
    parser = EventParser()
    return [event for chunk in chunks for event in parser.feed(chunk)] + parser.finish()


def test_fields_comments_and_line_ends_by_the_standard() -> None:
    body = (
        "\ufeffevent: add\rdata: one\r\ndata:two\n\n: note\n\nid: 7\ndata:  spaced\n\nretry: 10\nnothing: 1\n\n"
        "data: sep\u2028inside\n\ndata\n\n"
    ).encode()
    events, parser = events_of(body)
    assert [(e.name, e.id, e.data) for e in events] == [
        ("add", "", "one\ntwo"), ("", "7", " spaced"), ("", "7", "sep\u2028inside"), ("", "7", ""),
    ]  # fmt: skip
    assert (parser.comments, parser.bad_lines) == (1, 1)


def test_an_unterminated_last_event_is_kept_and_marked() -> None:
    events, _ = events_of(b"data: a\n\ndata: b")
    assert [(e.data, e.unterminated) for e in events] == [("a", False), ("b", True)]


streams = st.lists(
    st.sampled_from([b"data: x", b"data:", b"event: e", b"id: 1", b": c", b"", b"bad", "data: 你好".encode(), b"\r", b"data: a\r"])
).flatmap(lambda lines: st.lists(st.sampled_from([b"\n", b"\r\n", b"\r"]), min_size=len(lines), max_size=len(lines)).map(
    lambda ends: b"".join(a + b for a, b in zip(lines, ends, strict=True))))  # fmt: skip


@given(streams, st.lists(st.integers(0, 200), max_size=6))
def test_any_cut_gives_the_same_events(body: bytes, cuts: list[int]) -> None:
    points = sorted({min(cut, len(body)) for cut in cuts} | {0, len(body)})
    chunks = [body[a:b] for a, b in zip(points, points[1:], strict=False)]
    whole = parsed([body])
    assert parsed(chunks) == whole
    assert parsed([bytes([b]) for b in body]) == whole


@given(st.binary(max_size=300))
def test_any_bytes_parse(body: bytes) -> None:
    for event in events_of(body)[0]:
        assert event.offset <= len(body)
