"""The aiohttp transport's own promises; the canned suite in test_conn.py runs it against `wire`."""

from __future__ import annotations

import asyncio

from shadowdiff.contracts import Call
from shadowdiff.model.exchange import Failure, Role
from shadowdiff.net.client import AiohttpTransport
from shadowdiff.net.endpoint import endpoint
from shadowdiff.testing import CannedServer, answer, request_of
from tests.servers.nginx import free_port


def test_nothing_is_added_or_rewritten() -> None:
    async def main() -> bytes:
        with CannedServer(lambda head, body: [answer(b"x")]) as server:
            made = AiohttpTransport([endpoint("blue", server.url)])
            await made.send([Call(Role.BLUE, 0, request_of("GET", "/a%2Fb/../c?y=%7E", Host="canned", X_A="1"))])
            await made.aclose()
            return server.seen[0][0]

    head = asyncio.run(main())
    assert head.startswith(b"GET /a%2Fb/../c?y=%7E HTTP/1.1\r\n")
    for invented in (b"User-Agent", b"Accept:", b"Accept-Encoding"):
        assert invented not in head


def test_a_refused_connection_is_data() -> None:
    async def main() -> Failure | None:
        made = AiohttpTransport([endpoint("blue", f"http://127.0.0.1:{free_port()}")])
        (seen,) = await made.send([Call(Role.BLUE, 0, request_of(Host="x"))])
        await made.aclose()
        return seen.failure

    assert asyncio.run(main()) is Failure.REFUSED
