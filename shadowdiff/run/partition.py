"""Count one partition of a topic in the order of its records, so that what is counted always is a whole beginning.

Answers come in any order; each waits here until every record before it has settled. A snapshot therefore says exactly
what the records before an offset amount to, and whoever takes the partition over goes on at that offset as if there
had been one process. The shard is (consumer group, topic, partition).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import msgspec

from shadowdiff import tape
from shadowdiff.gate.count import Counter
from shadowdiff.gate.count import Standing as Counted
from shadowdiff.model.comparison import Comparison
from shadowdiff.model.exchange import Exchange, Pair
from shadowdiff.model.tally import Ledger, Shard
from shadowdiff.tee.session import Sessions
from shadowdiff.tee.session import Standing as Placed

VERSION = 1


class Snapshot(msgspec.Struct):
    """A partition up to `next`. `settings` tells runs apart that count differently; `minted` are open sessions that
    hold ids which only the process knew that sent their turns.
    """

    shard: Shard
    next: int
    settings: str
    ended: bool = False
    counted: Counted = msgspec.field(default_factory=Counted)
    placed: Placed = msgspec.field(default_factory=Placed)
    minted: list[str] = []
    v: int = VERSION


class _Record(msgspec.Struct):
    """A record in the window. `kind` is empty until it has settled; then `sent`, or its name in the ledger."""

    kind: str = ""
    why: str = ""
    exchange: Exchange | None = None
    comparison: Comparison | None = None
    pair: Pair | None = None


class Partition:
    """Owns the counter of one partition."""

    def __init__(
        self, shard: str, epoch: int, counting: Callable[[str, Ledger], Counter], settings: str, store: str
    ) -> None:
        """`epoch` tells records fetched for this time of holding the partition, `counting` makes the counter, `store`
        says which answers are kept, as for the tape.
        """
        self.epoch = epoch
        self._settings = settings
        self._store = store
        self.counter = counting(shard, Ledger())
        self._sessions = Sessions("", lambda unit: self.counter.closed(unit))
        self._window: OrderedDict[int, _Record] = OrderedDict()
        self.next = 0
        self.ended = False
        self._end: int | None = None
        self.moved: frozenset[str] = frozenset()
        """Sessions whose ids were minted elsewhere."""
        self.lines: list[bytes] = []
        """Tape lines of what was counted and not yet handed over."""

    def restore(self, snapshot: Snapshot, end: int) -> None:
        """Go on from what another process had counted; a topic that has grown since goes up to another `end`."""
        self.counter.restore(snapshot.shard, snapshot.counted)
        self._sessions.restore(snapshot.placed)
        self.next, self.moved = snapshot.next, frozenset(snapshot.minted)
        self.ended = snapshot.ended and snapshot.next >= end

    def snapshot(self, minted: Callable[[str], bool]) -> Snapshot:
        """What has been counted, to go on from; `minted` tells sessions with ids that only this process knows."""
        placed = self._sessions.standing()
        names = [name for name in placed.open if name in self.moved or minted(name)]
        return Snapshot(
            self.counter.shard, self.next, self._settings, self.ended, self.counter.standing(), placed, names
        )

    @property
    def waiting(self) -> int:
        """Records taken and not counted."""
        return len(self._window)

    def took(self, offset: int) -> None:
        """The record at `offset` has been read."""
        self._window[offset] = _Record()

    def unreadable(self, offset: int, why: str) -> None:
        """The record at `offset` is no exchange."""
        self._settle(offset, _Record("unreadable", why))

    def passed(self, offset: int, exchange: Exchange, kind: str, why: str) -> None:
        """The exchange at `offset` will not be compared."""
        self._settle(offset, _Record(kind, why, exchange))

    def compared(self, offset: int, comparison: Comparison, pair: Pair) -> None:
        """The exchange at `offset` has settled."""
        self._settle(offset, _Record("sent", "", pair.exchange, comparison, pair))

    def read_to(self, end: int) -> None:
        """Nothing more comes before `end`, where the run ends."""
        self._end = end

    def finish(self) -> None:
        """Close the sessions once everything up to the end has settled."""
        if self._end is not None and not self.ended and not self._window:
            self.ended = True
            self.next = max(self.next, self._end)
            self._sessions.close_all()

    def _settle(self, offset: int, record: _Record) -> None:
        if offset not in self._window:
            return
        self._window[offset] = record
        while self._window:
            first, record = next(iter(self._window.items()))
            if not record.kind:
                return
            del self._window[first]
            self._count(record)
            self.next = first + 1

    def _count(self, record: _Record) -> None:
        ledger = self.counter.shard.ledger
        ledger.read += 1
        exchange = self._sessions.place(record.exchange) if record.exchange is not None else None
        if record.comparison is None or record.pair is None or exchange is None:
            if record.kind == "warmup":
                ledger.warmup += 1
            else:
                ledger.note(record.kind, record.why)
            return
        ledger.sent += 1
        comparison = msgspec.structs.replace(
            record.comparison, unit=exchange.unit, turn=exchange.turn, session=exchange.session
        )
        self.counter.opened(exchange.unit, exchange.session is None, exchange.route)
        comparison = self.counter.add(comparison)
        self.lines.append(tape.encode(comparison, record.pair, self._store))
