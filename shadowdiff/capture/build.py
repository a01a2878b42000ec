"""Make exchanges the same way for every format: ids, routes, body state, safe targets, and counting.

A reader parses its format into plain values and calls `Builder.exchange`; what it cannot parse it
hands to `Builder.unreadable`. So every record is in the ledger exactly once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from shadowdiff.capture.files import lines
from shadowdiff.capture.routes import Router
from shadowdiff.model.exchange import (
    BodyState,
    Exchange,
    Expect,
    Headers,
    Request,
    Response,
    TimeKind,
)
from shadowdiff.model.tally import Ledger

_METHOD = re.compile(r"[A-Za-z][A-Za-z0-9!#$%&'*+.^_`|~-]{0,31}")
_ABSOLUTE = re.compile(r"(?i)https?://[^/?#\s]+(?=[/?#]|$)")
_SAFE_TARGET = re.compile(r"[!-~]+")
_KEEP = "".join(map(chr, range(0x21, 0x7F)))
_MAX_WARNINGS = 5


class Unreadable(Exception):
    """A record that is no exchange; the text says why, for the ledger and the warning."""


class Dialogs(msgspec.Struct, frozen=True):
    """How conversations become requests: where they are posted, what the body has besides, which turns."""

    path: str = "/v1/chat/completions"
    body: dict[str, Any] = {}
    turns: str = "last"


class Builder:
    """Turns parsed values into exchanges, numbered in reading order, and keeps the ledger's reading side."""

    def __init__(
        self,
        ledger: Ledger,
        router: Router | None = None,
        warn: Callable[[str], None] | None = None,
        dialogs: Dialogs | None = None,
        begun: int = 0,
        silent: bool = False,
    ) -> None:
        """Exchanges are numbered from `begun` + 1. A `silent` one leaves what is unreadable to another worker's."""
        self._silent = silent
        self.ledger = ledger
        self.dialogs = dialogs or Dialogs()
        self._router = router or Router()
        self._warn = warn
        self._warned = 0
        self._seq = begun

    def exchange(
        self,
        *,
        where: str,
        method: str,
        target: str,
        headers: Headers = (),
        body: bytes = b"",
        body_state: BodyState | None = None,
        id: str | None = None,
        captured_at: float | None = None,
        time_kind: TimeKind = TimeKind.NONE,
        session: str | None = None,
        recorded: Response | None = None,
        recorded_status: int = 0,
        tags: Sequence[str] = (),
        expect: Expect | None = None,
    ) -> Exchange:
        """One exchange. `where` is `file:line`. Raises `Unreadable` when it has no usable request line."""
        if not _METHOD.fullmatch(method):
            raise Unreadable(f"{method[:20]!r} is no HTTP method")
        request = Request(method=method, target=clean_target(target), headers=headers, body=body)
        if body_state is None:
            body_state = BodyState.PRESENT if body else BodyState.EMPTY
        self.ledger.read += 1
        self._seq += 1
        exchange_id = id or where
        return Exchange(
            id=exchange_id,
            seq=self._seq,
            request=request,
            route=self._router.route(request),
            unit=exchange_id,
            session=session,
            captured_at=captured_at,
            time_kind=time_kind if captured_at is not None else TimeKind.NONE,
            recorded=recorded,
            recorded_status=recorded.status if recorded is not None else recorded_status,
            body_state=body_state,
            tags=tuple(tags),
            expect=expect,
            source=where,
        )

    def unreadable(self, where: str, why: str) -> None:
        """Count a record that is no exchange; the first few are said aloud with their place."""
        if self._silent:
            return
        self.ledger.read += 1
        self.ledger.note("unreadable", why)
        self._warned += 1
        if self._warn and self._warned <= _MAX_WARNINGS:
            more = "; further ones are only counted" if self._warned == _MAX_WARNINGS else ""
            self._warn(f"{where}: {why}; the line is counted as unreadable and not sent{more}")

    def notice(self, text: str) -> None:
        """Say something about the file as a whole, such as a packed stream that ends early."""
        if self._warn and not self._silent:
            self._warn(text)


def each_line(path: Path, builder: Builder, one: Callable[[str, bytes], Exchange]) -> Iterator[Exchange]:
    """Every exchange `one(where, line)` makes of the lines of `path`; what it calls unreadable is counted."""
    for number, line in lines(path, builder.notice):
        try:
            yield one(f"{path.name}:{number}", line)
        except Unreadable as why:
            builder.unreadable(f"{path}:{number}", str(why))


