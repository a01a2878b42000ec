"""The fast transport: our own HTTP/1.1 client over asyncio protocols, the default for replaying.

In:  the calls of one exchange. Out: one Observation a call. Both connections are open before either
request is written; who is written first is random; one future serves all calls; one 100 ms sweep
serves all deadlines. Why each: transport.md sections 1, 2 and 9.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

from shadowdiff.contracts import Call
from shadowdiff.errors import UsageError
from shadowdiff.model.exchange import Failure, Headers, Observation, Request, Role, header_bytes
from shadowdiff.net.conn import HTTP2_ONLY, Conn, now
from shadowdiff.net.endpoint import Endpoint
from shadowdiff.net.pool import ConnectFailed, Pool

SWEEP_S = 0.1
MAX_BLOCKS = 4096
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})


class WireTransport:
    """Keep-alive HTTP/1.1 to a fixed list of endpoints."""

    def __init__(self, endpoints: Sequence[Endpoint], max_body: int = 1 << 20, seed: int | None = None) -> None:
        self._pools = [Pool(endpoint, max_body) for endpoint in endpoints]
        self._busy: set[Conn] = set()
        self._random = random.Random(seed)
        self._sweep: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._blocks: dict[int, tuple[Headers, bytes]] = {}
        self.races = 0
        """Kept connections that closed under a call before any answer byte."""

    @property
    def peers(self) -> dict[str, dict[str, int]]:
        """Connections made, by target name and peer address."""
        return {pool.endpoint.name: pool.peers for pool in self._pools}

    async def send(self, calls: Sequence[Call]) -> tuple[Observation, ...]:
        """Send all `calls` together; failures are observations.

        A reused connection that dies before any answer byte is retried once on a fresh one for safe
        methods. If blue (the first call) cannot be connected to, nobody is asked.
        """
        flight = _Flight(len(calls), self._running())
        conns: list[Conn | None] = [self._pools[call.endpoint].take() for call in calls]
        try:
            if None in conns:
                await self._open(calls, conns, flight)
            if calls[0].role is Role.BLUE and flight.results[0] is not None:
                self._not_asked(calls, conns, flight)
            else:
                self._start(calls, conns, flight)
            if flight.left:
                await flight.future
            results = flight.results
            for index, call in enumerate(calls):
                seen = results[index]
                if seen is not None and seen.failure is Failure.RACE:
                    self.races += 1
                    if call.request.method in SAFE:
                        results[index] = await self._again(call)
        except BaseException:
            self._give_up(conns)
            raise
        for seen in results:
            if seen is not None and seen.detail is HTTP2_ONLY:
                name = next(c for c, s in zip(calls, results, strict=True) if s is seen).role
                raise UsageError(f"--{name}: the target {HTTP2_ONLY}")
        return tuple(results)  # type: ignore[arg-type]

    async def aclose(self) -> None:
        """Abort what is busy, close what is kept."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for conn in list(self._busy):
            conn.drop()
        for pool in self._pools:
            pool.close()
        await asyncio.sleep(0)

    async def _open(self, calls: Sequence[Call], conns: list[Conn | None], flight: _Flight) -> None:
        missing = [i for i, conn in enumerate(conns) if conn is None]

        async def one(index: int) -> None:
            try:
                conns[index] = await self._pools[calls[index].endpoint].open()
            except ConnectFailed as failed:
                call = calls[index]
                flight.done(
                    index,
                    Observation(
                        role=call.role, failure=failed.failure, detail=failed.detail, due_at=call.due_at,
                        sent_at=now(),
                    ),
                )  # fmt: skip

        if len(missing) == 1:
            await one(missing[0])
        else:
            async with asyncio.TaskGroup() as group:
                for index in missing:
                    group.create_task(one(index))

    def _start(self, calls: Sequence[Call], conns: list[Conn | None], flight: _Flight) -> None:
        order: Sequence[int]
        if len(calls) == 2:
            order = (1, 0) if self._random.random() < 0.5 else (0, 1)
        else:
            order = self._random.sample(range(len(calls)), len(calls))
        for index in order:
            self._write(calls[index], conns, index, flight)

    def _write(self, call: Call, conns: list[Conn | None], index: int, flight: _Flight) -> None:
        conn = conns[index]
        if conn is None:
            return
        pool = self._pools[call.endpoint]

        def done(observation: Observation) -> None:
            conns[index] = None  # from here on another exchange may hold it
            self._busy.discard(conn)
            if observation.failure is Failure.RACE:
                pool.closed_after(conn.waited)
            pool.give(conn)
            flight.done(index, observation)

        self._busy.add(conn)
        if self._sweep is None:
            self._sweep = self._running().call_later(SWEEP_S, self._tick)
        request = call.request
        if conn.closed:  # lost between take and write
            self._busy.discard(conn)
            flight.done(
                index,
                Observation(role=call.role, failure=Failure.RACE, due_at=call.due_at, sent_at=now()),
            )
            return
        conn.start(
            self._serialize(request), call.role, request.method == "HEAD", call.due_at, pool.endpoint.deadlines,
            done,
        )  # fmt: skip

    def _give_up(self, conns: list[Conn | None]) -> None:
        """Close what this exchange still holds."""
        for conn in conns:
            if conn is not None:
                conn.forget()
                self._busy.discard(conn)

    def _serialize(self, request: Request) -> bytes:
        """Header blocks repeat, so their bytes are remembered; by identity: hashing takes half as long as this."""
        headers = request.headers
        known = self._blocks.get(id(headers))
        if known is not None and known[0] is headers:  # the entry holds it, so that no other can have its id
            return serialize(request, known[1])
        block = header_block(headers)
        if len(self._blocks) >= MAX_BLOCKS:
            self._blocks.clear()
        self._blocks[id(headers)] = (headers, block)
        return serialize(request, block)

    def _not_asked(self, calls: Sequence[Call], conns: list[Conn | None], flight: _Flight) -> None:
        for index, call in enumerate(calls):
            if flight.results[index] is None:
                conn = conns[index]
                if conn is not None:
                    self._pools[call.endpoint].give(conn)
                flight.done(
                    index,
                    Observation(role=call.role, failure=Failure.REFUSED, detail=NOT_ASKED, due_at=call.due_at),
                )

    async def _again(self, call: Call) -> Observation:
        flight = _Flight(1, self._running())
        conns: list[Conn | None] = [None]
        await self._open([call], conns, flight)
        if conns[0] is not None:
            try:
                self._write(call, conns, 0, flight)
                await flight.future
            except BaseException:
                self._give_up(conns)
                raise
        result = flight.results[0]
        assert result is not None  # noqa: S101 - the flight has landed
        return result

    def _tick(self) -> None:
        moment = now()
        for conn in [conn for conn in self._busy if conn.due < moment]:
            conn.timed_out()
        self._sweep = self._running().call_later(SWEEP_S, self._tick) if self._busy else None

    def _running(self) -> asyncio.AbstractEventLoop:
        """The loop, asked for once: each asking is a system call (getpid)."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop


NOT_ASKED = "not asked: blue could not be reached"


class _Flight:
    """The calls of one exchange in the air; the future fires when the last one lands."""

    __slots__ = ("future", "left", "results")

    def __init__(self, count: int, loop: asyncio.AbstractEventLoop) -> None:
        self.future: asyncio.Future[None] = loop.create_future()
        self.left = count
        self.results: list[Observation | None] = [None] * count

    def done(self, index: int, observation: Observation) -> None:
        self.results[index] = observation
        self.left -= 1
        if not self.left and not self.future.done():
            self.future.set_result(None)


def serialize(request: Request, block: bytes | None = None) -> bytes:
    """The bytes of a request: headers as given, in order and case, plus our Content-Length.

    `block` is `header_block(request.headers)` where it is known. Raises `ValueError` for a control
    character in method, target or headers: that would split the request.
    """
    body = request.body
    line = f"{request.method} {request.target} HTTP/1.1"
    if not line.isprintable():
        raise ValueError("the request line holds a control character")
    if block is None:
        block = header_block(request.headers)
    length = b"Content-Length: %d\r\n" % len(body) if body or request.method in _WITH_LENGTH else b""
    return b"".join((line.encode("ascii"), b"\r\n", block, length, b"\r\n", body))


def header_block(headers: Headers) -> bytes:
    """`Name: value` lines, each ended by CRLF. Raises `ValueError` for a control character."""
    lines = [f"{name}: {value}\r\n" for name, value in headers]
    text = "".join(lines)
    if text.count("\n") != len(lines) or text.count("\r") != len(lines) or "\0" in text:
        raise ValueError("a header holds a control character")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return b"".join(header_bytes(line) for line in lines)
