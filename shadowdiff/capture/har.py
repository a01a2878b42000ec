"""HAR 1.2 as browsers and proxies really write it.

In:  one JSON document; entries are decoded one by one, so that a bad one never loses the file.
Out: exchanges with the recorded answer. Facts about each browser's habits: peers-replay-and-formats.md 1.2.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import orjson

from shadowdiff.capture.build import Builder, Unreadable, each_record, header_pairs, host_of, timestamp
from shadowdiff.capture.jsonstream import each_element
from shadowdiff.model.exchange import BodyState, Exchange, Headers, Response, TimeKind


class HarSource:
    """Reads one HAR file."""

    def __init__(self, path: Path, builder: Builder, post: str = "") -> None:
        self._path = path
        self._builder = builder

    def stream(self) -> Iterator[Exchange]:
        """Every HTTP entry in file order; entries that are no exchange are counted with their number."""
        raws = each_element(self._path, self._builder, "HAR", "log", "entries")
        return each_record(self._path, self._builder, raws, self._entry, "HAR entry", "entries[{}]")

    def _entry(self, where: str, raw: bytes) -> tuple[Exchange]:
        return (self._one(where, _loads(raw)),)

    def _one(self, where: str, entry: dict[str, Any]) -> Exchange:
        request = entry.get("request")
        if not isinstance(request, dict):
            raise Unreadable("entry has no request")
        if entry.get("_webSocketMessages") is not None or request.get("url", "").startswith(("ws:", "wss:")):
            raise Unreadable("a WebSocket, not an HTTP exchange")
        url = request.get("url") or ""
        headers = header_pairs(request.get("headers"))
        if (host := host_of(url)) and not any(name.lower() == "host" for name, _ in headers):
            headers = (("Host", host), *headers)
        if not any(name.lower() == "cookie" for name, _ in headers) and request.get("cookies"):
            jar = "; ".join(f"{c['name']}={c.get('value', '')}" for c in request["cookies"])
            headers = (*headers, ("Cookie", jar))
        body, state = _post_data(request, headers)
        return self._builder.exchange(
            where=where,
            method=request.get("method") or "",
            target=url,
            headers=headers,
            body=body,
            body_state=state,
            captured_at=timestamp(entry.get("startedDateTime")),
            time_kind=TimeKind.START,
            recorded=_recorded(entry.get("response")),
            recorded_status=_status(entry.get("response")),
        )


def har_of(exchanges: Iterator[Exchange], origin: str = "http://captured.invalid") -> Iterator[bytes]:
    """Write exchanges as one HAR document, piece by piece."""
    yield b'{"log":{"version":"1.2","creator":{"name":"shadowdiff","version":"1"},"entries":['
    for number, exchange in enumerate(exchanges):
        yield (b"," if number else b"") + orjson.dumps(_entry(exchange, origin))
    yield b"]}}\n"


def _entry(exchange: Exchange, origin: str) -> dict[str, Any]:
    request = exchange.request
    host = next((value for name, value in request.headers if name.lower() == "host"), "")
    base = f"http://{host}" if host else origin
    out: dict[str, Any] = {
        "method": request.method,
        "url": base + request.target,
        "httpVersion": "HTTP/1.1",
        "headers": [{"name": name, "value": value} for name, value in request.headers],
        "queryString": [],
        "cookies": [],
        "headersSize": -1,
        "bodySize": len(request.body),
    }
    if request.body:
        kind = next((v for k, v in request.headers if k.lower() == "content-type"), "")
        out["postData"] = {"mimeType": kind, **_text(request.body)}
    answer = exchange.recorded
    headers = answer.headers if answer else ()
    entry: dict[str, Any] = {
        "time": 0,
        "request": out,
        "response": {
            "status": exchange.recorded_status,
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "headers": [{"name": name, "value": value} for name, value in headers],
            "cookies": [],
            "content": {"size": answer.size if answer else 0, "mimeType": "", **_text(answer.body)}
            if answer
            else {"size": 0, "mimeType": ""},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
    }
    if exchange.captured_at is not None:
        moment = datetime.fromtimestamp(exchange.captured_at, UTC)
        entry["startedDateTime"] = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return entry


def _text(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode("ascii"), "encoding": "base64"}


def _loads(raw: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = json.loads(raw)
    if not isinstance(value, dict):
        raise Unreadable("entry is no object")
    return value


def _post_data(request: dict[str, Any], headers: Headers) -> tuple[bytes, BodyState | None]:
    """`text` wins over `params`: Chrome and Firefox write both for forms."""
    data = request.get("postData") or {}
    text = data.get("text")
    if text:
        if data.get("encoding") == "base64":
            try:
                return base64.b64decode(text, validate=True), None
            except binascii.Error:
                raise Unreadable("postData is no valid base64") from None
        try:
            body = text.encode("utf-8")
        except UnicodeEncodeError:
            return text.encode("utf-8", "replace"), BodyState.TRUNCATED
        return body, BodyState.TRUNCATED if "\ufffd" in text else None
    params = data.get("params") or []
    if params:
        if any("fileName" in p or "contentType" in p for p in params) or "multipart" in (data.get("mimeType") or ""):
            return b"", BodyState.MISSING
        pairs = [(p.get("name", ""), p.get("value", "")) for p in params]
        return urlencode(pairs).encode("ascii"), None
    length = next((v for k, v in headers if k.lower() == "content-length"), "")
    declared = request.get("bodySize") or 0
    if declared > 0 or (length.isdecimal() and length.strip("0")):
        return b"", BodyState.MISSING
    return b"", None


def _recorded(answer: Any) -> Response | None:
    """The answer where its body was kept: tools leave the text of a stream empty, and that is no empty answer."""
    status = _status(answer)
    if not status:
        return None
    content = answer.get("content") or {}
    text = content.get("text") or ""
    kind = str(content.get("mimeType") or "").lower()
    if not text and (content.get("size") or "event-stream" in kind):
        return None
    if content.get("encoding") == "base64":
        try:
            body = base64.b64decode(text)
        except (binascii.Error, ValueError):
            body = b""
    else:
        body = text.encode("utf-8", "replace")
    # content.text is already decoded although the content-encoding header stays
    headers = tuple(h for h in header_pairs(answer.get("headers")) if h[0].lower() != "content-encoding")
    return Response(status=status, headers=headers, body=body, size=len(body))


def _status(answer: Any) -> int:
    """0 means blocked, aborted or answered from cache."""
    status = answer.get("status") if isinstance(answer, dict) else 0
    return status if isinstance(status, int) and 100 <= status < 600 else 0