def each_record(
    path: Path,
    builder: Builder,
    records: Iterable[Any],
    one: Callable[[str, Any], Iterable[Exchange]],
    what: str,
    place: str,
) -> Iterator[Exchange]:
    """Every exchange `one(where, record)` makes of the records of a document; a bad one never loses the file.

    `what` names the format, `place` a record by its number, e.g. `entries[{}]`.
    """
    for number, record in enumerate(records):
        spot = place.format(number)
        try:
            yield from one(f"{path.name}:{spot}", record)
        except Unreadable as why:
            builder.unreadable(f"{path}:{spot}", str(why))
        except (AttributeError, TypeError, KeyError, ValueError) as error:
            builder.unreadable(f"{path}:{spot}", f"no {what} ({error})")


Parse = Callable[[Builder, str, bytes], Exchange]


class LineSource:
    """A source whose format is a function of one line."""

    def __init__(self, parse: Parse, path: Path, builder: Builder) -> None:
        self._parse = parse
        self._path = path
        self._builder = builder

    def stream(self) -> Iterator[Exchange]:
        """Every exchange in file order; lines that hold none are counted with the reason."""
        return each_line(self._path, self._builder, self.one)

    def one(self, where: str, line: bytes) -> Exchange:
        """The exchange of one line. Raises `Unreadable`."""
        return self._parse(self._builder, where, line)


def line_source(parse: Parse) -> Callable[..., LineSource]:
    """What a module of a line format registers: called with path, builder and post, as every source is."""

    def make(path: Path, builder: Builder, post: str = "") -> LineSource:
        return LineSource(parse, path, builder)

    return make


def clean_target(target: str) -> str:
    """An origin-form target: absolute URLs lose scheme and host; bytes outside ASCII, blanks and controls
    are percent-encoded; everything else stays as captured (`%7E`, `//`, `/a/../b`).

    Raises `Unreadable` for a target that is neither a path, an absolute URL, nor `*`.
    """
    if not target.startswith("/"):
        if target == "*":
            return target
        absolute = _ABSOLUTE.match(target)
        if absolute is None:
            raise Unreadable(f"{target[:40]!r} is no path or http URL")
        rest = target[absolute.end() :]
        target = rest if rest.startswith("/") else f"/{rest}"
    target = target.partition("#")[0]
    if not _SAFE_TARGET.fullmatch(target):
        target = quote(target, safe=_KEEP, encoding="utf-8", errors="surrogateescape")
    return target


def host_of(target: str) -> str:
    """The host:port of an absolute URL, else an empty string."""
    try:
        return urlsplit(target).netloc.rpartition("@")[2] if "://" in target[:8] else ""
    except ValueError:
        return ""


def header_pairs(value: Any) -> Headers:
    """Ordered pairs from `[["A","b"]]`, `{"A": "b"}`, `{"A": ["b","c"]}` or `[{"name":..,"value":..}]`.

    Pseudo headers (`:authority`) are dropped. Raises `Unreadable` for other shapes.
    """
    pairs: list[tuple[str, str]] = []
    items: Sequence[Any] = list(value.items()) if isinstance(value, Mapping) else value or ()
    if not isinstance(items, list | tuple):
        raise Unreadable("headers are neither pairs nor an object")
    for item in items:
        if isinstance(item, Mapping):
            name, content = item.get("name"), item.get("value")
        elif isinstance(item, list | tuple) and len(item) == 2:
            name, content = item
        else:
            raise Unreadable("a header is neither a pair nor an object with name and value")
        for one in content if isinstance(content, list | tuple) else (content,):
            if isinstance(name, str) and name and not name.startswith(":"):
                pairs.append((name, "" if one is None else str(one)))
    return tuple(pairs)


def status_of(text: str) -> int:
    """The HTTP status in `text`, 0 when it is none: `-`, `000`, other scripts' digits, a line of nines."""
    status = int(text) if len(text) == 3 and text.isascii() and text.isdecimal() else 0
    return status if 100 <= status < 600 else 0


def timestamp(value: Any) -> float | None:
    """Epoch seconds from RFC 3339 text or an epoch number in s, ms, µs or ns; None when it is neither."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                return None
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not isinstance(value, int | float) or not 0 < value < 1e20:
        return None
    for limit, scale in ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6)):
        if value < limit:
            return value / scale
    return value / 1e9
