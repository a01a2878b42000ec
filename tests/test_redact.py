"""No planted secret survives, by name or by shape, and ordinary text stays as it is."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff import personal, redact

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


IDENTITY, CARD, UNION, PHONE = "11010519491231002X", "4111111111111111", "6222020000000000000", "13800138000"
UNION = UNION[:-1] + next(d for d in "0123456789" if personal.named(UNION[:-1] + d))
PLANTED = {
    "key": f"sk-{SECRET}{SECRET}",
    "bearer": f"Bearer {SECRET}{SECRET}",
    "basic": "Basic dXNlcjpzM2NyM3RWYWx1ZTk4NzY=",
    "json key": f'{{"password": "{SECRET}"}}',
    "chinese key": f'{{"密码": "{SECRET}"}}',
    "query": f"https://x.example/a?api_key={SECRET}&b=2",
    "cookie": f"session_token={SECRET}; Path=/",
    "jwt": f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{SECRET}",
    "identity": f"身份证号码是{IDENTITY}，请核对",
    "card": f"card {CARD}, thanks",
    "card in groups": f"card {' '.join(CARD[n : n + 4] for n in range(0, 16, 4))}.",
    "union card": f"银行卡 {UNION}",
    "phone": f"手机：{PHONE}。",
    "phone abroad": f"+86 138-0013-8000 {PHONE}",
}
FORMS = {
    "plain": lambda text: text,
    "in JSON": lambda text: json.dumps({"said": text}),
    "in JSON, not escaped": lambda text: json.dumps({"said": text}, ensure_ascii=False),
    "in JSON in JSON": lambda text: json.dumps({"said": json.dumps({"inner": text})}),
    "base64": lambda text: f"data: {base64.b64encode(text.encode()).decode()} end",
    "base64 of GBK": lambda text: base64.b64encode(text.encode("gb18030")).decode(),
    "base64 for URLs": lambda text: "x=" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "escapes": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    "read from GBK": lambda text: text.encode("gb18030").decode("gb18030"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", PLANTED)
def test_no_form_of_a_planted_secret_survives(kind: str, form: str) -> None:
    secrets = (
        SECRET,
        IDENTITY,
        CARD,
        UNION,
        PHONE,
        " ".join(CARD[n : n + 4] for n in range(0, 16, 4)),
        "138-0013-8000",
    )
    cleaned = redact.text(FORMS[form](PLANTED[kind]))
    assert redact.MARK in cleaned
    for secret in secrets:
        for hide in FORMS.values():
            assert hide(secret) not in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "order 20261122093015123", "1700000000000", "a price of 12345678901.50", "v13800138000", "3.13800138000", "110105194912310021",
        "4111111111111112", "ISBN 978-3-16-148410-0", "7159874123659874561", "aGVsbG8gd29ybGQsIGhvdyBhcmUgeW91IHRvZGF5", "2026-11-22 09:30:15",
        "/static/app/components/keyboard/index", "0 1 2 3 4 5 6 7 8 9 10 11", "\\u4f60\\u597d\\u4f60\\u597d\\u4f60\\u597d\\u4f60\\u597d",
    ],
)  # fmt: skip
def test_numbers_and_runs_that_name_nobody_stay(text: str) -> None:
    assert redact.text(text) == text


PIECES = st.sampled_from(
    [
        '"api_key": "', '\\"token\\": \\"', "secret", "=", "&sig=abcdefgh", " token=xyz", '", "', "key", "Bearer abcdefgh12", "sk-",
        "abcdefghijklmnop1234", "eyJhbGciOi.eyJzdWIi.c2ln", "İ", "keyboard", "passwd", '"', "\\", ": ", "中文", "x-amz-signature=",
        "AKIAABCDEFGHIJKLMNOP", "ghp_", "total_tokens", '"client-Secret":"', "?pwd=1", "\n", "13800138000", "c2stc2VjcmV0c2VjcmV0c2VjcmV0", "\\u0073\\u006b", "basic dXNlcjpwYXNzd29yZA==", "密码", '"密码": "', " ",
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
    for name in redact._PLAIN.replace("[_-]?", "_").split("|"):
        assert any(stem in name for stem in redact._STEMS), name
        assert len(name) <= redact._NEAR
