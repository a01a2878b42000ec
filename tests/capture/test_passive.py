"""Watching a connection: every exchange on it is copied once and whole, whatever the pieces its bytes came in."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.capture.copies import Copy
from shadowdiff.capture.messages import Room
from shadowdiff.capture.passive import MAX_HEADER_BYTES, Watcher
from shadowdiff.model.exchange import BodyState

GET = b"GET /a?x=1 HTTP/1.1\r\nHost: h\r\nX-Odd: \xe4\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n"
)
HEAD = b"HEAD /d HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nUpgrade: h2,h2c\r\nConnection: Upgrade\r\n\r\nyes"
EARLY = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"8\r\ndata: 1\n\r\n8\r\ndata: 2\n\r\n0\r\nX-Sum: 9\r\n\r\n"
)
HEADED = b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
TURNS = [
    (GET, OK),
    (POST, EARLY + OK),
    (HEAD, HEADED),
    (CHUNKED, STREAM),
    (GET, EMPTY),
    (HEAD, EMPTY),
    (POST, STREAM),
]


def watcher(cap: int = 1 << 20, room: int = 1 << 20, **more: bool) -> tuple[Watcher, list[Copy], Room]:
    found: list[Copy] = []
    shared = Room(room)
    return Watcher(found.append, shared, cap, "10.0.0.1", **more), found, shared


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    bounds = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
    return [data[a:b] for a, b in zip(bounds, bounds[1:], strict=False)]


def plain(copies: list[Copy]) -> list[tuple]:
    return [
        (c.number, c.method, c.target, c.headers, c.body, c.state, c.client_left)
        + ((c.answer.status, c.answer.headers, c.answer.body, c.answer.size, c.answer.ended) if c.answer else ())
        for c in copies
    ]


@given(
    st.lists(st.sampled_from(TURNS), min_size=1, max_size=6),
    st.lists(st.integers(0, 10_000), max_size=12),
    st.lists(st.integers(0, 10_000), max_size=12),
)
def test_any_pieces_give_the_same_copies(turns, cuts, more) -> None:
    whole, found, _ = watcher()
    split, also, room = watcher()
    for asked, answered in turns:
        whole.asked(asked)
        whole.told(answered)
        for piece in pieces(asked, cuts):
            split.asked(piece)
        for piece in pieces(answered, more):
            split.told(piece)
    assert len(found) == len(turns) and plain(found) == plain(also)
    assert room.left == 1 << 20 and split.idle and not split.blind


def test_what_was_said_is_in_the_copy() -> None:
    one, found, _ = watcher()
    for asked, answered in TURNS:
        one.asked(asked)
        one.told(answered)
    get, post, head, put, *_ = found
    assert (get.method, get.target, get.state, get.peer) == ("GET", "/a?x=1", BodyState.EMPTY, "10.0.0.1")
    assert get.headers == (("Host", "h"), ("X-Odd", "\xe4"))
    assert post.body == b"hello" and post.answer is not None and post.answer.body == b"yes"
    assert head.answer is not None and (head.answer.status, head.answer.body) == (200, b"")
    assert put.body == b"abcde" and put.answer is not None and put.answer.body == b"data: 1\ndata: 2\n"
    assert [offset for offset, _ in put.answer.events] == [0, 8]
    assert all(name != "X-T" for name, _ in put.headers)


def test_pipelined_requests_get_their_own_answers() -> None:
    one, found, _ = watcher()
    one.asked(GET + POST + GET)
    one.told(OK + STREAM)
    one.told(EMPTY)
    assert [(c.method, c.answer.status) for c in found if c.answer] == [("GET", 200), ("POST", 200), ("GET", 204)]


def test_an_answer_until_the_connection_ends_is_whole_and_a_cut_one_is_not() -> None:
    open_ended = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it"
    one, found, _ = watcher()
    one.asked(GET)
    one.told(open_ended)
    one.ended(False, "")
    two, cut, _ = watcher()
    two.asked(GET)
    two.told(OK[:-1])
    two.ended(False, "")
    assert found[0].answer is not None and (found[0].answer.body, found[0].answer.ended) == (b"all of it", "")
    assert cut[0].answer is not None and "cut" in cut[0].answer.ended


def test_a_client_that_leaves_is_told_apart_from_a_blue_that_fails() -> None:
    for asked, told in ((GET, OK[:-1]), (GET, b""), (POST[:-2], b"")):
        one, found, room = watcher()
        one.asked(asked)
        one.told(told)
        one.ended(True, "the client left")
        assert [c.client_left for c in found] == [True] and room.left == 1 << 20
    one, found, _ = watcher()
    one.asked(GET)
    one.ended(False, "")
    assert (
        found[0].answer is not None and found[0].answer.status == 0 and "before any answer" in found[0].answer.ended
    )


def test_an_upgrade_is_counted_and_left_alone() -> None:
    ask = b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    one, found, room = watcher()
    one.asked(ask)
    one.asked(b"\x81\x05hello")
    one.told(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x01x")
    one.asked(b"\x81\x05hello")
    assert not found and (room.upgraded, room.blind) == (1, 0) and one.blind


def test_an_upgrade_that_blue_declines_stays_http() -> None:
    ask = b"GET /a HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n"
    one, found, room = watcher()
    one.asked(ask)
    one.asked(POST)
    one.told(OK)
    one.told(OK)
    assert [c.method for c in found] == ["GET", "POST"] and room.upgraded == 0


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4", b""),
        (b"\x16\x03\x01\x02\0\x01", b""),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b""),
        (GET, b"garbage"),
        (b"", OK),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 300_000, b""),
        (GET * 70, b""),
        (HEAD, b"HTTP/1.1 200 OK\r\nX: " + b"y" * 300_000),
    ],
)
def test_what_cannot_be_read_makes_it_blind_once_and_holds_nothing(asked: bytes, told: bytes) -> None:
    one, found, room = watcher()
    for _ in range(2):
        for start in range(0, len(asked), 1000):
            one.asked(asked[start : start + 1000])
        one.told(told)
    assert one.blind and room.blind == 1 and room.left == 1 << 20
    assert all(copy.answer is not None and copy.answer.ended for copy in found), "what was asked counts as unanswered"


def test_long_bodies_are_cut_and_say_so() -> None:
    one, found, room = watcher(cap=4)
    one.asked(POST)
    one.told(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234")
    one.told(b"56789")
    copy = found[0]
    assert copy.state is BodyState.TRUNCATED
    assert copy.answer is not None and (copy.answer.size, copy.answer.digest) == (
        10,
        hashlib.sha256(b"0123456789").hexdigest(),
    )
    assert copy.answer.body == b"0123", "as much is kept as the tee keeps of green's"
    assert room.left == 1 << 20


@pytest.mark.parametrize("head", [b"X-More: and more\r\n", b"x"])
def test_headers_without_end_count_as_no_answer_and_hold_nothing(head: bytes) -> None:
    one, found, room = watcher()
    one.asked(GET)
    one.told(b"HTTP/1.1 200 OK\r\nX-Start: ")
    for _ in range(MAX_HEADER_BYTES // len(head * 4000) + 2):
        one.told(head * 4000)
    assert one.blind and room.blind == 1 and room.left == 1 << 20
    assert [copy.answer.ended for copy in found if copy.answer is not None] == ["its headers are over 256 KiB"]


def test_without_room_an_exchange_is_counted_and_not_copied() -> None:
    one, found, room = watcher(room=4)
    one.asked(POST)
    one.told(OK)
    one.asked(GET)
    one.told(OK)
    assert room.dropped == 1 and [c.method for c in found] == ["GET"] and room.left == 4


def test_without_answers_a_request_is_copied_as_it_ends() -> None:
    one, found, _ = watcher(answered=False)
    one.asked(POST[:-2])
    assert not found
    one.asked(POST[-2:] + GET)
    assert [c.method for c in found] == ["POST", "GET"] and found[0].answer is None
