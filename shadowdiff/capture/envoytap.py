"""Envoy's HTTP tap: buffered traces, one document a file or many after one another (admin sink).

In:  `http_buffered_trace` with request and response, snake or camel case. Out: exchanges; a body that the tap
cut (1 KiB unless configured) is truncated. Streamed segments carry no whole exchange and are counted
as unreadable. Facts: peers-replay-and-formats.md 1.5.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from shadowdiff.capture.build import Builder, Unreadable, each_record, status_of, timestamp
from shadowdiff.capture.jsonstream import each_element
from shadowdiff.model.exchange import BodyState, Exchange, Headers, Response, TimeKind

_ADDED = frozenset({"x-forwarded-proto", "x-request-id"})


class EnvoyTapSource:
    """Reads one tap file."""

    def __init__(self, path: Path, builder: Builder, post: str = "") -> None:
        self._path = path
        self._builder = builder

    def stream(self) -> Iterator[Exchange]:
        """Every buffered trace in file order."""
        raws = each_element(self._path, self._builder, "Envoy tap")
        return each_record(self._path, self._builder, raws, self._one, "tap trace", "[{}]")

    def _one(self, where: str, raw: bytes) -> tuple[Exchange]:
        record = msgspec.json.decode(raw)
        trace = _get(record, "http_buffered_trace")
        if trace is None:
            streamed = _get(record, "http_streamed_trace_segment") is not None
            raise Unreadable("a streamed segment: set `streaming: false` in the tap" if streamed else "no HTTP trace")
        request = _get(trace, "request") or {}
        pairs = _headers(request)
        named = dict(pairs)
        target = named.get(":path", "")
        host = named.get(":authority")
        headers = tuple(
            (name, value)
            for name, value in pairs
            if not name.startswith((":", "x-envoy-")) and name.lower() not in _ADDED
        )
        if host and not any(name.lower() == "host" for name, _ in headers):
            headers = (("host", host), *headers)
        body, cut = _body(request)
        declared = next((value for name, value in headers if name.lower() == "content-length"), "")
        state = BodyState.TRUNCATED if cut else None
        if not body and not cut and declared.strip("0"):
            state = BodyState.MISSING
        recorded, status = _answer(_get(trace, "response") or {})
        made = self._builder.exchange(
            where=where,
            method=named.get(":method", ""),
            target=target,
            headers=headers,
            body=body,
            body_state=state,
            captured_at=timestamp(_get(request, "headers_received_time")),
            time_kind=TimeKind.START,
            recorded=recorded,
            recorded_status=status,
        )
        return (made,)


def _get(node: Any, name: str) -> Any:
    """A field in snake or camel case."""
    if not isinstance(node, dict):
        return None
    if name in node:
        return node[name]
    first, *rest = name.split("_")
    return node.get(first + "".join(part.title() for part in rest))


def _headers(message: Any) -> Headers:
    out = []
    for item in _get(message, "headers") or ():
        value = item.get("value")
        if value is None:
            value = _unbase64(_get(item, "raw_value") or "").decode("latin-1")
        out.append((str(item["key"]), str(value)))
    return tuple(out)


def _body(message: Any) -> tuple[bytes, bool]:
    """(bytes, whether the tap cut them)."""
    body = _get(message, "body") or {}
    text = _get(body, "as_string")
    raw = text.encode("utf-8", "replace") if isinstance(text, str) else _unbase64(_get(body, "as_bytes") or "")
    return raw, bool(body.get("truncated"))


def _answer(message: Any) -> tuple[Response | None, int]:
    pairs = _headers(message)
    status = status_of(dict(pairs).get(":status", ""))
    body, cut = _body(message)
    if not status or cut:
        return None, status  # half an answer is no baseline; its status is
    headers = tuple(pair for pair in pairs if not pair[0].startswith((":", "x-envoy-")))
    return Response(status=status, headers=headers, body=body, size=len(body)), status


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        raise Unreadable("a body is no valid base64") from None
