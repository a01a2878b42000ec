"""No planted secret survives, by name or by shape, and ordinary text stays as it is."""

from __future__ import annotations

import json

import pytest

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
