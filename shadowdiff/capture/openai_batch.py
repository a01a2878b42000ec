"""OpenAI Batch input files: `{"custom_id","method","url","body"}` a line; method and url may be missing.

`--post PATH` names the url for files that leave it out (Together's do).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from shadowdiff.capture.build import Builder, Unreadable, each_line
from shadowdiff.model.exchange import Exchange

DEFAULT_URL = "/v1/chat/completions"


class _Line(msgspec.Struct):
    custom_id: str
    body: msgspec.Raw
    method: str = "POST"
    url: str = ""


_decode = msgspec.json.Decoder(_Line).decode


class BatchSource:
    """Reads one batch file; the body goes out byte for byte."""

    def __init__(self, path: Path, builder: Builder, post: str = "") -> None:
        self._path = path
        self._builder = builder
        self._url = post or DEFAULT_URL

    def stream(self) -> Iterator[Exchange]:
        """Every request in file order."""
        return each_line(self._path, self._builder, self.one)

    def one(self, where: str, line: bytes) -> Exchange:
        """The exchange of one line. Raises `Unreadable`."""
        try:
            record = _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unreadable(f"no batch line ({str(error)[:80]})") from None
        return self._builder.exchange(
            where=where,
            id=record.custom_id,
            method=record.method,
            target=record.url or self._url,
            headers=(("Content-Type", "application/json"),),
            body=bytes(record.body),
        )
