"""The wire transport's own promises: what goes out, who is started when, nothing leaks."""

from __future__ import annotations

import asyncio

import pytest

from shadowdiff.contracts import Call
from shadowdiff.model.exchange import Failure, Request, Role
from shadowdiff.net.endpoint import endpoint
from shadowdiff.net.wire import NOT_ASKED, WireTransport, serialize
from shadowdiff.testing import CannedServer, answer, request_of
from tests.servers.nginx import free_port


def test_a_request_goes_out_byte_for_byte() -> None:
    headers = (
        ("host", "Shop"),
        ("X-b", "2"),
        ("x-B", "1"),
        ("X-Latin", "caf\u00e9"),
        ("X-Utf8", "你好".encode().decode("latin-1")),
    )
    raw = serialize(Request("GET", "/a//b/../c?x=%7E&y=[1]|2", headers))
    assert raw == (
        b"GET /a//b/../c?x=%7E&y=[1]|2 HTTP/1.1\r\nhost: Shop\r\nX-b: 2\r\nx-B: 1\r\n"
        b"X-Latin: caf\xe9\r\nX-Utf8: \xe4\xbd\xa0\xe5\xa5\xbd\r\n\r\n"
    )


def test_a_body_gets_its_true_length_and_post_always_has_one() -> None:
    assert b"\r\nContent-Length: 2\r\n\r\n{}" in serialize(request_of("POST", "/", b"{}"))
    assert b"\r\nContent-Length: 0\r\n\r\n" in serialize(request_of("POST", "/"))
    assert b"Content-Length" not in serialize(request_of("GET", "/"))


@pytest.mark.parametrize(
    "request_",
    [
        request_of("GET", "/", X_A="1\r\nEvil: 1"),
        request_of("GET", "/", X_A="1\nEvil: 1"),
        request_of("GET", "/", X_A="\0"),
        Request("GET", "/x HTTP/1.1\r\nEvil: 1", ()),
        Request("GET", "/", (("A\r\nB", "1"),)),
    ],
)
def test_a_request_can_never_be_split(request_: Request) -> None:
    with pytest.raises(ValueError, match="control character"):
        serialize(request_)


def test_nobody_is_asked_when_blue_cannot_be_reached() -> None:
    async def main() -> None:
        with CannedServer(lambda head, body: [answer(b"x")]) as green:
            wire = WireTransport([endpoint("blue", f"http://127.0.0.1:{free_port()}"), endpoint("green", green.url)])
            request = request_of(Host="x")
            blue, other = await wire.send([Call(Role.BLUE, 0, request), Call(Role.GREEN, 1, request)])
            await wire.aclose()
            assert blue.failure is Failure.REFUSED
            assert other.detail == NOT_ASKED
            assert not green.seen

    asyncio.run(main())


def test_a_refusing_green_does_not_keep_blue_from_answering() -> None:
    async def main() -> None:
        with CannedServer(lambda head, body: [answer(b"x")]) as blue:
            wire = WireTransport([endpoint("blue", blue.url), endpoint("green", f"http://127.0.0.1:{free_port()}")])
            request = request_of(Host="x")
            one, two = await wire.send([Call(Role.BLUE, 0, request), Call(Role.GREEN, 1, request)])
            await wire.aclose()
            assert one.status == 200
            assert two.failure is Failure.REFUSED

    asyncio.run(main())


def test_cancelling_a_send_closes_its_connections() -> None:
    async def main() -> None:
        with CannedServer(lambda head, body: [30.0]) as slow:
            wire = WireTransport([endpoint("blue", slow.url)])
            task = asyncio.ensure_future(wire.send([Call(Role.BLUE, 0, request_of(Host="x"))]))
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not wire._busy
            await wire.aclose()

    asyncio.run(main())


def test_giving_up_one_exchange_never_takes_a_connection_from_another() -> None:
    """Blue's connection is free again while green is still slow; whoever took it must not lose it."""

    async def main() -> None:
        with (
            CannedServer(
                lambda head, body: [0.3, answer(b"second")] if b"/second" in head else [answer(b"x")]
            ) as blue,
            CannedServer(lambda head, body: [30.0]) as green,
        ):
            wire = WireTransport([endpoint("blue", blue.url), endpoint("green", green.url)])
            both = [Call(Role.BLUE, 0, request_of(Host="x")), Call(Role.GREEN, 1, request_of(Host="x"))]
            first = asyncio.ensure_future(wire.send(both))
            await asyncio.sleep(0.2)
            second = asyncio.ensure_future(wire.send([Call(Role.BLUE, 0, request_of("GET", "/second", Host="x"))]))
            await asyncio.sleep(0.1)
            first.cancel()
            (seen,) = await asyncio.wait_for(second, 2)
            assert seen.status == 200 and blue.connections == 1
            await wire.aclose()

    asyncio.run(main())
