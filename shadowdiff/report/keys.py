"""Try every key that could name a session, and say how many sessions each would find, in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from shadowdiff.model.exchange import Exchange

MAX_KEYS = 60
MAX_VALUES = 20_000
_NAME = re.compile(
    r"(?i)(.*[_\-.])?(session|sess|sid|sessionid|conversation|chat|thread|dialog|user|client|visitor)([_\-.]?id)?"
)
_MAX_BODY = 256 << 10


class _Key(msgspec.Struct):
    exchanges: int = 0
    values: set[int] = msgspec.field(default_factory=set)


class Keys:
    """Counts distinct values by key: cookies, ip, and header, query and JSON names like sessions."""

    def __init__(self) -> None:
        self._keys: dict[str, _Key] = {}

    def add(self, exchange: Exchange) -> None:
        """Look at one exchange."""
        for key, value in _candidates(exchange):
            entry = self._keys.get(key)
            if entry is None:
                if len(self._keys) >= MAX_KEYS:
                    continue
                entry = self._keys[key] = _Key()
            entry.exchanges += 1
            if len(entry.values) < MAX_VALUES:
                entry.values.add(hash(value))

    def lines(self) -> Iterator[str]:
        """One line a key that groups anything, the one over most exchanges first."""
        for key, entry in sorted(self._keys.items(), key=lambda item: -item[1].exchanges):
            count = len(entry.values)
            if entry.exchanges > count or key == "capture":
                more = "at least " if count >= MAX_VALUES else ""
                flag = "the capture's own field" if key == "capture" else f"--session-by {key}"
                yield f"  {flag}: {more}{count} sessions over {entry.exchanges} exchanges"


def _candidates(exchange: Exchange) -> Iterator[tuple[str, str]]:
    request = exchange.request
    if exchange.session is not None:
        yield "capture", exchange.session
    for name, value in request.headers:
        lower = name.lower()
        if lower == "cookie":
            for part in value.split(";"):
                cookie, eq, content = part.strip().partition("=")
                if eq and not cookie.startswith("_"):
                    yield f"cookie:{cookie}", content
        elif lower == "x-forwarded-for":
            yield "ip", value
        elif _NAME.fullmatch(lower) and not lower.startswith("sec-"):
            yield f"header:{lower}", value
    for part in request.target.partition("?")[2].split("&"):
        name, eq, value = part.partition("=")
        if eq and value and _NAME.fullmatch(name):
            yield f"query:{name}", value
    if request.body[:1] == b"{" and len(request.body) <= _MAX_BODY:
        try:
            fields = msgspec.json.decode(request.body, type=dict[str, msgspec.Raw])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        for name, raw in fields.items():
            value = bytes(raw).decode("utf-8", "replace")
            if _NAME.fullmatch(name) and value[:1] not in ("{", "[") and value not in ('""', "null"):
                yield f"json:/{name}", value
