"""Streams of JSON events in no dialect we know: server-sent events, and JSON values line by line.

Chunk boundaries are the server's business, so events are folded: string leaves that vary are joined
by path, counters that only grow are dropped, other leaves keep their last value. NDJSON becomes a list.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from shadowdiff.decode.jsontext import MISSING, parse
from shadowdiff.decode.sse import events_of
from shadowdiff.model.exchange import Document, Response

_FIELDS = (b"data:", b"event:", b"id:", b"retry:")
_FIELD_LINE = re.compile(rb"[\r\n](?:data|event|id|retry):")
DONE = "[DONE]"


class EventStream:
    """Server-sent events and NDJSON without a known dialect."""

    def priority(self, response: Response, head: bytes) -> float:
        """By the bytes first; the header alone is not trusted."""
        kind = (response.header("content-type") or "").lower()
        if looks_like_sse(head) or (head.startswith(b":") and "event-stream" in kind):
            return 30.0
        if "ndjson" in kind or (head[:1] == b"{" and b"}\n{" in head):
            return 25.0
        return -1.0

    def decode(self, response: Response, body: bytes) -> Document:
        """A json document of the folded events, or of the list of lines."""
        if body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").startswith((*_FIELDS, b":")):
            return _fold_events(body)
        values = [parse(line) for line in body.split(b"\n") if line.strip()]
        if any(value is MISSING for value in values):
            return Document(kind="text", text=body.decode("utf-8", "replace"), note="NDJSON with a broken line")
        return Document(kind="json", value=values)


def looks_like_sse(head: bytes) -> bool:
    """Whether the body starts with a field of an event stream, or with a comment before one.

    A text may begin with a colon, so a comment alone does not tell.
    """
    return head.startswith(_FIELDS) or (head.startswith(b":") and _FIELD_LINE.search(head) is not None)


def _fold_events(body: bytes) -> Document:
    events, _ = events_of(body)
    note = "last event unterminated" if events and events[-1].unterminated else ""
    payloads = [event.data for event in events if event.data.strip() != DONE]
    values = [parse(data) for data in payloads]
    if any(value is MISSING for value in values):
        return Document(kind="text", text="\n".join(payloads), note=note)
    folded = values[0] if len(values) == 1 else fold(values)
    return Document(kind="json", value=folded, note=note)


def fold(values: list[Any]) -> Any:
    """One value that does not depend on where a text was cut into events."""
    if all(isinstance(value, dict) for value in values):
        keys = dict.fromkeys(key for value in values for key in value)
        out = {}
        for key in keys:
            leaf = fold([value[key] for value in values if key in value])
            if leaf is not MISSING:
                out[key] = leaf
        return out
    if all(isinstance(value, str) for value in values):
        return values[0] if len(set(values)) == 1 and len(values) > 1 else "".join(values)
    if len(values) > 1 and all(type(value) in (int, float) for value in values):
        if all(a < b for a, b in pairwise(values)):
            return MISSING  # a sequence number
        return values[-1]
    if all(isinstance(value, list) for value in values):
        return [item for value in values for item in value]
    return values[-1]
