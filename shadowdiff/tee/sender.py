"""Keep many exchanges in flight, sessions in order, and hand back observed pairs.

In:  a source's exchanges. Out: pairs, in the order they finished. `Tee.running` is the only owner of
the worker tasks; leaving it drains what is in the air or cancels it. Workers share one plain
iterator and wait on one future an exchange (transport.md section 2).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator

from shadowdiff.contracts import Transport
from shadowdiff.model.exchange import (
    Exchange,
    Later,
    Pair,
    Role,
)
from shadowdiff.model.tally import Ledger
from shadowdiff.tee.brake import Brake
from shadowdiff.tee.budget import Budget
from shadowdiff.tee.handover import NO_SESSION, Handover
from shadowdiff.tee.hold import Holding
from shadowdiff.tee.pace import Pacer
from shadowdiff.tee.pair import given_up, paired
from shadowdiff.tee.rewrite import Rewriter
from shadowdiff.tee.session import Sessions
from shadowdiff.tee.share import WHOLE, Share
from shadowdiff.tee.timer import Timer

MAX_PARKED = 10_000
DRAIN_S = 60.0


class Tee:
    """The sending side of a run."""

    def __init__(
        self,
        *,
        transport: Transport,
        rewriter: Rewriter,
        holder: Holding,
        pacer: Pacer,
        brake: Brake,
        sessions: Sessions,
        ledger: Ledger,
        roles: Callable[[Exchange], tuple[Role, ...]],
        budget: Budget | None = None,
        max_in_flight: int = 16,
        limit: int | None = None,
        duration: float | None = None,
        warmup: int = 0,
        handover: Handover | None = None,
        opened: Callable[[Exchange], None] = lambda _: None,
        withdrawn: Callable[[Exchange], None] = lambda _: None,
        done: Callable[[Exchange], bool] = lambda _: False,
        sending: Callable[[Exchange], None] = lambda _: None,
        passed: Callable[[Exchange, str, str], None] = lambda *_: None,
        share: Share = WHOLE,
    ) -> None:
        """`roles` says whom to ask for an exchange; `opened` hears of each exchange taken up to be sent, and
        `withdrawn` of those among them that will not be counted after all.

        `done` says what an earlier attempt has settled, `sending` hears of each exchange as it goes out, `passed` of
        each that will not be compared, with its name in the ledger and why. Of the source only its `share` is sent;
        the `limit` counts what all workers together send.

        The first `warmup` exchanges are sent and never counted: caches fill, connections open. With a `handover`
        turns before the switch are not counted either.
        """
        self._transport = transport
        self._rewriter = rewriter
        self._holder = holder
        self._pacer = pacer
        self._brake = brake
        self._sessions = sessions
        self._ledger = ledger
        self._roles = roles
        self._budget = budget or Budget()
        self._width = max_in_flight
        self._limit = float("inf") if limit is None else limit
        self._duration = duration
        self._warmup = warmup
        self._handover = handover
        self._opened = opened
        self._withdrawn = withdrawn
        self._done = done
        self._sending = sending
        self._passed = passed
        self._share = share
        self._alone = share.of == 1
        self._source: Iterator[Exchange | Later] = iter(())
        self._ready: deque[Pair] = deque()
        self._parked: dict[str, deque[tuple[Exchange, float]]] = {}
        self._parked_count = 0
        self._wake: asyncio.Future[None] | None = None
        self._blocked: list[asyncio.Future[None]] = []
        self._unparked = asyncio.Event()
        self._halt = asyncio.Event()
        self._timer: Timer | None = None
        self._loop: asyncio.AbstractEventLoop
        self._tasks: list[asyncio.Task[None]] = []
        self._deadline: asyncio.TimerHandle | None = None
        self._alive = 0
        self._drawn = 0
        self.taken = 0
        """Exchanges of this share taken from the source, whatever became of them."""
        self._ended = False
        self._left = False
        self._ends_at = float("inf")
        self.in_flight = 0
        self.stopping = ""
        """Why no more is sent, or empty while sending."""

    @contextlib.asynccontextmanager
    async def running(self, source: Iterator[Exchange | Later]) -> AsyncIterator[Tee]:
        """Start the workers; on leaving, whatever is still in the air is given up."""
        self._source = source
        self._loop = asyncio.get_running_loop()  # asked for once: each asking is a system call
        if self._duration is not None:
            self._ends_at = time.monotonic() + self._duration
        self._timer = Timer()
        try:
            async with asyncio.TaskGroup() as group:
                self._tasks = [group.create_task(self._worker()) for _ in range(self._width)]
                self._alive = len(self._tasks)
                try:
                    yield self
                finally:
                    self._left = True
                    self._unblock()  # nobody will take what is ready
                    self.stop("left")
                    self.abort()
                    if self._deadline is not None:
                        self._deadline.cancel()
        except* asyncio.CancelledError:
            pass
        finally:
            self._timer.close()

    def stop(self, why: str, drain_s: float = DRAIN_S) -> None:
        """Send nothing new; what is in the air lands and is counted, up to the deadline."""
        if not self.stopping:
            self.stopping = why
            self._halt.set()
            if self._timer is not None:
                self._timer.release()
            self._deadline = asyncio.get_running_loop().call_later(drain_s, self.abort)

    def adopt(self, holder: Holding, pacer: Pacer) -> None:
        """What is held back, and how fast the rest goes out, from the next exchange on."""
        self._holder, self._pacer = holder, pacer

    def redirect(
        self, transport: Transport, rewriter: Rewriter, roles: Callable[[Exchange], tuple[Role, ...]]
    ) -> None:
        """Other targets from the next exchange on; what is in the air lands where it was sent."""
        self._transport, self._rewriter, self._roles = transport, rewriter, roles

    def abort(self) -> None:
        """Give up on what is in the air; it is handed back as interrupted."""
        for task in self._tasks:
            task.cancel()

    def __aiter__(self) -> Tee:
        return self

    async def __anext__(self) -> Pair:
        while not self._ready:
            if not self._alive:
                raise StopAsyncIteration
            self._wake = self._loop.create_future()
            await self._wake
        pair = self._ready.popleft()
        if self._blocked and len(self._ready) < self._width:
            self._unblock()
        return pair

    def _unblock(self) -> None:
        """Let the workers go on that wait for room in what is ready."""
        for waiting in self._blocked:
            if not waiting.done():
                waiting.set_result(None)
        self._blocked.clear()

    async def _worker(self) -> None:
        try:
            while (drawn := await self._draw()) is not None:
                exchange, due = drawn
                await self._one(exchange, due)
                while (turn := self._next_turn(exchange)) is not None:
                    exchange, due = turn
                    await self._one(exchange, due)
        finally:
            self._alive -= 1
            if not self._alive and self._drawn >= self._limit:
                self.stopping = self.stopping or f"limit of {self._limit} reached"
            self._notify()

    async def _draw(self) -> tuple[Exchange, float] | None:
        """The next exchange to send, holding back what must not go; None at the end."""
        passed = 0
        while not self._ended and not self.stopping:
            if self._drawn >= self._limit:
                self._ended = True  # turns that wait for the one before them were drawn, and still go out
                break
            exchange = next(self._source, None)
            if isinstance(exchange, Later):
                await self._nap(exchange.seconds)
                continue
            if exchange is None:
                self._ended = True
                self._sessions.close_all()
                break
            self.taken += 1
            exchange = self._sessions.place(exchange)
            mine = self._alone or self._share.holds(exchange)
            if mine and self._done(exchange):
                self._drawn += 1
                continue
            held = self._holder.verdict(exchange)
            if held is not None or not mine:
                if mine and held is not None:
                    self._ledger.note(*held)
                    self._passed(exchange, *held)
                else:
                    self._leave(exchange, held is None)
                passed += 1
                if passed % 200 == 0:
                    await asyncio.sleep(0)
                continue
            if self._handover is not None and exchange.session is None:
                self._ledger.note("skipped", NO_SESSION)
                self._passed(exchange, "skipped", NO_SESSION)
                continue
            self._drawn += 1
            self._opened(exchange)
            due = self._pacer.due(exchange.captured_at)
            if exchange.session is None:
                return exchange, due
            queue = self._parked.get(exchange.session)
            if queue is None:
                self._parked[exchange.session] = deque()
                return exchange, due
            queue.append((exchange, due))
            self._parked_count += 1
            if self._parked_count > MAX_PARKED:
                self._unparked.clear()
                await self._unparked.wait()
        return None

    def _leave(self, exchange: Exchange, sendable: bool) -> None:
        """Another worker sends and counts this one; here it only takes its place under the limit and in time."""
        self._ledger.read -= 1
        self.taken -= 1
        if sendable and (self._handover is None or exchange.session is not None):
            self._drawn += 1
            self._pacer.due(exchange.captured_at)

    def _next_turn(self, exchange: Exchange) -> tuple[Exchange, float] | None:
        if exchange.session is None:
            return None
        queue = self._parked[exchange.session]
        if not queue:
            del self._parked[exchange.session]
            return None
        self._parked_count -= 1
        self._unparked.set()
        return queue.popleft()

    async def _one(self, exchange: Exchange, due: float) -> None:
        if not self.stopping:
            if self._timer is not None and self._pacer.remaining(due) > 0:
                await self._timer.until(due)
            if self._brake.remaining() > 0:
                await self._rest()
            if self._brake.given_up:
                self.stop(self._brake.given_up)
            if time.monotonic() >= self._ends_at:
                self.stop("duration is over")
        if self.stopping:
            self._ledger.unsent += 1
            self._withdrawn(exchange)
            return
        roles = self._roles(exchange)
        if not self._budget.afford(len(roles), exchange.request.method):
            self._ledger.unsent += 1
            self._withdrawn(exchange)
            self.stop(f"budget of {self._budget.text} is spent")
            return
        rewriter, transport = self._rewriter, self._transport  # one pair goes by one configuration
        try:
            calls = rewriter.calls(exchange, roles, due or time.monotonic())
        except ValueError as error:
            why = f"unsupported: {error}"
            self._ledger.note("skipped", why)
            self._passed(exchange, "skipped", why)
            self._withdrawn(exchange)
            return
        warm = self._warmup > 0
        self._warmup -= warm
        if self._handover is not None:
            warm = not self._handover.begins(exchange) or warm
        if warm:
            self._ledger.warmup += 1
            self._withdrawn(exchange)
        else:
            self._ledger.sent += 1
        self.in_flight += 1
        self._sending(exchange)
        begun = time.monotonic()
        try:
            seen = await transport.send(calls)
        except asyncio.CancelledError:
            seen = tuple(given_up(exchange, call.role, time.monotonic() - begun) for call in calls)
        self.in_flight -= 1
        for observation in seen:
            self._brake.note(observation, exchange.recorded_status, exchange.route)
        minted = rewriter.saw(exchange, seen)
        if warm:
            self._passed(exchange, "warmup", "")
            return
        self._ready.append(paired(exchange, seen, minted))
        self._notify()
        while len(self._ready) >= 2 * self._width and not self._left:
            waiting = self._loop.create_future()  # an Event would ask for the loop, which is a system call
            self._blocked.append(waiting)
            await waiting

    async def _nap(self, seconds: float) -> None:
        """Wait for a live source; a stop ends the wait."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._halt.wait()

    async def _rest(self) -> None:
        """Sleep while the brake holds; a stop ends the sleep at once, so that nothing is lost."""
        while (seconds := self._brake.remaining()) > 0 and not self.stopping:
            await self._nap(min(seconds, 1.0))

    def _notify(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
