"""Bodies: encodings undone, broken ones noted, bombs capped, any bytes a document."""

from __future__ import annotations

import gzip
import json
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.decode.body import PlainText, to_text, unpack
from shadowdiff.testing import check_decoder, decoding, response_of


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_a_broken_encoding_is_a_note_and_the_raw_bytes_are_compared(name: str) -> None:
    document = decoding().document(response_of(b"\x01\x02 broken", Content_Encoding=name))
    assert "raw bytes compared" in document.note or "ends early" in document.note


@pytest.mark.parametrize(
    ("name", "pack"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", brotli.compress), ("zstd", zstandard.compress)],
)
def test_a_bomb_is_capped(name: str, pack) -> None:
    body, note, unreadable, whole = unpack(response_of(pack(b"\0" * 5_000_000), Content_Encoding=name), 100_000)
    assert len(body) <= 100_000 and not whole
    assert name in note and not unreadable


def test_what_unpacks_to_too_much_is_bytes_to_us() -> None:
    packed = gzip.compress(b" " * (40 << 20))
    document = decoding().document(response_of(packed, content_type="application/json", Content_Encoding="gzip"))
    assert (document.kind, document.text) == ("binary", "") and "unpacks to over 32 MiB" in document.note


def test_an_encoding_that_was_declared_and_not_sent_is_told() -> None:
    document = decoding().document(response_of(b'{"a": 1}', content_type="application/json", Content_Encoding="gzip"))
    assert (document.kind, document.value, document.unreadable) == ("json", {"a": 1}, "gzip")


@pytest.mark.parametrize(
    ("name", "pack"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", brotli.compress), ("zstd", zstandard.compress)],
)
def test_a_cut_encoding_is_noted_and_a_whole_one_is_not(name: str, pack) -> None:
    packed = pack(bytes(range(256)) * 40)
    assert unpack(response_of(packed, Content_Encoding=name), 1 << 20)[:2] == (bytes(range(256)) * 40, "")
    _, note, *_ = unpack(response_of(packed[:-3], Content_Encoding=name), 1 << 20)
    assert "ends early" in note or "broken" in note


def test_an_unknown_encoding_is_named() -> None:
    assert "snappy is unknown" in decoding().document(response_of(b"x", Content_Encoding="snappy")).note


def test_charsets_are_honored_and_wrong_ones_survive() -> None:
    assert to_text("你好".encode("gbk"), "text/plain; charset=GBK") == "你好"
    assert to_text("你好".encode(), "text/plain; charset=nonsense") == "你好"
    assert "\ufffd" in to_text("你好".encode("gbk"), "text/plain; charset=utf-8")


def test_binary_is_told_by_type_or_by_nul() -> None:
    for response in (response_of(b"\x89PNG", content_type="image/png"), response_of(b"a\0b")):
        assert decoding().document(response).kind == "binary"


@given(
    st.binary(max_size=400),
    st.sampled_from(["", "application/json", "text/html", "text/event-stream", "application/x-ndjson"]),
)
def test_any_bytes_become_a_document(body: bytes, kind: str) -> None:
    assert decoding().document(response_of(body, content_type=kind)).kind in (
        "json",
        "text",
        "html",
        "chat",
        "binary",
        "empty",
    )


def test_conforms() -> None:
    check_decoder(PlainText())


@pytest.mark.parametrize(
    ("label", "charset"),
    [
        ("", "utf-8"),
        ("", "gbk"),
        ("", "gb18030"),
        ("; charset=GBK", "gbk"),
        ("; charset=gb2312", "gbk"),
        ("; charset=gb18030", "gb18030"),
    ],
)
def test_chinese_is_read_in_its_charset_labelled_or_not(label: str, charset: str) -> None:
    said = "您好，保修期是两年，请妥善保管发票。"
    plain = decoding().document(response_of(said.encode(charset), content_type=f"text/plain{label}"))
    assert plain.text == said
    packed = json.dumps({"answer": said}, ensure_ascii=False).encode(charset)
    assert decoding().document(response_of(packed, content_type=f"application/json{label}")).value == {"answer": said}


def test_a_wrong_label_shows_what_a_client_would_see() -> None:
    broken = (
        decoding().document(response_of("您好，保修期".encode("gbk"), content_type="text/plain; charset=utf-8")).text
    )
    assert "\ufffd" in broken
    assert "æ" in decoding().document(response_of("您好".encode(), content_type="text/plain; charset=latin-1")).text


def test_latin_bytes_are_not_taken_for_chinese() -> None:
    assert "caf" in decoding().document(response_of("café über naïve".encode("latin-1"))).text
    assert "é" not in decoding().document(response_of(b"caf\xe9")).text
