"""JSON: exact integers, lenient where servers are, text that only starts like JSON stays text."""

from __future__ import annotations

from shadowdiff.decode.jsontext import MISSING, JsonText, parse
from shadowdiff.testing import check_decoder, decoding, response_of


def test_big_integers_stay_whole() -> None:
    assert parse(b"123456789012345678901") != parse(b"123456789012345678902")


def test_what_strict_parsers_refuse_but_servers_send_is_read() -> None:
    assert parse(b'{"a": "\\ud800"}') == {"a": "\ud800"}
    assert parse(b'{"a": 1e400}') == {"a": float("inf")}
    assert parse(b"[" * 100_000) is MISSING


def test_text_that_starts_like_json_is_text() -> None:
    for body in ("3 results found", "true story", "null and void", "[1] Paris", '"quoted" then more'):
        document = decoding().document(response_of(body))
        assert (document.kind, document.text) == ("text", body)


def test_declared_json_that_does_not_parse_says_so() -> None:
    document = decoding().document(response_of(b'{"a":', content_type="application/json"))
    assert document.kind == "text" and "does not parse" in document.note


def test_conforms() -> None:
    check_decoder(JsonText())
