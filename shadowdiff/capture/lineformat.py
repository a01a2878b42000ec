"""Tell what one line of a line-based capture is, by its own look.

In:  one line. Out: the registered source name that reads it, or None.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from shadowdiff.capture.build import Unreadable
from shadowdiff.capture.logs import jsonlog
from shadowdiff.capture.logs.access import LINE as ACCESS
from shadowdiff.capture.logs.proxies import ALB, ENVOY

VEGETA = re.compile(rb"^[A-Z]{3,8} https?://\S+\s*$")
_REQUEST = frozenset({"method", "url", "target", "path"})
_PEEK = 64 << 10


def line_format(line: bytes) -> str | None:
    """jsonl, jsonlog, vegeta, batch, access, envoy, alb or curl."""
    line = line.strip()
    if line.startswith(b"{"):
        return json_format(line)
    if line.startswith(b"curl "):
        return "curl"
    for name, pattern in (("alb", ALB), ("envoy", ENVOY), ("vegeta", VEGETA), ("access", ACCESS)):
        if pattern.match(line[:_PEEK]):
            return name
    return None


def json_format(line: bytes) -> str:
    """Which JSON dialect a line speaks; our own where nothing else claims it."""
    try:
        record: Any = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        try:
            record = jsonlog.loads(line)
        except Unreadable:
            return "jsonl"
    if not isinstance(record, dict):
        return "jsonl"
    if "custom_id" in record and isinstance(record.get("body"), dict):
        return "batch"
    if record.keys() & {"http_buffered_trace", "httpBufferedTrace"}:
        return "envoytap"
    if "call_type" in record and "startTime" in record:
        return "litellm"
    if isinstance(record.get("messages", record.get("conversations")), list) and not record.keys() & _REQUEST:
        return "messages"
    if "header" in record and record.keys() <= {"method", "url", "body", "header"}:
        return "vegeta"
    return "jsonlog" if jsonlog.looks_like(record) else "jsonl"
