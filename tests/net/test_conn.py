"""One canned-answer suite that both transports must answer alike (the oracle)."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Sequence

import brotli
import pytest
import zstandard

from shadowdiff.contracts import Call, Deadlines
from shadowdiff.model.exchange import Failure, Observation, Role
from shadowdiff.net.client import AiohttpTransport
from shadowdiff.net.endpoint import endpoint
from shadowdiff.net.wire import WireTransport
from shadowdiff.testing import CannedServer, answer, chunked, decoding, request_of

BODY = b'{"answer": 42}'
LIMITS = Deadlines(connect_s=2, ttfb_s=0.5, idle_s=0.5, total_s=1.5)


def ask(
    transport: str,
    server: CannedServer,
    *methods: str,
    limits: Deadlines = LIMITS,
    max_body: int = 1 << 16,
    body: bytes = b"",
) -> list[Observation]:
    """Send one request after another over one transport."""

    async def main() -> list[Observation]:
        made = {"wire": WireTransport, "aiohttp": AiohttpTransport}[transport](
            [endpoint("blue", server.url, deadlines=limits)], max_body=max_body
        )
        try:
            seen = []
            for method in methods or ("GET",):
                request = request_of(method, "/x", body, Host="canned")
                seen.extend(await made.send([Call(Role.BLUE, 0, request)]))
            return seen
        finally:
            await made.aclose()

    return asyncio.run(main())


Pieces = Sequence["bytes | float | None"]

CASES: dict[str, tuple[str, Pieces, object]] = {
    # name: (method, what the server does, (status, body) or the failure)
    "content-length": ("GET", [answer(BODY)], (200, BODY)),
    "empty body": ("GET", [answer(b"")], (200, b"")),
    "chunked": ("GET", [chunked([b'{"ans', b'wer": 42}'])], (200, BODY)),
    "chunked in single bytes": ("GET", [bytes([b]) for b in chunked([BODY])], (200, BODY)),
    "chunked with trailer": (
        "GET", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 9\r\n\r\n"], (200, b"hi")),
    "read until close": ("GET", [b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + BODY, None], (200, BODY)),
    "HTTP/1.0 until close": ("GET", [b"HTTP/1.0 200 OK\r\n\r\n" + BODY, None], (200, BODY)),
    "HEAD with a length": ("HEAD", [b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"], (200, b"")),
    "204": ("GET", [b"HTTP/1.1 204 No Content\r\n\r\n"], (204, b"")),
    "304 with a length": ("GET", [b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"], (304, b"")),
    "100 then 200": ("GET", [b"HTTP/1.1 100 Continue\r\n\r\n", answer(BODY)], (200, BODY)),
    "103 then 200": ("GET", [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer(BODY)], (200, BODY)),
    "redirect is not followed": ("GET", [answer(b"", "302 Found", "Location: http://evil.invalid/")], (302, b"")),
    "500 is an answer": ("GET", [answer(b"boom", "500 Internal Server Error")], (500, b"boom")),
    "duplicate headers": ("GET", [answer(BODY, "200 OK", "Set-Cookie: a=1", "Set-Cookie: b=2")], (200, BODY)),
    "cut in the body": ("GET", [b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", None], Failure.RESET),
    "cut in a chunk": ("GET", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf", None], Failure.RESET),
    "cut in the headers": ("GET", [b"HTTP/1.1 200 OK\r\nContent-Le", None], Failure.RESET),
    "closed without a byte": ("POST", [None], Failure.RESET),
    "garbage": ("GET", [b"\x00\x01\x02 not http at all\r\n\r\n", None], Failure.PROTOCOL),
    "bad chunk size": ("GET", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n", None], Failure.PROTOCOL),
    "hang before the headers": ("GET", [5.0], Failure.TIMEOUT),
    "hang in the body": ("GET", [b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", 5.0], Failure.TIMEOUT),
}  # fmt: skip


@pytest.mark.parametrize("transport", ["wire", "aiohttp"])
@pytest.mark.parametrize("name", CASES)
def test_both_transports_read_a_canned_answer_alike(transport: str, name: str) -> None:
    method, pieces, expected = CASES[name]
    with CannedServer(lambda head, body: pieces) as server:
        (seen,) = ask(transport, server, method)
    if isinstance(expected, Failure):
        if name == "bad chunk size" and seen.failure is Failure.RESET:
            return  # aiohttp reports a payload error; both call it green's failure
        assert seen.failure is expected, seen
    else:
        assert seen.failure is None, seen
        assert seen.response is not None
        assert (seen.response.status, seen.response.body) == expected


@pytest.mark.parametrize("transport", ["wire", "aiohttp"])
@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(BODY)),
        ("deflate", zlib.compress(BODY)),
        ("deflate", zlib.compress(BODY)[2:-4]),
        ("br", brotli.compress(BODY)),
        ("zstd", zstandard.compress(BODY)),
        ("gzip, br", brotli.compress(gzip.compress(BODY))),
    ],
    ids=["gzip", "zlib", "deflate", "br", "zstd", "gzip then br"],
)
def test_compressed_answers_decode_to_the_same_document(transport: str, encoding: str, packed: bytes) -> None:
    with CannedServer(lambda head, body: [answer(packed, "200 OK", f"Content-Encoding: {encoding}")]) as server:
        (seen,) = ask(transport, server)
    assert seen.response is not None and seen.response.body == packed
    assert decoding().document(seen.response).value == {"answer": 42}


@pytest.mark.parametrize("transport", ["wire", "aiohttp"])
def test_header_order_case_and_duplicates_survive(transport: str) -> None:
    reply = answer(
        b"x", "200 OK", "X-B: 1", "x-a: 2", "X-B: 3", "X-Latin: \u00e9".encode("latin-1").decode("latin-1")
    )
    with CannedServer(lambda head, body: [reply]) as server:
        (seen,) = ask(transport, server)
    assert seen.response is not None
    names = [name for name, _ in seen.response.headers]
    assert names == ["Content-Length", "X-B", "x-a", "X-B", "X-Latin"]


@pytest.mark.parametrize("transport", ["wire", "aiohttp"])
def test_kept_part_is_capped_and_the_rest_only_counted(transport: str) -> None:
    big = b"z" * 200_000
    with CannedServer(lambda head, body: [answer(big)]) as server:
        (seen,) = ask(transport, server, max_body=50_000)
    assert seen.response is not None
    assert (len(seen.response.body), seen.response.size, seen.response.truncated) == (50_000, 200_000, True)
    import hashlib

    assert seen.response.digest == hashlib.sha256(big).hexdigest()


@pytest.mark.parametrize("transport", ["wire", "aiohttp"])
def test_endless_body_is_closed_as_too_large(transport: str) -> None:
    with CannedServer(lambda head, body: [b"HTTP/1.1 200 OK\r\n\r\n", *([b"y" * 65_536] * 200)]) as server:
        (seen,) = ask(transport, server, max_body=65_536)
    assert seen.failure is Failure.TOO_LARGE


@pytest.mark.parametrize("transport", ["wire", "aiohttp"])
def test_streamed_chunks_carry_their_arrival_times(transport: str) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    with CannedServer(lambda h, b: [head, b"data: a\n\n", 0.15, b"data: b\n\n", None]) as server:
        (seen,) = ask(transport, server)
    assert seen.response is not None
    times = [moment for _, moment in seen.response.events]
    assert len(times) >= 2 and times[-1] - times[0] > 0.1


def test_connections_are_kept_and_used_again() -> None:
    def script(head: bytes, body: bytes) -> Pieces:
        return [answer(BODY)[: -len(BODY)] if head.startswith(b"HEAD") else answer(BODY)]

    with CannedServer(script) as server:
        seen = ask("wire", server, "GET", "GET", "HEAD", "GET")
        assert server.connections == 1
    assert all(one.failure is None for one in seen)


def test_bytes_after_an_answer_keep_the_answer_and_drop_the_connection() -> None:
    with CannedServer(
        lambda head, body: [answer(BODY) + b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad"]
    ) as server:
        seen = ask("wire", server, "GET", "GET")
        assert server.connections == 2
    assert [one.response.body for one in seen if one.response] == [BODY, BODY]


def test_a_kept_connection_that_closes_is_retried_once_for_safe_methods_only() -> None:
    state = {"n": 0}

    def script(head: bytes, body: bytes) -> Pieces:
        state["n"] += 1
        return [None] if state["n"] == 2 else [answer(BODY)]

    with CannedServer(script) as server:
        seen = ask("wire", server, "GET", "GET")
        assert [one.failure for one in seen] == [None, None]
        assert len(server.seen) == 3
    state["n"] = 0
    with CannedServer(script) as server:
        seen = ask("wire", server, "POST", "POST", body=b"{}")
        assert [one.failure for one in seen] == [None, Failure.RACE]
        assert len(server.seen) == 2


def test_header_flood_is_cut_off() -> None:
    flood = [b"HTTP/1.1 200 OK\r\n", *([b"X-A: " + b"a" * 60_000 + b"\r\n"] * 8)]
    with CannedServer(lambda head, body: flood) as server:
        (seen,) = ask("wire", server)
    assert seen.failure is Failure.PROTOCOL and "headers" in seen.detail


def test_an_http2_only_target_is_told_apart_from_garbage() -> None:
    settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    with CannedServer(lambda head, body: [settings, None]) as server, pytest.raises(Exception, match="HTTP/2 only"):
        ask("wire", server)
