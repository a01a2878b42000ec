"""GoReplay `.gor` files, 1.x and 2.x: records of raw HTTP between emoji separators.

In:  META LF PAYLOAD, META = "type id timestamp_ns [latency_ns]", type 1 request, 2 its response, 3 a
     replayed response. Out: requests in file order with their recorded answer where the file has one.
Facts and traps (separator inside a body, glued records, answers before requests): peers-replay-and-formats.md 1.1.
"""

from __future__ import annotations

import re
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import msgspec
import zstandard

from shadowdiff.capture import http1
from shadowdiff.capture.build import Builder, Unreadable, host_of, status_of
from shadowdiff.capture.files import open_capture
from shadowdiff.model.exchange import Exchange, Headers, Response, TimeKind, header_bytes

SEPARATOR = "🐵🙈🙉".encode()
WINDOW = 1000
"""Requests that wait for their answer, and answers that wait for their request."""

_META = re.compile(rb"^([123]) ([0-9A-Za-z_.:-]{4,64}) (\S+)(?: \S+)*$")
_GLUED = re.compile(rb"\n(?=[123] [0-9a-f]{24,40} \d{16,}(?: -?\d+)?\n(?:[A-Z]{3,8} \S|HTTP/1))")
_START = re.compile(r"([A-Z][A-Z_-]*) (\S.*?)(?: HTTP/\d(?:\.\d)?)?$")


class GorSource:
    """Reads one `.gor` file, or one of its numbered chunks."""

    def __init__(self, path: Path, builder: Builder, post: str = "") -> None:
        self._path = path
        self._builder = builder

    def stream(self) -> Iterator[Exchange]:
        """Every request in file order; broken records are counted with their number."""
        waiting: OrderedDict[str, Exchange] = OrderedDict()
        early: OrderedDict[str, Response] = OrderedDict()
        for number, record in enumerate(self._records(), 1):
            where = f"{self._path.name}:record {number}"
            try:
                kind, key, made = self._one(where, record)
            except Unreadable as why:
                self._builder.unreadable(f"{self._path}:record {number}", str(why))
                continue
            if isinstance(made, Exchange):
                answer = early.pop(key, None)
                waiting[f"{key}/{number}"] = _answered(made, answer) if answer else made
            elif kind == b"2" and made is not None:
                asked = next((name for name in waiting if name.startswith(f"{key}/")), None)
                if asked is not None:
                    waiting[asked] = _answered(waiting[asked], made)
                else:
                    early[key] = made
                    if len(early) > WINDOW:
                        early.popitem(last=False)
            while len(waiting) > WINDOW:
                yield waiting.popitem(last=False)[1]
        yield from waiting.values()

    def _one(self, where: str, record: bytes) -> tuple[bytes, str, Exchange | Response | None]:
        meta, _, payload = record.partition(b"\n")
        match = _META.match(meta.rstrip(b"\r"))
        if match is None:
            raise Unreadable("no GoReplay record (no type, id and timestamp)")
        kind, key = match[1], match[2].decode("ascii")
        message = http1.parse(payload)
        if message is None:
            raise Unreadable("a record without an HTTP message")
        if kind != b"1":
            return kind, key, _response(message)
        start = _START.match(message.start)
        if start is None:
            raise Unreadable("no HTTP request line")
        target, headers = start[2], message.headers
        if (host := host_of(target)) and message.header("host") is None:
            headers = (("Host", host), *headers)
        exchange = self._builder.exchange(
            where=where,
            method=start[1],
            target=target,
            headers=headers,
            body=message.body,
            body_state=message.state,
            captured_at=_seconds(match[3]),
            time_kind=TimeKind.START,
        )
        return kind, key, exchange

    def _records(self) -> Iterator[bytes]:
        """Raw records; a separator inside a body is joined again, glued records are split."""
        held = b""
        for record in self._separated():
            first = record.partition(b"\n")[0].rstrip(b"\r")
            if held and not _META.match(first) and _unfinished(held):
                held += b"\n" + SEPARATOR + b"\n" + record
                continue
            if held:
                yield from _GLUED.split(held)
            held = record
        if held:
            yield from _GLUED.split(held)

    def _separated(self) -> Iterator[bytes]:
        lines: list[bytes] = []
        with open_capture(self._path) as reader:
            try:
                for line in reader:
                    if line.rstrip(b"\r\n") == SEPARATOR:
                        record = b"".join(lines)
                        lines = []
                        if record.strip():
                            yield record.removesuffix(b"\n")
                    elif lines or line.strip():
                        lines.append(line)
            except (EOFError, zlib.error, OSError, zstandard.ZstdError) as error:
                self._builder.notice(f"{self._path}: packed data ends early ({error})")
        record = b"".join(lines)
        if record.strip():  # a killed writer leaves the last record without its separator
            yield record.removesuffix(b"\n")


def gor_of(exchanges: Iterator[Exchange]) -> Iterator[bytes]:
    """Exchanges as `.gor` 2.x: a request record (1), then its answer (2) where one was recorded."""
    for number, exchange in enumerate(exchanges, 1):
        stamp = int((exchange.captured_at or 0) * 1e9) or number
        request = exchange.request
        start = f"{request.method} {request.target} HTTP/1.1"
        yield _record(b"1", number, stamp, start, request.headers, request.body)
        if exchange.recorded is not None:
            answer = exchange.recorded
            start = f"HTTP/1.1 {answer.status} Recorded"
            yield _record(b"2", number, stamp + 1, start, answer.headers, answer.body)


def _record(kind: bytes, number: int, stamp: int, start: str, headers: Headers, body: bytes) -> bytes:
    framing = ("transfer-encoding", "content-length")
    lines = [start.encode()]
    lines += [header_bytes(f"{name}: {value}") for name, value in headers if name.lower() not in framing]
    lines.append(b"Content-Length: %d" % len(body))
    meta = b"%s %024x %d 0\n" % (kind, number, stamp)
    return meta + b"\r\n".join(lines) + b"\r\n\r\n" + body + b"\n" + SEPARATOR + b"\n"


def _unfinished(record: bytes) -> bool:
    """Whether a record's body is shorter than its Content-Length says."""
    message = http1.parse(record.partition(b"\n")[2])
    return message is not None and message.state == "truncated"


def _response(message: http1.Message) -> Response | None:
    """The answer, or None for a 1xx, which matches no request."""
    parts = message.start.split(" ")
    status = status_of(parts[1]) if message.start.startswith("HTTP/") and len(parts) > 1 else 0
    if not status:
        raise Unreadable("no HTTP status line")
    if status < 200:
        return None
    framing = ("transfer-encoding", "content-length")
    headers = tuple(pair for pair in message.headers if pair[0].lower() not in framing)
    return Response(status=status, headers=headers, body=message.body, size=len(message.body))


def _answered(exchange: Exchange, answer: Response) -> Exchange:
    return msgspec.structs.replace(exchange, recorded=answer, recorded_status=answer.status)


def _seconds(text: bytes) -> float | None:
    """Epoch seconds from nanoseconds; None for what is no time (a bad one would be the year 1970)."""
    if not text.isdigit() or not 16 <= len(text) <= 20:
        return None
    return int(text) / 1e9
