"""Exchanges from logs that grow: lines by their own look, bounded backlog, nothing counted twice after a restart.

In:  a `Follower`, what an earlier process has settled. Out: exchanges, or `Later` while there is nothing. What
becomes of each line is told to `Progress`, whose marks are the checkpoint.
"""

from __future__ import annotations

import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from shadowdiff import plugins, runinfo
from shadowdiff.capture.build import Builder, Unreadable
from shadowdiff.capture.lineformat import line_format
from shadowdiff.capture.logs.container import MAX_JOINED, is_wrapped, piece
from shadowdiff.capture.progress import Line, Mark, Progress
from shadowdiff.capture.tail import Follower
from shadowdiff.model.exchange import Exchange, Later
from shadowdiff.model.tally import Ledger

IDLE_S = 0.1
WEIGH_S = 1.0
BY_LINE = frozenset({"jsonl", "jsonlog", "access", "envoy", "alb", "batch", "curl"})
FILE = "tail.json"


class Checkpoint(msgspec.Struct):
    """`tail.json`: where every file was left, and what became of the lines before that."""

    marks: list[Mark] = []
    passed: dict[str, int] = {}


class Live:
    """The reading side of a run that follows logs; stands where `Reading` does for a batch."""

    def __init__(
        self,
        follower: Follower,
        builder: Builder,
        ledger: Ledger,
        *,
        named: str = "",
        post: str = "",
        max_backlog: int = 64 << 20,
        done: set[str] | None = None,
        passed: dict[str, int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`named` is a format instead of a look at each line; `done` are places that an earlier process compared, and
        `passed` what it had counted up to the marks. Beyond `max_backlog` unread bytes, lines are shed.
        """
        self._follower = follower
        self._builder = builder
        self._ledger = ledger
        self._named = named
        self._post = post
        self._max = max_backlog
        self._done = done or set()
        self._clock = clock
        self._lines: deque[Line] = deque()
        self._places: dict[str, list[Line]] = {}
        self._parts: dict[tuple[int, bytes], list[tuple[Line, bytes]]] = {}
        self._readers: dict[str, Any] = {}
        self._next_at = self._weighed_at = float("-inf")
        self._keep = 1.0
        self.progress = Progress()
        self.progress.passed.update(passed or {})
        self.shed = 0

    def stream(self) -> Iterator[Exchange | Later]:
        """Exchanges as their lines come; ends when nothing more can."""
        while True:
            if not self._lines and not self._read():
                if self._follower.ended:
                    return
                yield Later(IDLE_S)
                continue
            exchange = self._exchange(self._lines.popleft())
            if exchange is not None:
                yield exchange

    def ahead(self, taken: int) -> int:
        """Nothing is read before it can be sent."""
        return 0

    def notes(self) -> list[str]:
        """What following the logs needed."""
        notes = [
            f"{path} was not found again: what was written to it meanwhile is lost." for path in self._follower.gone
        ]
        if self.shed:
            notes.append(f"{self.shed} lines were shed: green and blue could not keep up with the log (dropped).")
        return notes

    @property
    def places(self) -> list[str]:
        """Exchanges taken and not settled."""
        return list(self._places)

    def passed(self, exchange: Exchange, what: str, why: str) -> None:
        """An exchange that will not be compared, by its name in the ledger."""
        self.settled(exchange.source, what)

    def settled(self, place: str, what: str = "sent") -> None:
        """The exchange from `place` is compared and on disk, or is held back."""
        for line in self._places.pop(place, ()):
            self.progress.settled(line, what)

    def checkpoint(self, folder: Path) -> None:
        """Write `tail.json`. Raises `OutputError`."""
        made = Checkpoint(self._follower.marks(self.progress.standing), self.progress.passed)
        runinfo.write_result(folder / FILE, msgspec.json.encode(made))

    def _read(self) -> bool:
        now = self._clock()
        if now < self._next_at:
            return False
        for line in self._follower.poll():
            self.progress.began(line)
            self._lines.append(line)
        if not self._lines:
            self._next_at = now + IDLE_S
        if now - self._weighed_at >= WEIGH_S:
            self._weighed_at = now
            backlog = self._follower.backlog()
            self._keep = min(1.0, self._max / backlog) if backlog > self._max else 1.0
        return bool(self._lines)

    def _exchange(self, line: Line) -> Exchange | None:
        whole = self._whole(line)
        if whole is None:
            return None
        lines, data = whole
        place = lines[0].where
        what = ""
        exchange = None
        if not data.strip():
            what = "blank"
        elif self._keep < 1.0 and zlib.crc32(place.encode()) > self._keep * (1 << 32):
            what = "dropped"
            self.shed += 1
            self._ledger.read += 1
            self._ledger.note("dropped", "the log grew faster than it could be compared")
        else:
            try:
                exchange = msgspec.structs.replace(self._reader(data)(place, data), source=place)
            except Unreadable as why:
                what = "unreadable"
                self._builder.unreadable(place, str(why))
            if exchange is not None and place in self._done:
                what, exchange = "sent", None
                self._done.discard(place)
                self._ledger.read -= 1  # it is on the tape, and counted from there
        if what:
            for one in lines:
                self.progress.settled(one, what)
        else:
            self._places[place] = lines
        return exchange

    def _whole(self, line: Line) -> tuple[list[Line], bytes] | None:
        """The lines that make up one logged line, and what it says; None while a container's line has more parts."""
        if not is_wrapped(line.data):
            return [line], line.data
        part, stream, ends = piece(line.data)
        parts = self._parts.pop((line.file, stream), [])
        parts.append((line, part))
        if not ends and sum(len(data) for _, data in parts) <= MAX_JOINED:
            self._parts[line.file, stream] = parts
            return None
        return [one for one, _ in parts], b"".join(data for _, data in parts).rstrip(b"\r\n")

    def _reader(self, data: bytes) -> Callable[[str, bytes], Exchange]:
        """What reads a line, told by its look: one stream may hold lines of several kinds."""
        kind = self._named or line_format(data) or ""
        if kind not in BY_LINE:
            raise Unreadable("a line that holds no request")
        found = self._readers.get(kind)
        if found is None:
            source = plugins.build("sources", kind, path=Path(kind), builder=self._builder, post=self._post)
            found = self._readers[kind] = source.one
        return found  # type: ignore[no-any-return]


def read_checkpoint(folder: Path) -> Checkpoint | None:
    """The checkpoint of `folder`, None where there is none or it is torn."""
    return runinfo.read_result(folder / FILE, Checkpoint)
