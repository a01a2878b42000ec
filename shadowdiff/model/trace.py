"""Ids of traces: made from the run and the exchange, so that wire, metrics, logs and spans agree without a table.

Formats are those of W3C Trace Context (version 00).
"""

from __future__ import annotations

import hashlib
import re

_PARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


def trace_id(run: str, exchange: str) -> str:
    """32 hex digits for a pair."""
    return hashlib.blake2b(f"{run}\0{exchange}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def span_id(run: str, exchange: str, role: str) -> str:
    """16 hex digits for one side of a pair; role "" is the pair itself."""
    return hashlib.blake2b(f"{run}\0{exchange}\0{role}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def traceparent(run: str, exchange: str, role: str) -> str:
    """The header that a target gets."""
    return f"00-{trace_id(run, exchange)}-{span_id(run, exchange, role)}-01"


def parent_of(header: str) -> tuple[str, str] | None:
    """(trace id, span id) of a traceparent header, None for one that is none."""
    found = _PARENT.fullmatch(header.strip().lower())
    if found is None or not int(found[1], 16) or not int(found[2], 16):
        return None
    return found[1], found[2]
