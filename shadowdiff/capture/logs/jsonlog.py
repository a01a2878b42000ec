"""Access logs with one JSON object a line: nginx (with and without escape=json), Envoy, Istio, Envoy Gateway.

In:  objects under the key names people use; see `ALIASES`. Out: exchanges; the END time that most log is
moved to the START where the line has a duration. Traps: peers-replay-and-formats.md 1.4.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from shadowdiff.capture.build import Builder, Unreadable, line_source, status_of, timestamp
from shadowdiff.capture.logs.access import WITH_BODY, clf_time, request_line
from shadowdiff.model.exchange import BodyState, Exchange, TimeKind

ALIASES = {
    "method": ("request_method", "method", "verb", ":method"),
    "target": ("request_uri", "x-envoy-origin-path", "path", "uri", "url", ":path"),
    "query": ("args", "query_string", "query"),
    "host": ("http_host", "authority", ":authority", "host", "server_name"),
    "status": ("status", "response_code", "response", "status_code"),
    "start": ("start_time",),
    "end": ("msec", "time_iso8601", "time", "@timestamp", "timestamp", "ts", "time_local"),
    "seconds": ("request_time",),
    "millis": ("duration",),
    "agent": ("http_user_agent", "user_agent", "user-agent", "agent", "ua"),
    "referer": ("http_referer", "referer"),
    "body": ("request_body", "body"),
    "length": ("request_length",),
    "type": ("content_type", "http_content_type"),
}
_TELLING = ("status", "response_code", "status_code", "request_uri", "request_method", ":authority", "upstream_addr")
_OURS = ("target", "v", "body_state", "json", "body_b64")
_HEX = re.compile(rb"\\x([0-9A-Fa-f]{2})")
_UNSET = (None, "", "-")


def parse(builder: Builder, where: str, line: bytes) -> Exchange:
    """The exchange of one line. Raises `Unreadable`."""
    record = loads(line)
    method, target = _requested(record)
    status = str(_get(record, "status") or "")
    host = _get(record, "host")
    headers = [("Host", str(host))] if host else []
    for name, alias in (("User-Agent", "agent"), ("Referer", "referer"), ("Content-Type", "type")):
        if value := _get(record, alias):
            headers.append((name, str(value)))
    body, state = _body(record, method)
    moment, kind = _time(record)
    return builder.exchange(
        where=where,
        method=method,
        target=target,
        headers=tuple(headers),
        body=body,
        body_state=state,
        captured_at=moment,
        time_kind=kind,
        recorded_status=status_of(status),
    )


JsonLogSource = line_source(parse)


def looks_like(record: Any) -> bool:
    """Whether a parsed line is an access log's: its fields are there and our own format's are not."""
    if not isinstance(record, dict) or any(key in record for key in _OURS):
        return False
    return any(key in record for key in _TELLING) or isinstance(record.get("request"), str)


def loads(line: bytes) -> dict[str, Any]:
    r"""A log line's object: strict JSON, then nginx's `\xHH` undone, then bytes that are no UTF-8 escaped."""
    record: Any = None
    try:
        record = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        fixed = _HEX.sub(lambda m: rb"\u00" + m[1], line)
        try:
            record = json.loads(fixed.decode("utf-8", "backslashreplace").replace("\\x", "\\\\x"))
        except (ValueError, RecursionError):
            raise Unreadable("no valid JSON, also with nginx's \\x escapes undone") from None
    if not isinstance(record, dict):
        raise Unreadable("no JSON object")
    return record


def _get(record: dict[str, Any], name: str) -> Any:
    for key in ALIASES[name]:
        value = record.get(key)
        if value not in _UNSET:
            return value
    return None


def _requested(record: dict[str, Any]) -> tuple[str, str]:
    method, target = _get(record, "method"), _get(record, "target")
    if not method or not target:
        line = record.get("request")
        if not isinstance(line, str):
            raise Unreadable("no method and target (request_method and request_uri, or request)")
        return request_line(line.encode("utf-8", "surrogateescape"))
    target = str(target)
    query = _get(record, "query")
    if query and "?" not in target:
        target = f"{target}?{query}"
    return str(method), target


def _body(record: dict[str, Any], method: str) -> tuple[bytes, BodyState | None]:
    """nginx leaves `$request_body` empty when the body went to disk: then the length gives it away."""
    body = _get(record, "body")
    if body is not None:
        raw = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        return raw.encode("utf-8", "surrogateescape"), None
    if method not in WITH_BODY:
        return b"", BodyState.EMPTY
    known = any(key in record for key in ALIASES["body"])
    length = _get(record, "length")
    small = isinstance(length, int) and length < 1024
    return b"", BodyState.EMPTY if known and small else BodyState.MISSING


def _time(record: dict[str, Any]) -> tuple[float | None, TimeKind]:
    started = timestamp(_get(record, "start"))
    if started is not None:
        return started, TimeKind.START
    value = _get(record, "end")
    ended = timestamp(value)
    if ended is None and isinstance(value, str):
        ended = clf_time(value)
    if ended is None:
        return None, TimeKind.NONE
    seconds, millis = _number(_get(record, "seconds")), _number(_get(record, "millis"))
    took = seconds if seconds is not None else None if millis is None else millis / 1000
    return (ended, TimeKind.END) if took is None else (ended - took, TimeKind.START)


def _number(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None
