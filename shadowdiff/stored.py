"""What is kept of a pair beside its comparison: the request and the answers, redacted, and back again.

A side holds status, headers, the decoded answer as text (`body`) and what the text alone would lose (`value`: the
parts of a chat answer, the tags of a page). `pair_of` gives scorers what they need to judge the pair again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from shadowdiff import personal, redact
from shadowdiff.model.exchange import (
    Chat,
    Document,
    Exchange,
    Expect,
    Failure,
    Observation,
    Pair,
    Request,
    Response,
    Role,
)

MAX_BODY = 64 << 10
MAX_EVENTS = 120
"""Arrivals of a stream that are kept, evenly thinned."""
_NUMBER = re.compile(r'^( *(?:"(?:[^"\\\n]|\\.)*": )?)(\d{11,19})(,?)$', re.MULTILINE)
NOT_STORED = "its answers were not stored (--store-bodies all keeps every one)"
CUT = "a stored answer is cut"
BINARY = "an answer is no text"


def fields(pair: Pair, max_body: int = MAX_BODY) -> dict[str, Any]:
    """The fields `request`, `blue`, `green` and, where a control was asked, `twin` of a line."""
    asked = pair.exchange.request
    request: dict[str, Any] = {
        "method": asked.method,
        "target": redact.target(asked.target),
        "headers": redact.headers(asked.headers),
        "body": redact.text(asked.body[:max_body].decode("utf-8", "replace")),
    }
    if pair.exchange.expect is not None:
        request["expect"] = msgspec.to_builtins(pair.exchange.expect)
    out = {
        "request": request,
        "blue": _side(pair.blue, pair.blue_doc, max_body),
        "green": _side(pair.green, pair.green_doc, max_body),
    }
    if pair.twin is not None:
        out["twin"] = _side(pair.twin, pair.twin_doc, max_body)
    return out


def shown(side: dict[str, Any]) -> str:
    """A stored answer for people: the text, then the other parts of a chat answer."""
    body = str(side.get("body", ""))
    parts = side.get("value")
    if side.get("kind") != "chat" or not isinstance(parts, dict):
        return body
    return "\n".join([body, "", *(f"{name}: {_json(value).decode()}" for name, value in parts.items())])


def pair_of(line: dict[str, Any]) -> Pair | str:
    """The pair of a line, decoded, or why it cannot be judged again."""
    if "request" not in line:
        return NOT_STORED
    sides = {role: line[role] for role in ("blue", "green", "twin") if role in line}
    for side in sides.values():
        if side.get("cut"):
            return CUT
        if side.get("kind") == "binary":
            return BINARY
    if line.get("control") and "twin" not in sides:
        return NOT_STORED
    asked = line["request"]
    exchange = Exchange(
        id=line["id"],
        seq=line["seq"],
        request=Request(
            asked["method"], asked["target"], tuple(map(tuple, asked["headers"])), asked["body"].encode()
        ),
        route=line["route"],
        unit=line["unit"],
        session=line.get("session"),
        turn=line.get("turn", 0),
        recorded_status=line["status"][0],
        expect=msgspec.convert(asked["expect"], Expect) if "expect" in asked else None,
        source=line.get("source", ""),
    )
    seen = {role: _seen(Role(role), side) for role, side in sides.items()}
    documents = {role: _document(side) for role, side in sides.items()}
    return Pair(
        exchange,
        seen["blue"],
        seen["green"],
        seen.get("twin"),
        documents["blue"],
        documents["green"],
        documents.get("twin"),
    )


def _side(seen: Observation, document: Document | None, max_body: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if seen.failure is not None:
        out["failure"] = str(seen.failure)
        out["detail"] = seen.detail
    response = seen.response
    if response is None:
        return out
    out["status"] = response.status
    out["headers"] = redact.headers(response.headers)
    out["size"] = response.size
    if len(response.events) > 1:
        out["events"] = _arrivals(response.events, response.size)
    text, value = _parts(response.body, document)
    out["kind"] = document.kind if document is not None else "text"
    out["body"] = redact.text(text[:max_body])
    cut = len(text) > max_body or response.truncated
    if value is not None:
        kept = redact.text(_readable(value))
        if len(kept) <= max_body:
            out["value"] = _parsed(kept)
        cut = cut or out.get("value") is None
    if cut:
        out["cut"] = True
    return out


def _arrivals(events: Sequence[tuple[int, float]], size: int) -> list[list[float]]:
    """[milliseconds since sent, bytes from here on] of the chunks of a stream; the last entry ends it."""
    step = -(-len(events) // MAX_EVENTS)
    kept = [*events[::step], *([events[-1]] if (len(events) - 1) % step else [])]
    return [[round(1000 * seconds, 1), offset] for offset, seconds in kept] + [[round(1000 * events[-1][1], 1), size]]


def _parts(body: bytes, document: Document | None) -> tuple[str, Any]:
    """(the text that is kept, what else must be)."""
    if document is None or document.kind == "empty":
        return body.decode("utf-8", "replace"), None
    if document.kind == "binary":
        return f"({len(body)} bytes, not text)", None
    if document.kind == "chat" and isinstance(document.value, dict):
        return document.text, {name: value for name, value in document.value.items() if name != "text"}
    if document.kind == "json":
        return _readable(document.value), None
    return document.text, document.value


def _seen(role: Role, side: dict[str, Any]) -> Observation:
    failure = Failure(side["failure"]) if "failure" in side else None
    if "status" not in side:
        return Observation(role=role, failure=failure, detail=side.get("detail", ""))
    body = _json([side["body"], side.get("value")]) if side["body"] else b""
    response = Response(side["status"], tuple(map(tuple, side["headers"])), body, side["size"])
    return Observation(role=role, response=response, failure=failure, detail=side.get("detail", ""))


def _document(side: dict[str, Any]) -> Document | None:
    if "status" not in side:
        return None
    kind, body, value = side.get("kind", "text"), side["body"], side.get("value")
    if kind == "json":
        return Document(kind="json", value=_parsed(body))
    if kind == "chat":
        parts = value if isinstance(value, dict) else {}
        chat = Chat(text=body, citations=tuple(map(str, parts.get("citations") or ())))
        return Document(kind="chat", value={"text": body, **parts}, text=body, chat=chat)
    return Document(kind=kind, value=value, text=body if kind != "empty" else "")


def _parsed(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _readable(value: Any) -> str:
    """JSON, a value a line. A number that names a person becomes a string here, so that what is stored stays JSON."""
    text = msgspec.json.format(_json(value), indent=2).decode("utf-8", "replace")
    return _NUMBER.sub(lambda m: f'{m[1]}"{redact.MARK}"{m[3]}' if personal.named(m[2]) else m[0], text)


def _json(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except (ValueError, OverflowError, RecursionError, TypeError):
        return msgspec.json.encode(repr(value))
