"""Send a mismatched exchange again to blue and green, to see whether the difference comes back (`--confirm N`).

It explains and never counts: retrying only what failed would turn bad releases into good ones. Turns of a session are
not asked again, since their targets have gone on. Ids are isolated anew for each time, so that no answer comes from
an idempotency record.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from shadowdiff.contracts import Transport
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.exchange import Exchange, Pair, Role
from shadowdiff.run.judging import Judging
from shadowdiff.tee.brake import Brake
from shadowdiff.tee.budget import Budget
from shadowdiff.tee.pair import paired
from shadowdiff.tee.rewrite import Rewriter

MAX_ASKED = 500
"""Mismatches of a run that are asked again; the first ones."""
WIDTH = 4
LAST_S = 30.0
"""How long a run that has ended waits for what is still being asked."""


class Confirm:
    """Asks again beside the run. `found` maps an id to how often the difference came back, out of how often asked."""

    def __init__(
        self,
        *,
        rewriters: Sequence[Rewriter],
        roles: tuple[Role, ...],
        transport: Transport,
        judging: Judging,
        brake: Brake,
        budget: Budget,
        most: int = MAX_ASKED,
        settled: Callable[[str, int, int], None] = lambda *_: None,
    ) -> None:
        """One of `rewriters` a time asked; none turns it off. The first `most` mismatches are asked again; `settled`
        hears of each exchange once it is done.
        """
        self.rewriters = rewriters
        self._roles = roles
        self.transport = transport
        self.judging = judging
        self._brake = brake
        self._budget = budget
        self._most = most
        self.settled = settled
        self.found: dict[str, tuple[int, int]] = {}
        self.in_sessions = 0
        self.left_out = 0
        self._group: asyncio.TaskGroup | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._room = asyncio.Semaphore(WIDTH)
        self._started = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Confirm]:
        """Owns what is being asked; leaving it waits a while, then gives the rest up."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            yield self
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=LAST_S)
            for task in self._tasks:
                task.cancel()

    def abort(self) -> None:
        """Ask nothing more."""
        self.rewriters = ()
        for task in self._tasks:
            task.cancel()

    def take(self, comparison: Comparison, exchange: Exchange) -> None:
        """Start asking again where `comparison` is a mismatch that can be."""
        if not self.rewriters or comparison.outcome is not Outcome.MISMATCHED or self._group is None:
            return
        if exchange.session is not None:
            self.in_sessions += 1
        elif self._started >= self._most:
            self.left_out += 1
        else:
            self._started += 1
            self._tasks.append(self._group.create_task(self._ask(exchange)))

    async def _ask(self, exchange: Exchange) -> None:
        asked = again = 0
        async with self._room:
            for rewriter in self.rewriters:
                asking = self._budget.afford(len(self._roles), exchange.request.method)
                if not asking or self._brake.given_up:
                    self.left_out += not asked
                    break
                await asyncio.sleep(max(0.0, self._brake.remaining()))
                pair = await self._pair(exchange, rewriter)
                comparison = await self.judging.look(pair)
                if comparison.outcome is not Outcome.ERRORED:
                    asked += 1
                    again += comparison.outcome is Outcome.MISMATCHED
        if asked:
            self.found[exchange.id] = (again, asked)
            self.settled(exchange.id, again, asked)

    async def _pair(self, exchange: Exchange, rewriter: Rewriter) -> Pair:
        seen = await self.transport.send(rewriter.calls(exchange, self._roles, time.monotonic()))
        for observation in seen:
            self._brake.note(observation, exchange.recorded_status)
        return paired(exchange, seen, rewriter.saw(exchange, seen))


Found = Mapping[str, tuple[int, int]]


def counts(found: Found) -> dict[str, int]:
    """For the verdict: mismatches asked again, and how many came back always, sometimes, never."""
    if not found:
        return {}
    shares = [again / asked for again, asked in found.values()]
    return {
        "asked": len(shares),
        "always": sum(share == 1 for share in shares),
        "sometimes": sum(0 < share < 1 for share in shares),
        "never": sum(share == 0 for share in shares),
    }


def note(found: Found, in_sessions: int = 0, left_out: int = 0) -> str:
    """One sentence, empty where nothing was asked again."""
    kinds = counts(found)
    if not kinds:
        return ""
    text = (
        f"Asked again: of {kinds['asked']} mismatches {kinds['always']} came back each time, "
        f"{kinds['sometimes']} sometimes, {kinds['never']} never. The verdict does not count this."
    )
    if in_sessions:
        text += f" {in_sessions} turns of sessions were not asked again."
    if left_out:
        text += f" {left_out} more were left out."
    return text
