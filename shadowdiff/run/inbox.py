"""Exchanges from live copies: a bounded queue between the traffic's path and the tee, and everything lost counted.

In:  copies and pulses from the process in the path. Out: exchanges, or `Later` while there is nothing. With an
answer in the copy blue has answered already, and only green (and a twin) are asked.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import msgspec

from shadowdiff import runinfo
from shadowdiff.capture.build import Builder, Unreadable
from shadowdiff.capture.copies import Answer, Copy, Pulse
from shadowdiff.model.exchange import (
    HELD_BACK,
    Exchange,
    Failure,
    Later,
    Observation,
    Response,
    Role,
    TimeKind,
)
from shadowdiff.model.tally import Ledger

FILE = "feed.json"
IDLE_S = 0.05
MAX_QUEUED = 1_000
MAX_WAIT_S = 60.0
"""An exchange that waited longer is dropped: green would be asked about another moment."""
DROPPED = "more traffic than green could take"
STALE = f"waited over {MAX_WAIT_S:g} s for green"
LOST = "not settled when the judging process ended"
LEFT = "the client left before blue's answer ended"


class Checkpoint(msgspec.Struct):
    """`feed.json`: what became of copies that are not on the tape, and how far the sender's totals were counted."""

    passed: dict[str, int] = {}
    pulse: Pulse = Pulse("")
    aside: int = 0
    """Copies of this sender that were taken and not sent."""


