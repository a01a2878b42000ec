"""No planted secret survives, by name or by shape, and ordinary text stays as it is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff import redact

SECRET = "s3cr3tValue9876"


@pytest.mark.parametrize(
    "text",
    [
        f'{{"password": "{SECRET}"}}',
        f'{{"user":{{"api_key":"{SECRET}"}}}}',
        json.dumps({"inner": json.dumps({"access_token": SECRET})}),
        f"GET /x?token={SECRET}&a=1",
        f"grant_type=x&client_secret={SECRET}",
        f"Authorization: Bearer {SECRET}",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0." + SECRET,
        f"key sk-{SECRET}{SECRET} end",
        f"AKIA{'ABCDEFGH12345678'} {SECRET[:0]}",
    ],
)
def test_a_secret_is_removed(text: str) -> None:
    cleaned = redact.text(text)
    assert SECRET not in cleaned and "ABCDEFGH12345678" not in cleaned
    assert redact.MARK in cleaned


@pytest.mark.parametrize(
    "text",
    [
        '{"prompt_tokens": 12, "answer": "the token bucket"}',
        "仅供参考 100 元",
        "skate park",
        "a=1&b=2",
        "secretary: Li",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redact.text(text) == text


def test_headers_are_marked_by_name_and_by_shape() -> None:
    pairs = (
        ("Authorization", SECRET),
        ("X-Service-Token", SECRET),
        ("Cookie", SECRET),
        ("Accept", "json"),
        ("X-Note", f"Bearer {SECRET}"),
    )
    cleaned = redact.headers(pairs)
    assert SECRET not in str(cleaned)
    assert ("Accept", "json") in cleaned


def test_a_finding_at_a_secret_path_is_marked_whole() -> None:
    assert redact.at_path("/user/password", "x") == redact.MARK
    assert redact.at_path("header:set-cookie", "x") == redact.MARK
    assert redact.at_path("/user/name", "x") == "x"


def test_query_secrets_leave_the_target_and_its_other_values() -> None:
    assert redact.target(f"/a?sig={SECRET}&b=2") == f"/a?sig={redact.MARK}&b=2"


PIECES = st.sampled_from(
    [
        '"api_key": "', '\\"token\\": \\"', "secret", "=", "&sig=abcdefgh", " token=xyz", '", "', "key", "Bearer abcdefgh12", "sk-",
        "abcdefghijklmnop1234", "eyJhbGciOi.eyJzdWIi.c2ln", "İ", "keyboard", "passwd", '"', "\\", ": ", "中文", "x-amz-signature=",
        "AKIAABCDEFGHIJKLMNOP", "ghp_", "total_tokens", '"client-Secret":"', "?pwd=1", "\n",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=14).map("".join))
def test_looking_only_where_a_word_stands_finds_the_same(value: str) -> None:
    assert redact.text(value) == (redact.everywhere(value) if len(value) >= 6 else value)


@given(st.text(max_size=300))
def test_and_so_it_does_in_any_text(value: str) -> None:
    value = redact.valid(value)
    assert redact.text(value) == (redact.everywhere(value) if len(value) >= 6 else value)


def test_every_name_and_shape_holds_one_of_the_words_that_are_looked_for() -> None:
    for name in redact._NAMES.replace("[_-]?", "_").split("|"):
        assert any(stem in name for stem in redact._STEMS), name
        assert len(name) <= redact._NEAR
