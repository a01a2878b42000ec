"""Isolation: same shape, one value a target, nothing else touched."""

from __future__ import annotations

import json
import uuid

import pytest

from shadowdiff.errors import UsageError
from shadowdiff.model.exchange import Role
from shadowdiff.tee.isolate import Isolator
from shadowdiff.tee.place import place


def isolator(*places: str) -> Isolator:
    return Isolator([place(text, "test") for text in places], "abcdef123")


def test_a_uuid_stays_a_uuid_and_is_the_same_all_through_a_run() -> None:
    made, old = isolator(), str(uuid.uuid4())
    new = made.new_value(old, Role.GREEN)
    assert uuid.UUID(new) and new != old
    assert new == made.new_value(old, Role.GREEN) != made.new_value(old, Role.BLUE)


def test_every_place_an_id_can_stand_in() -> None:
    made = isolator(
        "cookie:sid", "query:session", "json:/meta/session_id", "header:X-Session", "path:/s/*", "form:sid"
    )
    form = (("Content-Type", "application/x-www-form-urlencoded"),)
    assert made.target("/s/s%201/messages", Role.BLUE) == "/s/s%201-sdabcdefb/messages"
    assert made.body(b"a=1&sid=s+1", form, Role.BLUE) == b"a=1&sid=s+1-sdabcdefb"
    assert made.body(b"a=1&sid=s+1", (), Role.BLUE) == b"a=1&sid=s+1"
    assert made.headers((("Cookie", "a=1; sid=s1"), ("X-Session", "s1"), ("A", "s1")), Role.BLUE) == (
        ("Cookie", "a=1; sid=s1-sdabcdefb"), ("X-Session", "s1-sdabcdefb"), ("A", "s1"),
    )  # fmt: skip
    assert made.target("/x?session=s%201&b=2", Role.GREEN) == "/x?session=s%201-sdabcdefg&b=2"
    assert made.body(b'{"meta": {"session_id":"s1"}}', (), Role.TWIN) == b'{"meta": {"session_id":"s1-sdabcdeft"}}'


@pytest.mark.parametrize(
    "body",
    [
        b"session_id no json",
        b'{"session_id": 5.5}',
        b'{"session_id": true}',
        b'{"session_id": ""}',
        b'["session_id"]',
        b"\xffsession_id",
        b'{"x":{"session_id":"a"}}',
    ],
)
def test_what_is_no_id_stays_byte_for_byte(body: bytes) -> None:
    assert isolator("json:/session_id").body(body, (), Role.BLUE) == body


def test_a_number_stays_a_number() -> None:
    new = isolator("json:/session_id").body(b'{"session_id": 5, "n": 5}', (), Role.BLUE)
    value = json.loads(new)["session_id"]
    assert isinstance(value, int) and 10**8 <= value < 2**31 and json.loads(new)["n"] == 5


def test_an_id_that_the_target_minted_is_left_to_correlation() -> None:
    made = isolator("json:/session_id", "path:/s/*")
    assert made.body(b'{"session_id":"live1"}', (), Role.BLUE, {"live1"}) == b'{"session_id":"live1"}'
    assert made.target("/s/live1/x", Role.BLUE, {"live1"}) == "/s/live1/x" and made.counts == {}


def test_an_ambiguous_value_is_written_anew_rather_than_wrongly() -> None:
    body = b'{"session_id":"a","other":{"session_id":"a"}}'
    assert (
        isolator("json:/session_id").body(body, (), Role.BLUE)
        == b'{"session_id":"a-sdabcdefb","other":{"session_id":"a"}}'
    )


def test_a_bad_place_says_what_would_be_one() -> None:
    with pytest.raises(UsageError, match="header:Name, cookie:name"):
        place("body:/x", "isolate.path")
