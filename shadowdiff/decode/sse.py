"""The event stream format (WHATWG HTML 9.2), parsed from bytes in any chunks.

Line ends are LF, CR or CRLF, which may be split between chunks; one leading BOM is dropped; comments
are counted, not kept. Never `str.splitlines`: it also breaks at U+2028, which is legal inside data.
An unterminated last event is flushed and marked, since servers do cut the last blank line.
"""

from __future__ import annotations

import msgspec

MAX_EVENT_BYTES = 1 << 20


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One dispatched event. `offset` is just after the first byte of the line end that dispatched it."""

    data: str
    name: str = ""
    id: str = ""
    offset: int = 0
    unterminated: bool = False


class EventParser:
    """Feed it chunks, take events; the same for every way of cutting the bytes."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._data: list[str] = []
        self._size = 0
        self._name = ""
        self._id = ""
        self._offset = 0
        self._skip_lf = False
        self._start = True
        self.comments = 0
        self.bad_lines = 0
        """Lines that are neither a field nor a comment: a server that forgot `data:`."""

    def feed(self, chunk: bytes) -> list[Event]:
        """The events completed by `chunk`."""
        self._pending += chunk
        if self._start:
            if len(self._pending) < 3 and b"\xef\xbb\xbf".startswith(bytes(self._pending)):
                return []
            if self._pending[:3] == b"\xef\xbb\xbf":
                del self._pending[:3]
                self._offset += 3
            self._start = False
        events: list[Event] = []
        data, begin = bytes(self._pending), 0
        if self._skip_lf and data:
            if data[:1] == b"\n":
                begin = 1
            self._skip_lf = False
        while True:
            end = _line_end(data, begin)
            if end < 0:
                break
            after = end + 1
            if data[end] == 0x0D:
                if after < len(data):
                    if data[after] == 0x0A:
                        after += 1
                else:
                    self._skip_lf = True
            self._line(data[begin:end], self._offset + end + 1, events)
            begin = after
        self._offset += begin
        del self._pending[:begin]
        return events

    def finish(self) -> list[Event]:
        """The event left open at the end of the body, if any, marked `unterminated`."""
        events: list[Event] = []
        if self._pending:
            self._line(bytes(self._pending), self._offset + len(self._pending), events)
        if self._data:
            event = self._dispatch(self._offset + len(self._pending))
            events.append(msgspec.structs.replace(event, unterminated=True))
        self._pending.clear()
        return events

    def _line(self, line: bytes, offset: int, events: list[Event]) -> None:
        if not line:
            if self._data or self._name:
                if self._data:
                    events.append(self._dispatch(offset))
                self._name, self._data, self._size = "", [], 0
            return
        if line[0] == 0x3A:
            self.comments += 1
            return
        name, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if name == b"data":
            self._size += len(value)
            if self._size <= MAX_EVENT_BYTES:
                self._data.append(value.decode("utf-8", "replace"))
        elif name == b"event":
            self._name = value.decode("utf-8", "replace")
        elif name == b"id":
            if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
        elif name != b"retry":
            self.bad_lines += 1

    def _dispatch(self, offset: int) -> Event:
        event = Event(data="\n".join(self._data), name=self._name, id=self._id, offset=offset)
        self._name, self._data, self._size = "", [], 0
        return event


def _line_end(data: bytes, begin: int) -> int:
    lf = data.find(b"\n", begin)
    cr = data.find(b"\r", begin, lf if lf >= 0 else len(data))
    return cr if cr >= 0 else lf


def events_of(body: bytes) -> tuple[list[Event], EventParser]:
    """All events of a whole body, and the parser for its counts."""
    parser = EventParser()
    return [*parser.feed(body), *parser.finish()], parser
