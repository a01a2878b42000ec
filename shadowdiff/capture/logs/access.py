"""Common and combined access logs of nginx and Apache.

In:  `host ident user [17/May/2015:10:05:03 +0000] "GET /x HTTP/1.1" 200 203023 "referer" "agent" …`
Out: exchanges without bodies; a method that carries one is `body_state: missing`. The time is the
END of the answer in nginx; a plain combined log cannot be corrected, so it is marked so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from shadowdiff.capture.build import Builder, Unreadable, each_line, host_of
from shadowdiff.model.exchange import BodyState, Exchange, TimeKind

LINE = re.compile(
    rb'^(\S+) (\S+) (.+?) \[([^\]]{1,64})\] "((?:[^"\\]|\\.)*)" (\d{3}|-) (\d+|-)'
    rb'(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"?)?'
)
_REQUEST = re.compile(r"^([A-Z][A-Z_-]*) (.+) (HTTP/\d(?:\.\d)?)$")
_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{2}|.)")
_MONTHS = {
    "Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6,
    "Jul": 7, "Aug": 8, "Sep": 9, "Oct": 10, "Nov": 11, "Dec": 12,
}  # fmt: skip
MAX_LINE = 64 << 10
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose body an access log does not carry."""


class AccessLogSource:
    """Reads one common or combined access log."""

    def __init__(self, path: Path, builder: Builder, post: str = "") -> None:
        self._path = path
        self._builder = builder
        self._stamp: tuple[bytes, float | None] = (b"", None)

    def stream(self) -> Iterator[Exchange]:
        """Every request in file order; lines that hold none are counted with the reason."""
        return each_line(self._path, self._builder, self.one)

    def one(self, where: str, line: bytes) -> Exchange:
        """The exchange of one line. Raises `Unreadable`."""
        match = LINE.match(line) if len(line) <= MAX_LINE else None
        if match is None:
            raise Unreadable("no common or combined log line")
        _, _, _, stamp, request, status, _, referer, agent = match.groups()
        method, target = request_line(unescape(request))
        headers: list[tuple[str, str]] = []
        if host := host_of(target):
            headers.append(("Host", host))
        for header, value in (("User-Agent", agent), ("Referer", referer)):
            if value and value != b"-":
                headers.append((header, unescape(value).decode("latin-1")))
        return self._builder.exchange(
            where=where,
            method=method,
            target=target,
            headers=tuple(headers),
            body_state=BodyState.MISSING if method in WITH_BODY else BodyState.EMPTY,
            captured_at=self._time(stamp),
            time_kind=TimeKind.END,
            recorded_status=int(status) if status != b"-" else 0,
        )

    def _time(self, stamp: bytes) -> float | None:
        if stamp != self._stamp[0]:  # one second serves many lines
            self._stamp = (stamp, clf_time(stamp.decode("latin-1")))
        return self._stamp[1]


def clf_time(text: str) -> float | None:
    """Epoch seconds of `17/May/2015:10:05:03 +0000`, whatever the locale; None when it is no such time."""
    match = re.fullmatch(r"(\d{2})/(\w{3})/(\d{4}):(\d{2}):(\d{2}):(\d{2})(?: ([+-])(\d{2})(\d{2}))?", text)
    if not match or match[2] not in _MONTHS:
        return None
    zone: timezone = UTC
    try:
        if match[7]:
            offset = timedelta(hours=int(match[8]), minutes=int(match[9]))
            zone = timezone(-offset if match[7] == "-" else offset)
        day = datetime(
            int(match[3]), _MONTHS[match[2]], int(match[1]),
            int(match[4]), int(match[5]), min(int(match[6]), 59), tzinfo=zone,
        )  # fmt: skip
    except ValueError:
        return None
    with suppress(OverflowError):
        return day.timestamp()
    return None


def unescape(raw: bytes) -> bytes:
    r"""Undo nginx's `\xHH` and Apache's `\"`, `\\` escapes."""
    if b"\\" not in raw:
        return raw
    return _ESCAPE.sub(lambda m: bytes([int(m[1][1:], 16)]) if m[1][:1] == b"x" and len(m[1]) == 3 else m[1], raw)


def request_line(raw: bytes) -> tuple[str, str]:
    """(method, target) of an unescaped request line. Raises `Unreadable` naming what it is instead."""
    text = raw.decode("utf-8", "surrogateescape")
    match = _REQUEST.match(text)
    if match is None:
        if not text or text == "-":
            raise Unreadable("empty request")
        if text[0] == "\x16":
            raise Unreadable("TLS bytes on a plain port")
        raise Unreadable("no HTTP/1 request line")
    if match[1] == "CONNECT":
        raise Unreadable("CONNECT asks for a tunnel, not for an answer")
    return match[1], match[2]
