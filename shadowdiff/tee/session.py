"""Find the session of a request and cut it into the units the gate counts.

A unit closes after 20 turns or 30 minutes of captured idle time, never by outcome, so segments
are numbered in reading order and a repeat of the run gives the same units. The table of open
sessions is capped; what is evicted is counted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie

import msgspec

from shadowdiff.errors import UsageError
from shadowdiff.model.exchange import Exchange, json_at
from shadowdiff.tee.isolate import Place, place

MAX_TURNS = 20
IDLE_S = 30 * 60.0
MAX_OPEN = 100_000


class _Open(msgspec.Struct):
    segment: int
    turns: int
    last: float | None


class Sessions:
    """Assigns every exchange its session and unit, in reading order."""

    def __init__(self, by: str, closed: Callable[[str], None]) -> None:
        """`by` as in --session-by, or empty for the capture's own field; `closed(unit)` hears of ends."""
        self._place = session_place(by) if by else None
        self._closed = closed
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self.evicted = 0

    def place(self, exchange: Exchange) -> Exchange:
        """`exchange` with its session and unit; one without a session is its own unit."""
        session = exchange.session
        if self._place is not None:
            session = self._find(exchange) or session
        if session is None:
            return exchange
        stamp = exchange.captured_at
        if stamp is not None:
            self._close_idle(stamp)
        entry = self._open.get(session)
        if entry is None:
            entry = self._open[session] = _Open(segment=0, turns=0, last=stamp)
            self._evict()
        elif entry.turns >= MAX_TURNS:
            self._closed(_unit(session, entry.segment))
            entry.segment += 1
            entry.turns = 0
        entry.turns += 1
        entry.last = stamp
        self._open.move_to_end(session)
        return msgspec.structs.replace(exchange, session=session, unit=_unit(session, entry.segment))

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
            del self._open[session]
            self._closed(_unit(session, entry.segment))

    def _evict(self) -> None:
        if len(self._open) > MAX_OPEN:
            session, entry = self._open.popitem(last=False)
            self.evicted += 1
            self._closed(_unit(session, entry.segment))

    def _find(self, exchange: Exchange) -> str | None:
        wanted, request = self._place, exchange.request
        if wanted is None:
            return None
        if wanted.kind == "json":
            return json_at(request.body, wanted.name) or None
        if wanted.kind == "cookie":
            for name, value in request.headers:
                if name.lower() == "cookie":
                    return _cookie(value, wanted.name)
            return None
        if wanted.kind == "ip":
            wanted = Place("header", "x-forwarded-for")
        return next((value for name, value in request.headers if name.lower() == wanted.name), None)


def session_place(by: str) -> Place:
    """Parse --session-by. Raises `UsageError`."""
    if by == "ip":
        return Place("ip", "ip")
    found = place(by, "--session-by")
    if found.kind == "query":
        raise UsageError(f"--session-by {by}: write header:Name, cookie:name, json:/pointer or ip")
    return found


def _unit(session: str, segment: int) -> str:
    return f"{session}#{segment}"


def _cookie(text: str, name: str) -> str | None:
    try:
        jar = SimpleCookie(text)
    except CookieError:
        return None
    return jar[name].value if name in jar else None
