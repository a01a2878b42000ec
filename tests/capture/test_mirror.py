"""A mirror receiver: 202 at once for whatever mirrors send, and the request handed on as the client sent it."""

from __future__ import annotations

import asyncio
import time

import pytest

from shadowdiff.capture.copies import Copy
from shadowdiff.capture.messages import Room
from shadowdiff.capture.mirror import Mirror, Receiver, unmarked
from shadowdiff.model.exchange import BodyState

POST = b"POST /v1/chat HTTP/1.1\r\nHost: shop-shadow:8080\r\nContent-Length: 2\r\n\r\nhi"


def exchange(data: list[bytes], wait: float = 0.05) -> tuple[list[bytes], list[Copy], Room]:
    """What a receiver answers to pieces, each after the other."""
    copies: list[Copy] = []
    room = Room(1 << 20)

    async def main() -> list[bytes]:
        mirror = Mirror(emit=copies.append, room=room, cap=1 << 10)
        server = await asyncio.get_running_loop().create_server(lambda: Receiver(mirror), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        found = []
        for piece in data:
            writer.write(piece)
            try:
                async with asyncio.timeout(wait):
                    found.append(await reader.read(65536))
            except TimeoutError:
                found.append(b"")
        writer.close()
        await mirror.drain(0.2)
        server.close()
        return found

    return asyncio.run(main()), copies, room


def test_each_request_is_answered_as_soon_as_it_is_whole() -> None:
    found, copies, _ = exchange([POST[:-1], POST[-1:], POST + POST])
    assert found[0] == b"" and found[1].startswith(b"HTTP/1.1 202 ") and found[2].count(b"202") == 2
    assert [copy.body for copy in copies] == [b"hi"] * 3 and copies[0].answer is None
    assert copies[0].headers[0] == ("Host", "shop:8080")


def test_nginx_s_and_envoy_s_ways_are_understood() -> None:
    closing = b"GET /a HTTP/1.0\r\nHost: upstream\r\nConnection: close\r\n\r\n"
    found, copies, _ = exchange([closing])
    assert b"Connection: close" in found[0] and copies[0].target == "/a"
    chunky = b"PUT / HTTP/1.1\r\nHost: a-shadow\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    _, copies, _ = exchange([chunky])
    assert copies[0].body == b"hi" and copies[0].headers[0] == ("Host", "a")


def test_a_client_that_waits_to_be_told_is_told() -> None:
    head = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    found, copies, _ = exchange([head, b"hi"])
    assert found == [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"]
    assert copies[0].body == b"hi"


def test_garbage_is_refused_and_counted_and_a_cut_request_is_said() -> None:
    found, copies, room = exchange([b"\x16\x03\x01\0\0\0"])
    assert found[0].startswith(b"HTTP/1.1 400 ") and not copies and room.blind == 1
    _, copies, _ = exchange([POST[:-1]])
    time.sleep(0.05)
    assert [(copy.client_left, copy.state) for copy in copies] == [(True, BodyState.TRUNCATED)]


@pytest.mark.parametrize(
    ("given", "meant"),
    [("a-shadow", "a"), ("a-shadow:80", "a:80"), ("a-shadow.b", "a-shadow.b"), ("[::1]:80", "[::1]:80"), ("a", "a")],
)
def test_the_mark_of_a_shadow_is_taken_off(given: str, meant: str) -> None:
    copy = Copy(1, 0.0, "GET", "/", (("A", "b"), ("host", given)), b"", BodyState.EMPTY, "")
    assert unmarked(copy).headers == (("A", "b"), ("host", meant))