class Inbox:
    """The reading side of a run that is fed live."""

    def __init__(
        self,
        builder: Builder,
        ledger: Ledger,
        *,
        max_bytes: int,
        held_back: Callable[[Copy], bool] = lambda _: False,
        resting: Callable[[], str] = lambda: "",
        left: Checkpoint | None = None,
        known: Collection[str] = (),
        record: Callable[[Exchange], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`max_bytes` bounds what waits. `held_back` says whether targets are asked without the client's credentials,
        `resting` why nothing is sent right now, `left` is an earlier process's checkpoint and `known` the places it
        sent; `record` hears of all.
        """
        self._builder = builder
        self._ledger = ledger
        self._max = max_bytes
        self._held_back = held_back
        self._resting = resting
        self._record = record
        self._clock = clock
        self._queue: deque[tuple[Exchange, float, int]] = deque()
        self._bytes = 0
        self._open: dict[str, None] = {}
        self._kept = left or Checkpoint()
        self._known = known
        self.ended = False
        """Whether no copy comes any more."""

    def take(self, message: Copy | Pulse) -> None:
        """A copy joins the queue, or is counted with the reason why not."""
        if isinstance(message, Pulse):
            self._pulse(message)
            return
        place = f"{self._kept.pulse.sender}:{message.number}"
        try:
            exchange = self._exchange(message, place)
        except Unreadable as why:
            self._builder.unreadable(place, str(why))
            self._kept.aside += 1
            self._count("unreadable")
            return
        self._record(exchange)
        if message.client_left:
            self._pass("skipped", LEFT)
            return
        size = len(message.body) + (len(message.answer.body) if message.answer is not None else 0)
        if len(self._queue) >= MAX_QUEUED or self._bytes + size > self._max:
            self._pass("dropped", DROPPED)
            return
        self._bytes += size
        self._queue.append((exchange, self._clock(), size))

    def stream(self) -> Iterator[Exchange | Later]:
        """Exchanges as they come; ends when the sender has and the queue is empty."""
        while True:
            if not self._queue:
                if self.ended:
                    return
                yield Later(IDLE_S)
                continue
            exchange, since, size = self._queue.popleft()
            self._bytes -= size
            if self._clock() - since > MAX_WAIT_S:
                self._pass("dropped", STALE)
            elif why := self._resting():
                self._pass("dropped", why)
            else:
                self._open[exchange.source] = None
                yield exchange

    def ahead(self, taken: int) -> int:
        """Copies that nobody took."""
        return len(self._queue)

    def notes(self) -> list[str]:
        """What was relayed and not seen."""
        pulse, notes = self._kept.pulse, []
        if pulse.blind:
            notes.append(f"{pulse.blind} connections were no HTTP/1.1 that could be read; they were relayed unseen.")
        if pulse.upgraded:
            notes.append(f"{pulse.upgraded} connections were upgraded (WebSocket); they were relayed unseen.")
        return notes

    @property
    def places(self) -> list[str]:
        """Exchanges taken and not settled."""
        return list(self._open)

    def passed(self, exchange: Exchange, what: str, why: str) -> None:
        """An exchange that will not be compared, by its name in the ledger."""
        self.settled(exchange.source, what)

    def settled(self, place: str, what: str = "sent") -> None:
        """The exchange from `place` is compared and on disk, or is held back."""
        self._open.pop(place, None)
        if what != "sent":
            self._kept.aside += 1
            self._count(what)

    def checkpoint(self, folder: Path) -> None:
        """Write `feed.json`. Raises `OutputError`."""
        runinfo.write_result(folder / FILE, msgspec.json.encode(self._kept))

    def lost(self, count: int, why: str) -> None:
        """Copies that an earlier process had and did not settle."""
        self._ledger.read += count
        self._ledger.note("dropped", why, count)
        self._count("dropped", count)

    def _pulse(self, pulse: Pulse) -> None:
        before = self._kept.pulse
        on_tape = sum(place.rpartition(":")[0] == pulse.sender for place in self._known)
        same = bool(on_tape) or (bool(self._known) and before.sender == pulse.sender)
        self._known = ()
        if before.sender != pulse.sender:
            before, self._kept.aside = Pulse(pulse.sender), 0
        new = pulse.dropped - before.dropped
        if new > 0:
            self.lost(new, DROPPED)
        gone = pulse.made - pulse.dropped - on_tape - self._kept.aside
        if same and gone > 0:  # the first word of a sender that went on while its judging process did not
            self.lost(gone, LOST)
        self._kept.pulse = pulse

    def _pass(self, what: str, why: str) -> None:
        self._kept.aside += 1
        self._ledger.note(what, why)
        self._count(what)

    def _count(self, what: str, count: int = 1) -> None:
        self._kept.passed[what] = self._kept.passed.get(what, 0) + count

    def _exchange(self, copy: Copy, place: str) -> Exchange:
        seen = _blue(copy.answer) if copy.answer is not None else None
        whole = seen is not None and seen.failure is None
        exchange = self._builder.exchange(
            where=place,
            method=copy.method,
            target=copy.target,
            headers=copy.headers,
            body=copy.body,
            body_state=copy.state,
            captured_at=copy.at,
            time_kind=TimeKind.START,
            recorded=seen.response if seen is not None and whole else None,
            tags=(HELD_BACK,) if self._held_back(copy) else (),
        )
        status = seen.status if seen is not None else 0
        # blue's answer is production's own: a 401 belongs there, failures and throttling are no baseline (promise 3)
        expected = 0 if status == 429 or status >= 500 else status
        return msgspec.structs.replace(exchange, blue=seen, recorded_status=expected)


def _blue(answer: Answer) -> Observation:
    """What blue did, as the tee would have seen it."""
    response = Response(
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
        size=answer.size,
        truncated=bool(answer.digest),
        digest=answer.digest,
        events=answer.events,
    )
    return Observation(
        role=Role.BLUE,
        response=response if answer.status else None,
        failure=Failure.RESET if answer.ended else None,
        detail=answer.ended,
        first_byte_s=answer.first_byte_s,
        total_s=answer.total_s,
    )


def read_checkpoint(folder: Path) -> Checkpoint | None:
    """The checkpoint of `folder`, None where there is none or it is torn."""
    return runinfo.read_result(folder / FILE, Checkpoint)
