"""mitmproxy flow files (`-w`), formats 0.10 to 21: concatenated tnetstrings, read defensively.

In:  `LENGTH:DATA TYPE` values; each top-level one is a flow. Out: its request with the answer, if it had one.
`content` None means that the body was streamed past the capture; it is not an empty body. Key names changed
over the versions, so each is looked up under all of its names (peers-replay-and-formats.md 1.3).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import zstandard

from shadowdiff.capture.build import Builder, Unreadable
from shadowdiff.capture.files import open_capture
from shadowdiff.model.exchange import BodyState, Exchange, Headers, Response, TimeKind

MAX_FLOW = 256 << 20
MAX_DEPTH = 64


class MitmSource:
    """Reads one flow file."""

    def __init__(self, path: Path, builder: Builder, post: str = "") -> None:
        self._path = path
        self._builder = builder

    def stream(self) -> Iterator[Exchange]:
        """Every HTTP flow in file order; other flows are counted with their number."""
        with open_capture(self._path) as reader:
            for number, raw in enumerate(_flows(reader, self._builder, self._path), 1):
                try:
                    yield self._one(f"{self._path.name}:flow {number}", raw)
                except Unreadable as why:
                    self._builder.unreadable(f"{self._path}:flow {number}", str(why))
                except (TypeError, ValueError, KeyError, AttributeError, IndexError, RecursionError) as error:
                    self._builder.unreadable(f"{self._path}:flow {number}", f"no mitmproxy flow ({error!r:.80})")

    def _one(self, where: str, raw: bytes) -> Exchange:
        flow, rest = _value(raw, 0)
        if rest or not isinstance(flow, dict):
            raise Unreadable("no mitmproxy flow")
        kind = _text(flow.get("type", "http"))
        if kind != "http":
            raise Unreadable(f"a {kind[:20]} flow, not an HTTP exchange")
        request = flow.get("request")
        if flow.get("websocket") or not isinstance(request, dict):
            raise Unreadable("a WebSocket, or a flow without a request")
        headers = _headers(request)
        target = _target(request)
        host = _text(request.get("authority") or b"") or _host(request)
        if host and not any(name.lower() == "host" for name, _ in headers):
            headers = (("Host", host), *headers)
        body, state = _content(request)
        began = request.get("timestamp_start")
        return self._builder.exchange(
            where=where,
            method=_text(request["method"]),
            target=target,
            headers=headers,
            body=body,
            body_state=state,
            captured_at=float(began) if isinstance(began, int | float) else None,
            time_kind=TimeKind.START,
            recorded=_response(flow.get("response")),
            recorded_status=_status(flow.get("response")),
        )


def _flows(reader: BinaryIO, builder: Builder, path: Path) -> Iterator[bytes]:
    """The bytes of each top-level value; a torn last one is what a killed proxy leaves."""
    try:
        while True:
            digits = b""
            while (byte := reader.read(1)) and byte.isdigit() and len(digits) < 10:
                digits += byte
            if not digits and not byte:
                return
            if byte != b":" or not digits or int(digits) > MAX_FLOW:
                builder.notice(f"{path}: the rest of the file is no flow data")
                return
            size = int(digits)
            data = reader.read(size + 1)
            if len(data) <= size:
                builder.notice(f"{path}: the last flow is cut and left out")
                return
            yield digits + b":" + data
    except (EOFError, zlib.error, OSError, zstandard.ZstdError) as error:
        builder.notice(f"{path}: packed data ends early ({error})")


def _value(raw: bytes, depth: int) -> tuple[Any, bytes]:
    """(first value in `raw`, what follows it)."""
    digits, colon, rest = raw.partition(b":")
    if not colon or not digits.isdigit() or len(digits) > 10 or depth > MAX_DEPTH:
        raise ValueError("no tnetstring")
    size = int(digits)
    data, kind, rest = rest[:size], rest[size : size + 1], rest[size + 1 :]
    if len(data) < size:
        raise ValueError("a value longer than its flow")
    match kind:
        case b",":
            return data, rest
        case b";":
            return data.decode("utf-8", "replace"), rest
        case b"#":
            return int(data), rest
        case b"^":
            return float(data), rest
        case b"!":
            return data == b"true", rest
        case b"~":
            return None, rest
        case b"]":
            return _items(data, depth), rest
        case b"}":
            items = _items(data, depth)
            return {_text(key): value for key, value in zip(items[::2], items[1::2], strict=True)}, rest
    raise ValueError(f"unknown type {kind!r}")


def _items(data: bytes, depth: int) -> list[Any]:
    found = []
    while data:
        item, data = _value(data, depth + 1)
        found.append(item)
    return found


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _headers(message: dict[str, Any]) -> Headers:
    pairs = message.get("headers") or []
    return tuple((_text(p[0]), _text(p[1])) for p in pairs if not _text(p[0]).startswith(":"))


def _target(request: dict[str, Any]) -> str:
    path = request.get("path")
    raw = path if isinstance(path, bytes) else str(path or "").encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "surrogateescape")


def _host(request: dict[str, Any]) -> str:
    host, port = _text(request.get("host") or b""), request.get("port")
    plain = port in (None, 80 if _text(request.get("scheme", b"http")) == "http" else 443)
    return host if plain or not host else f"{host}:{port}"


def _content(message: dict[str, Any]) -> tuple[bytes, BodyState | None]:
    content = message.get("content", message.get("body"))
    if content is None:
        return b"", BodyState.MISSING
    return (content if isinstance(content, bytes) else str(content).encode()), None


def _response(answer: Any) -> Response | None:
    """A streamed answer has a status and no body to compare, so there is no recorded answer then."""
    status = _status(answer)
    body, state = _content(answer) if status else (b"", None)
    if not status or state is BodyState.MISSING:
        return None
    return Response(status=status, headers=_headers(answer), body=body, size=len(body))


def _status(answer: Any) -> int:
    """`status_code` was `code` before 0.18; 0 without an answer."""
    status = answer.get("status_code", answer.get("code")) if isinstance(answer, dict) else 0
    return status if isinstance(status, int) else 0
