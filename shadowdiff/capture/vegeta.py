"""Vegeta targets: the http format (request line, headers, `@body-file`) and the JSON lines.

A body file is read only from inside the folder of the targets file: a capture must not make us read others.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import orjson

from shadowdiff.capture.build import Builder, Unreadable, header_pairs, host_of
from shadowdiff.capture.files import beside, lines
from shadowdiff.model.exchange import BodyState, Exchange, Headers

_REQUEST = re.compile(rb"^([A-Z]+)\s+(\S+)\s*$")


class _Target(msgspec.Struct):
    method: str
    url: str
    body: str = ""
    header: dict[str, list[str]] = {}


class VegetaSource:
    """Reads one targets file; the two formats are told by each target's first byte."""

    def __init__(self, path: Path, builder: Builder, post: str = "") -> None:
        self._path = path
        self._builder = builder

    def stream(self) -> Iterator[Exchange]:
        """Every target in file order."""
        block: list[bytes] = []
        begun = 0
        for number, line in lines(self._path, self._builder.notice):
            if line.startswith(b"#"):
                continue
            starts = line.startswith(b"{") or _REQUEST.match(line) is not None
            if starts and block:
                yield from self._try(begun, block)
                block = []
            if not block:
                begun = number
            block.append(line)
        if block:
            yield from self._try(begun, block)

    def _try(self, number: int, block: list[bytes]) -> Iterator[Exchange]:
        where = f"{self._path.name}:{number}"
        try:
            yield self._json(where, block[0]) if block[0].startswith(b"{") else self._http(where, block)
        except Unreadable as why:
            self._builder.unreadable(f"{self._path}:{number}", str(why))

    def _json(self, where: str, line: bytes) -> Exchange:
        try:
            target = msgspec.json.decode(line, type=_Target)
            body = base64.b64decode(target.body, validate=True)
        except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error, ValueError) as error:
            raise Unreadable(f"no vegeta target ({error})") from None
        return self._make(where, target.method, target.url, header_pairs(target.header), body, None)

    def _http(self, where: str, block: list[bytes]) -> Exchange:
        match = _REQUEST.match(block[0])
        if match is None:
            raise Unreadable("no METHOD URL line")
        headers: list[tuple[str, str]] = []
        body, state = b"", None
        for line in block[1:]:
            if line.startswith(b"@"):
                body, state = self._file(line[1:].decode("utf-8", "replace"))
                break
            name, colon, value = line.partition(b":")
            if not colon:
                raise Unreadable("a line that is neither a header nor @body")
            headers.append((name.strip().decode("latin-1"), value.strip().decode("latin-1")))
        url = match[2].decode("utf-8", "surrogateescape")
        return self._make(where, match[1].decode("ascii"), url, tuple(headers), body, state)

    def _file(self, name: str) -> tuple[bytes, BodyState | None]:
        body = beside(self._path.parent, name)
        return (b"", BodyState.MISSING) if body is None else (body, None)

    def _make(
        self, where: str, method: str, url: str, headers: Headers, body: bytes, state: BodyState | None
    ) -> Exchange:
        if (host := host_of(url)) and not any(name.lower() == "host" for name, _ in headers):
            headers = (("Host", host), *headers)
        return self._builder.exchange(
            where=where, method=method, target=url, headers=headers, body=body, body_state=state
        )


def vegeta_of(exchanges: Iterator[Exchange], origin: str = "http://captured.invalid") -> Iterator[bytes]:
    """Exchanges as vegeta JSON targets; recorded answers, times and sessions have no place there."""
    for exchange in exchanges:
        request = exchange.request
        host = next((value for name, value in request.headers if name.lower() == "host"), "")
        header: dict[str, list[str]] = {}
        for name, value in request.headers:
            header.setdefault(name, []).append(value)
        target: dict[str, Any] = {
            "method": request.method,
            "url": (f"http://{host}" if host else origin) + request.target,
            "header": header,
        }
        if request.body:
            target["body"] = base64.b64encode(request.body).decode("ascii")
        yield orjson.dumps(target, option=orjson.OPT_APPEND_NEWLINE)
