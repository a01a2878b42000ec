"""Our own capture format (JSONL, version 1), leniently read and strictly written.

In:  {"v":1,"id","ts","session","method","target","headers":[["Name","value"]],
      "body" | "body_b64" | "json","body_state","tags","expect","response":{...}}
     `path` or `url` stand for `target`, an object for the header pairs, a missing method is GET, or
     POST when there is a body. With `post="/v1/chat"` a line may be a bare JSON body.
Out: exchanges. `line_of` writes an exchange back, byte for byte where it matters.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import orjson

from shadowdiff.capture.build import Builder, Unreadable, each_line, header_pairs, host_of, timestamp
from shadowdiff.model.exchange import (
    BodyState,
    Exchange,
    Expect,
    Headers,
    Response,
    TimeKind,
)

VERSION = 1
_NOTHING = msgspec.Raw()


class _Response(msgspec.Struct):
    status: int = 0
    headers: Any = None
    body: str | None = None
    body_b64: str | None = None
    json: msgspec.Raw = _NOTHING
    ttfb_s: float | None = None
    total_s: float | None = None
    truncated: bool = False


class _Line(msgspec.Struct):
    v: int = VERSION
    id: str | int | None = None
    ts: str | int | float | None = None
    session: str | int | None = None
    method: str | None = None
    target: str | None = None
    path: str | None = None
    url: str | None = None
    headers: msgspec.Raw = _NOTHING
    body: Any = None
    body_b64: str | None = None
    json: msgspec.Raw = _NOTHING
    body_state: BodyState | None = None
    tags: list[str] = []
    expect: Expect | None = None
    response: _Response | None = None


_decode = msgspec.json.Decoder(_Line).decode
_MAX_BLOCKS = 4096


class JsonlSource:
    """Reads one JSONL capture."""

    def __init__(self, path: Path, builder: Builder, post: str = "") -> None:
        self._path = path
        self._builder = builder
        self._post = post
        self._blocks: dict[bytes, Headers] = {}

    def stream(self) -> Iterator[Exchange]:
        """Every exchange in file order; a bad line is counted and passed over."""
        return each_line(self._path, self._builder, self.one)

    def one(self, where: str, line: bytes) -> Exchange:
        """The exchange of one line. Raises `Unreadable`."""
        try:
            record = _decode(line)
        except msgspec.ValidationError as error:
            if self._post and line.lstrip()[:1] in b"{[":
                return self._bare(where, line)
            raise Unreadable(_short(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Unreadable(f"no valid JSON ({_short(error)})") from None
        target = record.target or record.path or record.url
        if target is None:
            if self._post:
                return self._bare(where, line)
            raise Unreadable("has no target, path or url (bare JSON bodies need --post PATH)")
        if record.v > VERSION:
            raise Unreadable(f"capture version {record.v} is newer than {VERSION}; upgrade shadowdiff")
        headers = self._headers(record.headers)
        body, found = _body(record)
        if record.json is not _NOTHING and not _has(headers, "content-type"):
            headers = (*headers, ("Content-Type", "application/json"))
        if (host := host_of(target)) and not _has(headers, "host"):
            headers = (("Host", host), *headers)
        return self._builder.exchange(
            where=where,
            method=record.method or ("POST" if body else "GET"),
            target=target,
            headers=headers,
            body=body,
            body_state=record.body_state or (BodyState.PRESENT if found and body else None),
            id=None if record.id is None else str(record.id),
            captured_at=timestamp(record.ts),
            time_kind=TimeKind.START,
            session=None if record.session is None else str(record.session),
            recorded=_recorded(record.response),
            recorded_status=record.response.status if record.response is not None else 0,
            tags=record.tags,
            expect=record.expect,
        )

    def _headers(self, raw: msgspec.Raw) -> Headers:
        """Captures repeat the same header blocks; a block is parsed once while it is remembered."""
        if raw is _NOTHING:
            return ()
        block = bytes(raw)
        headers = self._blocks.get(block)
        if headers is None:
            try:
                headers = header_pairs(msgspec.json.decode(block))
            except (msgspec.DecodeError, UnicodeDecodeError):  # raw parts are not checked with the line
                raise Unreadable("headers are not valid UTF-8 JSON") from None
            if len(self._blocks) >= _MAX_BLOCKS:
                self._blocks.clear()
            self._blocks[block] = headers
        return headers

    def _bare(self, where: str, line: bytes) -> Exchange:
        headers = (("Content-Type", "application/json"),)
        body = line.strip()
        return self._builder.exchange(where=where, method="POST", target=self._post, headers=headers, body=body)


def jsonl_of(exchanges: Iterator[Exchange]) -> Iterator[bytes]:
    """Exchanges as capture lines."""
    return map(line_of, exchanges)


def line_of(exchange: Exchange) -> bytes:
    """One capture line, with its newline."""
    request = exchange.request
    record: dict[str, Any] = {"v": VERSION, "id": exchange.id}
    if exchange.captured_at is not None:
        record["ts"] = exchange.captured_at
    if exchange.session is not None:
        record["session"] = exchange.session
    record["method"] = request.method
    record["target"] = request.target
    record["headers"] = [list(pair) for pair in request.headers]
    if request.body:
        _put_body(record, request.body)
    record["body_state"] = str(exchange.body_state)
    if exchange.tags:
        record["tags"] = list(exchange.tags)
    if exchange.expect is not None:
        record["expect"] = msgspec.to_builtins(exchange.expect)
    answer = exchange.recorded
    if answer is not None:
        out: dict[str, Any] = {"status": answer.status, "headers": [list(pair) for pair in answer.headers]}
        if answer.truncated:
            out["truncated"] = True
        elif answer.body:
            _put_body(out, answer.body)
        if exchange.blue is not None:
            out["ttfb_s"] = round(exchange.blue.first_byte_s, 6)
            out["total_s"] = round(exchange.blue.total_s, 6)
        record["response"] = out
    elif exchange.recorded_status:
        record["response"] = {"status": exchange.recorded_status}
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def _put_body(record: dict[str, Any], body: bytes) -> None:
    try:
        record["body"] = body.decode("utf-8")
    except UnicodeDecodeError:
        record["body_b64"] = base64.b64encode(body).decode("ascii")


def _body(record: _Line) -> tuple[bytes, bool]:
    if record.json is not _NOTHING:
        return bytes(record.json), True
    if record.body_b64 is not None:
        return _unbase64(record.body_b64), True
    if isinstance(record.body, str):
        return record.body.encode("utf-8", "surrogatepass"), True
    if record.body is not None:
        return msgspec.json.encode(record.body), True
    return b"", False


def _recorded(answer: _Response | None) -> Response | None:
    if answer is None or not answer.status or answer.truncated:
        return None  # of a part of an answer only the status can be compared
    body = b""
    if answer.json is not _NOTHING:
        body = bytes(answer.json)
    elif answer.body_b64 is not None:
        body = _unbase64(answer.body_b64)
    elif answer.body is not None:
        body = answer.body.encode("utf-8", "surrogatepass")
    headers = header_pairs(answer.headers)
    if answer.json is not _NOTHING and not _has(headers, "content-type"):
        headers = (*headers, ("Content-Type", "application/json"))
    return Response(status=answer.status, headers=headers, body=body, size=len(body))


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("body_b64 is no valid base64") from None


def _has(headers: Headers, name: str) -> bool:
    return any(key.lower() == name for key, _ in headers)


def _short(error: Exception) -> str:
    return str(error).replace("JSON is malformed: ", "")[:120]
