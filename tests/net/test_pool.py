"""Connections: reused only while fresh, addresses looked up again, a dead name is a refusal."""

from __future__ import annotations

import asyncio

import pytest

from shadowdiff.model.exchange import Failure
from shadowdiff.net.endpoint import endpoint
from shadowdiff.net.pool import IDLE_S, MAX_REQUESTS, ConnectFailed, Pool
from shadowdiff.testing import CannedServer, answer


def test_a_connection_idle_too_long_is_not_used_again() -> None:
    async def main() -> None:
        with CannedServer(lambda head, body: [answer(b"x")]) as server:
            pool = Pool(endpoint("blue", server.url), 100)
            fresh, stale, used_up = await pool.open(), await pool.open(), await pool.open()
            stale.idle_since -= IDLE_S + 1
            used_up.requests = MAX_REQUESTS
            for conn in (fresh, stale, used_up):
                pool.give(conn)
            assert pool.take() is fresh
            assert pool.take() is None
            fresh.drop()
            pool.close()
            await asyncio.sleep(0.01)

    asyncio.run(main())


def test_what_the_server_closes_while_idle_is_not_kept_as_long_again() -> None:
    async def main() -> None:
        with CannedServer(lambda head, body: [answer(b"x")]) as server:
            pool = Pool(endpoint("blue", server.url), 100)
            for raced, idle, kept in (
                (0.0, 1.5, True),
                (1.0, 0.9, False),
                (1.0, 0.7, True),
                (0.001, 0.09, True),
                (0.001, 0.2, False),
            ):
                if raced:
                    pool.closed_after(raced)
                conn = await pool.open()
                conn.idle_since -= idle
                pool.give(conn)
                assert (pool.take() is conn) is kept, (raced, idle)
            pool.close()
            await asyncio.sleep(0.01)

    asyncio.run(main())


def test_a_connection_the_server_closed_leaves_the_pool() -> None:
    async def main() -> None:
        with CannedServer(lambda head, body: [None]) as server:
            pool = Pool(endpoint("blue", server.url), 100)
            conn = await pool.open()
            pool.give(conn)
            conn.transport.write(b"GET / HTTP/1.1\r\n\r\n")  # type: ignore[union-attr]
            await asyncio.sleep(0.2)
            assert pool.take() is None

    asyncio.run(main())


def test_a_name_that_does_not_resolve_is_a_refusal() -> None:
    async def main() -> None:
        with pytest.raises(ConnectFailed) as error:
            await Pool(endpoint("blue", "http://no-such-host.invalid"), 100).open()
        assert error.value.failure is Failure.REFUSED

    asyncio.run(main())


def test_every_address_of_a_name_is_tried() -> None:
    async def main() -> None:
        with CannedServer(lambda head, body: [answer(b"x")]) as server:
            pool = Pool(endpoint("blue", f"http://localhost:{server.port}"), 100)
            await pool._resolve()
            pool._addresses = [("127.0.0.2", 1), ("127.0.0.1", server.port)]
            for _ in range(4):
                conn = await pool.open()
                assert conn.peer == f"127.0.0.1:{server.port}"
                conn.drop()
            pool.close()
            await asyncio.sleep(0.01)

    asyncio.run(main())
