"""TLS: verified by default; a wrong name is the caller's error, never a bad release."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from shadowdiff.contracts import Call
from shadowdiff.errors import UsageError
from shadowdiff.model.exchange import Role
from shadowdiff.net.endpoint import endpoint
from shadowdiff.net.wire import WireTransport
from shadowdiff.run.batch import reachable
from shadowdiff.testing import CannedServer, answer, request_of
from tests.servers.certificates import certificate


def test_the_right_name_is_verified_and_reached_by_connect_to(tmp_path: Path) -> None:
    ca, context = certificate(tmp_path, "shop.example")
    with CannedServer(lambda head, body: [answer(b"ok")], ssl=context) as server:
        target = endpoint(
            "blue", "https://shop.example", cacert=str(ca), connect_to=(f"shop.example:443:127.0.0.1:{server.port}",)
        )

        async def main() -> int:
            await reachable([target], "")
            wire = WireTransport([target])
            (seen,) = await wire.send([Call(Role.BLUE, 0, request_of(Host=target.host_header))])
            await wire.aclose()
            await asyncio.sleep(0.05)
            return seen.status

        assert asyncio.run(main()) == 200
        assert b"Host: shop.example\r\n" in server.seen[0][0]


@pytest.mark.parametrize(("trusted", "says"), [(True, "not for the name other.example"), (False, "not trusted")])
def test_a_wrong_name_or_authority_is_a_usage_error(tmp_path: Path, trusted: bool, says: str) -> None:
    ca, context = certificate(tmp_path, "shop.example")
    with CannedServer(lambda head, body: [answer(b"ok")], ssl=context) as server:
        target = endpoint(
            "green",
            "https://other.example",
            cacert=str(ca) if trusted else "",
            connect_to=(f"::127.0.0.1:{server.port}",),
        )
        with pytest.raises(UsageError, match="--green") as error:
            asyncio.run(reachable([target], ""))
    assert says in str(error.value)
