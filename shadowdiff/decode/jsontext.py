"""JSON with exact numbers: big integers stay whole, unlike with decoders that turn them into floats.

msgspec reads strictly; what it refuses but people send (NaN, lone surrogates, 1e400) the standard
library reads. Text that merely starts with a JSON token ("3 results found") is no JSON.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from shadowdiff.decode.body import to_text
from shadowdiff.model.exchange import Document, Response

MISSING = object()
_SCALARS = frozenset(bytes([byte]) for byte in b'"-0123456789tfn')


class JsonText:
    """Whole-body JSON."""

    def priority(self, response: Response, head: bytes) -> float:
        """By the bytes: an object or array, or any JSON type where the header says so."""
        if head[:1] in (b"{", b"["):
            return 20.0
        kind = (response.header("content-type") or "").lower()
        if "json" in kind and "ndjson" not in kind:
            return 15.0
        return 5.0 if head[:1] in _SCALARS else -1.0

    def decode(self, response: Response, body: bytes) -> Document:
        """A json document, or plain text when it does not parse."""
        kind = (response.header("content-type") or "").lower()
        value = parse(body)
        if value is MISSING and not body.isascii():
            value = parse(to_text(body, kind))  # in another charset
        if value is MISSING:
            note = "declared as JSON but does not parse" if "json" in kind else ""
            return Document(kind="text", text=to_text(body, kind), note=note)
        return Document(kind="json", value=value)


def parse(data: bytes | str) -> Any:
    """The parsed value, or `MISSING` when it is no JSON."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    except RecursionError:
        return MISSING
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return MISSING
