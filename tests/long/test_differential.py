"""Odd but legal answers: our transport and aiohttp's see the same status, headers and body."""

from __future__ import annotations

import asyncio
import random

import pytest

from shadowdiff.contracts import Call, Deadlines
from shadowdiff.model.exchange import Observation, Role
from shadowdiff.net.client import AiohttpTransport
from shadowdiff.net.endpoint import endpoint
from shadowdiff.net.wire import WireTransport
from shadowdiff.testing import CannedServer, Piece, request_of
from tests.long.scale import scale

pytestmark = pytest.mark.long
COUNT = scale(3_000, 30_000)
LIMITS = Deadlines(connect_s=5, ttfb_s=5, idle_s=5, total_s=10)
STATUSES = (
    b"200 OK", b"200", b"200 ", b"201 Created", b"200 All is well \xe9", b"226 IM Used", b"299 Odd", b"301 Moved", b"404 Not Found",
    b"418 I'm a teapot", b"429 Slow", b"500 Internal Server Error", b"503 Busy", b"599 Odd", b"204 No Content", b"304 Not Modified",
)  # fmt: skip
NAMES = (b"X-One", b"x-one", b"SET-COOKIE", b"Vary", b"X_Under", b"X!#$%&'*+.^`|~9", b"ETag", b"X-" + b"n" * 200)
VALUES = (
    b"", b"plain", b"a, b;c=\"d, e\"", b"\xe9t\xe9", "你好".encode(), b"tab\tinside", b"v" * 3000, b"a=1; Path=/; HttpOnly", b"W/\"1\"", b": : :",
)  # fmt: skip
TYPES = (
    b"text/plain",
    b"application/json; charset=utf-8",
    b"text/event-stream",
    b"application/x-ndjson",
    b"image/png",
    b"",
)


def made(number: int) -> tuple[str, list[Piece], bool]:
    """(method, what the server does, whether it then closes) of one answer."""
    rng = random.Random(number)
    method = rng.choice(("GET", "GET", "GET", "HEAD", "POST", "OPTIONS"))
    status = rng.choice(STATUSES)
    bodyless = method == "HEAD" or status[:3] in (b"204", b"304")
    body = b"" if bodyless else rng.randbytes(rng.choice((0, 1, 13, 1000, 70_000)))
    kind = rng.choice(TYPES)
    headers = [(b"Content-Type", kind)] if kind else []
    headers += [(rng.choice(NAMES), rng.choice(VALUES)) for _ in range(rng.randrange(5))]
    framing = rng.choice(("length", "chunked", "close", "1.0"))
    length = (rng.choice((b"Content-Length", b"content-length", b"CONTENT-LENGTH")), str(len(body)).encode())
    closes = framing in ("close", "1.0") and not bodyless
    if framing == "length" and status[:3] != b"204":
        headers.insert(rng.randrange(len(headers) + 1), length)
    if framing == "chunked" and not bodyless:
        headers.insert(
            rng.randrange(len(headers) + 1), (rng.choice((b"Transfer-Encoding", b"transfer-encoding")), b"chunked")
        )
        body = _chunks(body, rng)
    if rng.random() < 0.1:
        headers.append((b"Connection", b"close"))
        closes = True
    version = b"HTTP/1.0" if framing == "1.0" else b"HTTP/1.1"
    gap = lambda: rng.choice((b" ", b" ", b"", b"  ", b"\t"))  # noqa: E731
    head = b"".join(name + b":" + gap() + value + b"\r\n" for name, value in headers)
    raw = version + b" " + status + b"\r\n" + head + b"\r\n" + body
    if version == b"HTTP/1.1":
        raw = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" * rng.choice((0, 0, 0, 1, 3)) + raw
    pieces: list[Piece] = []
    cuts = sorted(rng.sample(range(1, len(raw)), min(len(raw) - 1, rng.choice((0, 0, 1, 5)))))
    for begin, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        pieces += [raw[begin:end], 0.0]
    return method, pieces + ([None] if closes else []), closes


def _chunks(body: bytes, rng: random.Random) -> bytes:
    out, at = [], 0
    while at < len(body):
        size = rng.choice((1, 7, 500, 40_000))
        part = body[at : at + size]
        at += size
        digits = rng.choice((b"%x", b"%X", b"000%x")) % len(part)
        out.append(digits + rng.choice((b"", b"", b";ext", b";ext=1")) + b"\r\n" + part + b"\r\n")
    trailer = rng.choice((b"", b"", b"X-Sum: 9\r\n", b"X-A: 1\r\nX-B: 2\r\n"))
    return b"".join(out) + b"0\r\n" + trailer + b"\r\n"


def said(seen: Observation) -> object:
    if seen.response is None or seen.failure is not None:
        return seen.failure, seen.detail
    answer = seen.response
    return answer.status, answer.headers, answer.body, answer.size, answer.truncated, answer.digest


def test_both_transports_see_the_same_in_thousands_of_odd_answers(capsys: pytest.CaptureFixture) -> None:
    cases = [made(number) for number in range(COUNT)]

    def script(head: bytes, body: bytes) -> list[Piece]:
        return cases[int(head.split(b" ", 2)[1][1:])][1]

    async def main(url: str) -> list[tuple[int, object, object]]:
        wire = WireTransport([endpoint("blue", url, deadlines=LIMITS)], max_body=50_000)
        other = AiohttpTransport([endpoint("blue", url, deadlines=LIMITS)], max_body=50_000)
        differ, whole = [], 0
        for number, (method, _, _) in enumerate(cases):
            request = request_of(method, f"/{number}", b"{}" if method == "POST" else b"", Host="canned")
            (one,) = await wire.send([Call(Role.BLUE, 0, request)])
            (two,) = await other.send([Call(Role.BLUE, 0, request)])
            whole += one.failure is None
            if said(one) != said(two):
                differ.append((number, said(one), said(two)))
        await wire.aclose()
        await other.aclose()
        assert whole > 0.9 * COUNT, "legal answers are read"
        return differ

    with CannedServer(script) as server:
        differ = asyncio.run(main(server.url))
    with capsys.disabled():
        print(f"\n{COUNT} odd answers through both transports: {len(differ)} seen differently")
    assert not differ, "\n".join(
        f"{n}: {cases[n][0]} {cases[n][1][:1]!r:.300}\n  {a!r:.400}\n  {b!r:.400}" for n, a, b in differ[:6]
    )
