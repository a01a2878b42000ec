"""Find the session of a request and cut it into the units the gate counts.

A unit closes after 20 turns or 30 minutes of captured idle time, never by outcome, so segments
are numbered in reading order and a repeat of the run gives the same units. The table of open
sessions is capped; what is evicted is counted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import msgspec

from shadowdiff.errors import UsageError
from shadowdiff.model.exchange import Exchange
from shadowdiff.tee.link import Linker
from shadowdiff.tee.place import SPELLING, Place, place, read

MAX_TURNS = 20
IDLE_S = 30 * 60.0
MAX_OPEN = 100_000
FORWARDED = Place("header", "x-forwarded-for")
MINTED = Place("minted", "minted")
WORDS = ("ip", "file", MINTED.kind)
"""Session keys that are no place: the client's address, the whole log file, values that answers minted."""


class _Open(msgspec.Struct):
    segment: int
    turns: int
    total: int
    last: float | None


class Standing(msgspec.Struct):
    """Sessions that are open, in the order of their last turn, and how far closed ones had come."""

    open: dict[str, _Open] = {}
    past: dict[str, tuple[int, int]] = {}


class Sessions:
    """Assigns every exchange its session, turn and unit, in reading order."""

    def __init__(self, by: str, closed: Callable[[str], None]) -> None:
        """`by` as in --session-by, or empty for the capture's own field; `closed(unit)` hears of ends."""
        self._places = session_places(by)
        self._linker = Linker() if MINTED in self._places else None
        self._closed = closed
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._past: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self.evicted = 0

    def place(self, exchange: Exchange) -> Exchange:
        """`exchange` with its session and unit; one without a session is its own unit."""
        session = exchange.session
        if self._places:
            session = self._find(exchange) or session
        if session is None:
            return exchange
        stamp = exchange.captured_at
        if stamp is not None:
            self._close_idle(stamp)
        entry = self._open.get(session)
        if entry is None:
            segment, total = self._past.pop(session, (0, 0))
            entry = self._open[session] = _Open(segment=segment, turns=0, total=total, last=stamp)
            self._evict()
        elif entry.turns >= MAX_TURNS:
            self._closed(_unit(session, entry.segment))
            entry.segment += 1
            entry.turns = 0
        entry.turns += 1
        entry.total += 1
        entry.last = stamp
        self._open.move_to_end(session)
        unit = _unit(session, entry.segment)
        return msgspec.structs.replace(exchange, session=session, unit=unit, turn=entry.total)

    def standing(self) -> Standing:
        """What another process needs to go on with the next turns."""
        return Standing(dict(self._open), dict(self._past))

    def restore(self, standing: Standing) -> None:
        """Go on from what another process had."""
        self._open = OrderedDict(standing.open)
        self._past = OrderedDict(standing.past)

    def close_all(self) -> None:
        """The log is over: every open session closes."""
        while self._open:
            session, entry = self._open.popitem(last=False)
            self._closed(_unit(session, entry.segment))

    def _close_idle(self, moment: float) -> None:
        while self._open:
            session, entry = next(iter(self._open.items()))
            if entry.last is None or moment - entry.last <= IDLE_S:
                return
            self._close(session, self._open.pop(session))

    def _evict(self) -> None:
        if len(self._open) > MAX_OPEN:
            self.evicted += 1
            self._close(*self._open.popitem(last=False))

    def _close(self, session: str, entry: _Open) -> None:
        """Close a unit whose session may go on: its next turn opens the next segment."""
        self._closed(_unit(session, entry.segment))
        self._past[session] = (entry.segment + 1, entry.total)
        if len(self._past) > MAX_OPEN:
            self._past.popitem(last=False)

    def _find(self, exchange: Exchange) -> str:
        """What the first place that holds something says; what answers minted, where no place does."""
        found = next((value for key in self._places if (value := _read(key, exchange))), "")
        return self._linker.session_of(exchange, found) if self._linker is not None else found


def session_places(by: str) -> tuple[Place, ...]:
    """Parse --session-by: places in their order, the first that holds something counts. Raises `UsageError`."""
    return tuple(_session_place(one.strip()) for one in by.split(",")) if by else ()


def _session_place(by: str) -> Place:
    if by in WORDS:
        return Place(by, by)
    if ":" not in by:
        raise UsageError(f"--session-by: {by!r} names no session; write {', '.join(WORDS)}, {SPELLING}")
    return place(by, "--session-by")


def _read(key: Place, exchange: Exchange) -> str:
    if key == MINTED:
        return ""
    if key.kind == "file":
        return exchange.source.rpartition(":")[0]
    return read(FORWARDED if key.kind == "ip" else key, exchange.request)


def _unit(session: str, segment: int) -> str:
    return f"{session}#{segment}"
