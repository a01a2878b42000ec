"""One HTTP/1.1 connection: writes a request, parses its answer with httptools, reports an Observation.

Synchronous on purpose: no task and no future per answer; the transport's sweep enforces deadlines
by calling `fail`. Pitfalls covered here are listed with evidence in transport.md section 8.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from shadowdiff.contracts import Deadlines
from shadowdiff.model.arrivals import Arrivals
from shadowdiff.model.exchange import Failure, Observation, Response, Role

MAX_HEADER_BYTES = 256 << 10
MAX_EVENTS = 100_000
TOO_LARGE_FACTOR = 64
HTTP2_ONLY = "answers in HTTP/2 only; give an HTTP/1.1 port"

_STREAMED = ("text/event-stream", "application/x-ndjson", "application/ndjson", "application/stream+json")
now = time.monotonic


_FRAMING = frozenset({"content-length", "transfer-encoding", "content-type"})
_NAMES: dict[bytes, tuple[str, str]] = {}
"""Names of headers seen, each decoded once."""
MAX_NAMES = 1_000


class Conn(asyncio.Protocol):
    """A connection lent to one call at a time. `done(observation)` is called exactly once per `start`."""

    __slots__ = (
        "_body_cap", "_chunked", "_complete", "_deadlines", "_digest", "_done", "_due_at", "_events",
        "_extra", "_first", "_header_bytes", "_headers", "_headers_done", "_is_head", "_keep", "_kept",
        "_length", "_on_lost", "_parser", "_parts", "_role", "_sent", "_size", "_status", "_streamed",
        "_total_due", "_until_close", "busy", "closed", "due", "idle_since", "peer", "requests", "reused",
        "transport", "waited",
    )  # fmt: skip

    def __init__(self, body_cap: int, on_lost: Callable[[Conn], None]) -> None:
        self.transport: asyncio.Transport | None = None
        self._parser = HttpResponseParser(self)
        self._body_cap = body_cap
        self._on_lost = on_lost
        self._done: Callable[[Observation], None] | None = None
        self.busy = False
        self.closed = False
        self.reused = False
        self.requests = 0
        self.idle_since = now()
        self.waited = 0.0
        """Seconds it was idle before the current call."""
        self.peer = ""
        self.due = 0.0

    # -- lent to a call ---------------------------------------------------------------------

    def start(
        self,
        data: bytes,
        role: Role,
        is_head: bool,
        due_at: float,
        deadlines: Deadlines,
        done: Callable[[Observation], None],
    ) -> None:
        """Write one serialized request; `done` hears of the answer or the failure."""
        self._done = done
        self._role = role
        self._is_head = is_head
        self._due_at = due_at
        self._deadlines = deadlines
        self._parts: list[bytes | bytearray] = []
        self._headers: list[tuple[str, str]] = []
        self._events: Arrivals | None = None
        self._size = self._kept = self._header_bytes = 0
        self._first = 0.0
        self._digest: Any = None
        self._headers_done = self._complete = self._extra = False
        self._until_close = self._streamed = self._chunked = False
        self._length: int | None = None
        self._keep = False
        self.busy = True
        self.reused = self.requests > 0
        self.requests += 1
        self._sent = now()
        self.waited = self._sent - self.idle_since
        self._total_due = self._sent + deadlines.total_s
        self.due = min(self._total_due, self._sent + deadlines.ttfb_s)
        assert self.transport is not None  # noqa: S101 - start is only called on open connections
        self.transport.write(data)

    def fail(self, failure: Failure, detail: str) -> None:
        """End the current call with a failure, keeping what has arrived, and close the connection."""
        if self.transport is not None:
            self.transport.abort()
        self.closed = True
        if self._done is None:
            return
        if failure is Failure.RESET and self.reused and not self._first:
            failure, detail = Failure.RACE, "a kept connection was closed before any answer byte"
        response = self._response() if self._headers_done else None
        self._finish(
            Observation(
                role=self._role,
                response=response,
                failure=failure,
                detail=detail,
                peer=self.peer,
                due_at=self._due_at,
                sent_at=self._sent,
                first_byte_s=self._first - self._sent if self._first else 0.0,
                total_s=now() - self._sent,
            )
        )

    def timed_out(self) -> None:
        """End the current call because its deadline passed."""
        limits = self._deadlines
        if not self._first:
            detail = f"no answer byte within {limits.ttfb_s:g} s"
        elif now() >= self._total_due:
            detail = f"not finished within {limits.total_s:g} s"
        else:
            detail = f"silent for {limits.idle_s:g} s after {self._size} bytes of body"
        self.fail(Failure.TIMEOUT, detail)

    # -- asyncio.Protocol -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        name = transport.get_extra_info("peername")
        self.peer = f"{name[0]}:{name[1]}" if name else ""

    def data_received(self, data: bytes) -> None:
        if self._done is None:
            self.drop()  # bytes nobody asked for: this connection can no longer be trusted
            return
        moment = now()
        if not self._first:
            self._first = moment
        self.due = min(self._total_due, moment + self._deadlines.idle_s)
        if not self._headers_done:
            self._header_bytes += len(data)
        parser = self._parser
        try:
            parser.feed_data(data)
        except HttpParserUpgrade:
            self._complete, self._keep = True, False
        except HttpParserError as error:
            self._broken(data, str(error))
            return
        if self._complete:
            self._settle()
        elif not self._headers_done and self._header_bytes > MAX_HEADER_BYTES:
            self.fail(Failure.PROTOCOL, f"headers over {MAX_HEADER_BYTES >> 10} KiB")
        elif self._size > self._body_cap * TOO_LARGE_FACTOR:
            self.fail(Failure.TOO_LARGE, f"body over {self._body_cap * TOO_LARGE_FACTOR >> 20} MiB")

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self._on_lost(self)
        if self._done is None:
            return
        if self._headers_done and self._until_close and error is None:
            self._keep = False
            self._settle()
        elif not self._first:
            self.fail(Failure.RESET, "connection closed before any answer byte")
        elif not self._headers_done:
            self.fail(Failure.RESET, "connection closed inside the answer's headers")
        elif self._length is not None:
            self.fail(Failure.RESET, f"answer cut after {self._size} of {self._length} bytes")
        else:
            self.fail(Failure.RESET, f"answer cut after {self._size} bytes")

    # -- httptools callbacks ----------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._complete:
            self._extra = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._headers_done:
            return  # a trailer, or bytes after the answer
        known = _NAMES.get(name)
        if known is None:
            known = _name(name)
        text, what = known
        said = value.decode("latin-1")
        self._headers.append((text, said))
        if what:
            self._framing(what, said)

    def _framing(self, what: str, value: str) -> None:
        """Take note of a header that says how the body comes."""
        if what == "content-length":
            self._length = int(value) if value.isdecimal() and len(value) < 19 else None
        elif what == "transfer-encoding":
            self._chunked = True
        else:
            self._streamed = value.lower().startswith(_STREAMED)

    def on_headers_complete(self) -> None:
        if self._complete:
            return
        status = self._parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            self._headers.clear()
            self._length, self._chunked, self._streamed = None, False, False
            return
        self._headers_done = True
        self._status = status
        if self._is_head:
            self._keep = self._parser.should_keep_alive() or self._length is not None
            self._complete = True
            # this parser now waits for a body that will not come
            self._parser = HttpResponseParser(self)
            return
        bodyless = status in (204, 304)
        self._until_close = self._length is None and not self._chunked and not bodyless

    def on_body(self, body: bytes) -> None:
        if self._complete:
            self._extra = True
            return
        if self._streamed:
            events = self._events
            if events is None:
                events = self._events = Arrivals()
            if len(events) < MAX_EVENTS:
                events.add(self._size, now() - self._sent)
        self._size += len(body)
        room = self._body_cap - self._kept
        if room >= len(body) and self._digest is None:
            self._keep_part(body)
            self._kept += len(body)
            return
        if self._digest is None:
            self._digest = hashlib.sha256(b"".join(self._parts))
            self._parts.append(body[:room])
            self._kept += room
        self._digest.update(body)

    def _keep_part(self, body: bytes) -> None:
        """The pieces of a stream are small and many: they grow one buffer."""
        parts = self._parts
        if not self._streamed:
            parts.append(body)
        elif parts:
            parts[0] += body  # the first part of a stream is its buffer
        else:
            parts.append(bytearray(body))

    def on_message_complete(self) -> None:
        if not self._headers_done or self._complete:
            return  # a 1xx, or a second answer nobody asked for
        self._keep = self._parser.should_keep_alive() and not self._until_close
        self._complete = True

    # -- endings ----------------------------------------------------------------------------

    def _settle(self) -> None:
        if self._extra or not self._keep:
            self.drop()
        self._finish(
            Observation(
                role=self._role,
                response=self._response(),
                peer=self.peer,
                due_at=self._due_at,
                sent_at=self._sent,
                first_byte_s=self._first - self._sent,
                total_s=now() - self._sent,
            )
        )

    def _broken(self, data: bytes, why: str) -> None:
        if self._complete:  # garbage after a whole answer: keep the answer, not the connection
            self._keep = False
            self._settle()
        elif not self._headers_done and _is_http2(data):
            self.fail(Failure.PROTOCOL, HTTP2_ONLY)
        else:
            self.fail(Failure.PROTOCOL, f"no valid HTTP/1.1 answer ({why})")

    def _finish(self, observation: Observation) -> None:
        done, self._done = self._done, None
        self.busy = False
        self.idle_since = now()
        self._parts, self._headers, self._events = [], [], None
        if done is not None:
            done(observation)

    def _response(self) -> Response:
        parts = self._parts
        return Response(
            status=self._status,
            headers=tuple(self._headers),
            body=b"".join(parts) if len(parts) != 1 or self._streamed else bytes(parts[0]),
            size=self._size,
            truncated=self._digest is not None,
            digest=self._digest.hexdigest() if self._digest is not None else "",
            events=() if self._events is None else self._events,
        )

    def forget(self) -> None:
        """Close without telling anybody: the caller gave up on the answer."""
        self._done = None
        self.busy = False
        self.drop()

    def drop(self) -> None:
        """Close the connection at once; a call in flight hears of it."""
        self.closed = True
        if self.transport is not None:
            self.transport.abort()


def _name(raw: bytes) -> tuple[str, str]:
    """A header's name as text, and in lower case if it says how the body comes; names are few and repeat."""
    text = raw.decode("latin-1")
    lower = text.lower()
    known = text, lower if lower in _FRAMING else ""
    if len(_NAMES) < MAX_NAMES:
        _NAMES[raw] = known
    return known


def _is_http2(data: bytes) -> bool:
    """A SETTINGS or GOAWAY frame on stream 0: the first thing an HTTP/2 server says (RFC 9113 section 4.1)."""
    return len(data) >= 9 and data[3] in (4, 7) and data[5:9] == b"\0\0\0\0"
