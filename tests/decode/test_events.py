"""Streams of no known dialect: chunk boundaries do not matter, counters do not count."""

from __future__ import annotations

from shadowdiff.decode.events import EventStream, fold
from shadowdiff.testing import check_decoder, decoding, response_of


def value(body: str, kind: str = "") -> object:
    return decoding().document(response_of(body, content_type=kind)).value


def test_the_same_text_in_other_chunks_is_the_same_document() -> None:
    one = 'data: {"d":"Hel","n":1}\n\ndata: {"d":"lo","n":2}\n\ndata: [DONE]\n\n'
    two = 'data: {"d":"H","n":1}\n\ndata: {"d":"ell","n":2}\n\ndata: {"d":"o","n":3}\n\n'
    assert value(one) == value(two) == {"d": "Hello"}


def test_ndjson_is_a_list_and_a_broken_line_makes_it_text() -> None:
    assert value('{"a":1}\n{"a":2}') == [{"a": 1}, {"a": 2}]
    document = decoding().document(response_of('{"a":1}\n{"a":', content_type="application/x-ndjson"))
    assert document.kind == "text" and "broken line" in document.note


def test_plain_text_events_are_text() -> None:
    assert decoding().document(response_of("data: hello\n\ndata: there\n\n")).text == "hello\nthere"


def test_constant_strings_are_kept_once() -> None:
    assert fold([{"model": "m", "t": "a"}, {"model": "m", "t": "b"}]) == {"model": "m", "t": "ab"}


def test_conforms() -> None:
    check_decoder(EventStream())


def test_a_json_text_sequence_is_read_as_its_values() -> None:
    """RFC 7464: a record separator before each value."""
    lines = b'{"a":1,"t":"x"}\n{"a":2,"t":"y"}\n'
    marked = b"".join(b"\x1e" + line + b"\n" for line in lines.splitlines())
    assert decoding().document(response_of(marked)) == decoding().document(response_of(lines))
    chat = b'{"model":"q","created_at":"x","message":{"role":"assistant","content":"hi"},"done":true}\n'
    assert decoding().document(response_of(b"\x1e" + chat)).text == "hi"
