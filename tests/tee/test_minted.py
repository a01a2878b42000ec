"""What a target made up, told from words, dates, numbers and versions."""

from __future__ import annotations

import uuid
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.tee.minted import looks_minted, minted, value_at
from shadowdiff.testing import response_of

PLAIN = lambda response: response.body  # noqa: E731


@pytest.mark.parametrize(
    "value",
    ["thread_Ab3dE6gH9jK2mN5pQ8sT1vW4", "731da550-9d75-49be-9577-aa4f2cabd4d7", "ac2aad34caa044d083eb36c0ee2670ca", "7159874123659874561", "a3f09c1d2b4e5f60",
     "-5mQw8_xZ3vB7nK1", "_Ab3dE6gH9jK2mN5p",
     "IjE5ZjQxNzQ4Ig.ZkX1Aw.q9cT2l-8Yx", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmN"],
)  # fmt: skip
def test_random_looking_values_are_minted(value: str) -> None:
    assert looks_minted(value)


@pytest.mark.parametrize(
    "value",
    ["", "short1", "hello world again", "internationalization", "2024-07-18", "20240718", "1700000000", "12.5", "10.0.0.1",
     "gpt-4o-mini-2024-07-18", "Llama-3-70B-Instruct-v2", "v1.22.333", "text/event-stream", "utf-8", "en-US,en;q=0.9",
     "https://example.com/documentation/guide", "completed", "ChatCompletionChunk", "claude3opus20240229", "---------", "a" * 5000, "你好你好你好你好"],
)  # fmt: skip
def test_words_dates_numbers_and_versions_are_not(value: str) -> None:
    assert not looks_minted(value)


@pytest.mark.parametrize(
    ("label", "yes"), [("json:/conversation_id", True), ("json:/page", False), ("json:/chatId", True)]
)
def test_a_name_that_says_id_is_believed(label: str, yes: bool) -> None:
    assert looks_minted("conv-00042", label) is yes


@given(st.text(max_size=7))
def test_no_short_value_is_ever_minted(value: str) -> None:
    assert not looks_minted(value, "json:/id")


def test_values_are_paired_by_their_place_in_json_headers_cookies_pages_and_streams() -> None:
    old, new = uuid.uuid4().hex, uuid.uuid4().hex
    for before, after, label in (
        (response_of(f'{{"a":{{"id":"{old}"}}}}'), response_of(f'{{"a":{{"id":"{new}"}},"b":1}}'), "json:/a/id"),
        (response_of("", X_Token=old), response_of("", X_Token=new), "header:x-token"),
        (response_of("", Set_Cookie=f"sid={old}; Path=/"), response_of("", Set_Cookie=f"sid={new}"), "cookie:sid"),
        (
            response_of(f'<input name="csrf" value="{old}">'),
            response_of(f'<p><input value="{new}" type=hidden name="csrf">'),
            "html:csrf",
        ),
        (
            response_of(f'data: {{"id":"{old}"}}\n\ndata: {{"x":1}}\n\n'),
            response_of(f': hello\n\ndata: {{"id":"{new}"}}\n\n'),
            "json:/id",
        ),
        (
            response_of("", 302, Location=f"https://prod/chat/{old}?x=1"),
            response_of("", 302, Location=f"http://blue/chat/{new}?x=1"),
            "header:location",
        ),
    ):
        assert list(minted(before, after, PLAIN)) == [(label, old, new)]


def test_what_is_the_same_or_elsewhere_is_not_paired() -> None:
    one = uuid.uuid4().hex
    assert list(minted(response_of(f'{{"id":"{one}"}}'), response_of(f'{{"id":"{one}"}}'), PLAIN)) == []
    assert list(minted(response_of(f'{{"id":"{one}"}}'), response_of(f'{{"key":"{uuid.uuid4().hex}"}}'), PLAIN)) == []


def test_an_explicit_rule_reads_short_and_numeric_values() -> None:
    assert value_at(response_of('{"order":{"id":7}}'), "json", "/order/id", PLAIN) == "7"
    assert value_at(response_of("", X_S="a b"), "header", "x-s", PLAIN) == "a b"
    assert value_at(response_of("no json"), "json", "/id", PLAIN) == ""


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_no_answer_can_break_the_search(one: bytes, two: bytes) -> None:
    for start in (b"", b"{", b"<input ", b"data: {", b"<![", b"["):
        assert all(old != new for _, old, new in minted(response_of(start + one), response_of(start + two), PLAIN))


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=24, max_size=24))
def test_a_random_id_under_a_name_that_says_id_is_hardly_ever_missed(value: str) -> None:
    turns = sum(a.isupper() != b.isupper() or a.isdigit() != b.isdigit() for a, b in pairwise(value))
    assert turns < 5 or looks_minted(f"thread_{value}", "json:/id")


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=24, max_size=24))
def test_a_random_id_after_a_prefix_is_known_without_a_digit_and_without_a_name(value: str) -> None:
    turns = sum(a.isupper() != b.isupper() for a, b in pairwise(value))
    assert turns < 8 or looks_minted(f"thread_{value}", "header:location")


def test_words_after_a_prefix_are_not_minted() -> None:
    assert not looks_minted("tool_getCurrentWeatherForecast")
