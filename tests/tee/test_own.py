"""A target's own address in its answer is no difference; green's alone is."""

from __future__ import annotations

import gzip

from shadowdiff.model.exchange import Observation, Response, Role
from shadowdiff.tee.own import Own
from shadowdiff.testing import exchange_of, request_of

HOSTS = {Role.BLUE: "blue:80", Role.GREEN: "green:80"}


def own(hosts: dict[Role, str] = HOSTS) -> Own:
    return Own(hosts, lambda answer: gzip.decompress(answer.body))


def seen(**bodies: bytes) -> list[Observation]:
    return [
        Observation(role=Role(role), response=Response(200, (), body, len(body))) for role, body in bodies.items()
    ]


def asked(recorded: bytes | None = None):
    answer = None if recorded is None else Response(200, (), recorded, len(recorded))
    return exchange_of(request_of("GET", "/", Host="shop.example"), recorded=answer)


def test_each_target_s_own_address_stands_for_the_captured_one() -> None:
    found = own().names(asked(), seen(blue=b'{"next":"http://blue:80/2"}', green=b'{"next":"http://green:80/2"}'))
    assert found == {Role.BLUE: {"//blue:80": "//shop.example"}, Role.GREEN: {"//green:80": "//shop.example"}}


def test_an_address_that_green_alone_gives_away_is_a_difference() -> None:
    answers = seen(blue=b'{"next":"http://shop.example/2"}', green=b'{"next":"http://green:80/2"}')
    assert own().names(asked(), answers) == {}


def test_equal_answers_and_equal_hosts_need_nothing() -> None:
    assert own().names(asked(), seen(blue=b"//blue:80", green=b"//blue:80")) == {}
    assert own(dict.fromkeys(HOSTS, "shop.example")).names(asked(), seen(blue=b"a", green=b"b")) == {}


def test_where_blue_answered_before_its_recording_must_hold_the_captured_address() -> None:
    green = {Role.GREEN: "green:80"}
    answers = seen(green=b"<a href='http://green:80/2'>")
    assert own(green).names(asked(b"<a href='http://shop.example/2'>"), answers) == {
        Role.GREEN: {"//green:80": "//shop.example"}
    }
    assert own(green).names(asked(b"<a href='/2'>"), answers) == {} == own(green).names(asked(), answers)


def test_encoded_answers_are_looked_into() -> None:
    packed = [
        Observation(role=role, response=Response(200, (("Content-Encoding", "gzip"),), gzip.compress(text), 30))
        for role, text in ((Role.BLUE, b"http://blue:80/"), (Role.GREEN, b"http://green:80/"))
    ]
    assert set(own().names(asked(), packed)) == {Role.BLUE, Role.GREEN}
