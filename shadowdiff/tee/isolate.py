"""Keep blue, green and twin apart in stores they share: rewrite client-supplied ids per run and target.

Session keys and idempotency keys that the client supplies would make green continue blue's session,
or be answered from blue's idempotency record. Each is replaced by one of the same shape: a UUID
stays a UUID, other text gets a suffix. What was rewritten is counted by place and listed.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from urllib.parse import quote, unquote

import msgspec
import orjson

from shadowdiff.errors import UsageError
from shadowdiff.model.exchange import Headers, Role

DEFAULT_PLACES = (
    "header:idempotency-key",
    "header:x-idempotency-key",
    "header:x-session-id",
    "json:/session_id",
    "json:/idempotency_key",
)
_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")


class Place(msgspec.Struct, frozen=True):
    """Where an id can stand: header:Name, cookie:name, query:name or json:/pointer."""

    kind: str
    name: str

    @property
    def label(self) -> str:
        """As written in config."""
        return f"{self.kind}:{self.name}"


def place(text: str, where: str) -> Place:
    """Parse a place. Raises `UsageError` naming `where`."""
    kind, _, name = text.partition(":")
    if kind in ("header", "cookie", "query") and name:
        return Place(kind, name.lower() if kind == "header" else name)
    if kind == "json" and name.startswith("/"):
        return Place(kind, name)
    raise UsageError(f"{where}: {text!r} is no place; write header:Name, cookie:name, query:name or json:/pointer")


class Isolator:
    """Rewrites ids in requests; pure but for its counters."""

    def __init__(self, places: Sequence[Place], run: str) -> None:
        self._run = run
        self._headers = {p.name: p.label for p in places if p.kind == "header"}
        self._cookies = {p.name: p.label for p in places if p.kind == "cookie"}
        self._query = {p.name: p.label for p in places if p.kind == "query"}
        self._json = [
            (p.name.strip("/").split("/"), p.name.rsplit("/", 1)[1].encode(), p.label)
            for p in places
            if p.kind == "json"
        ]
        self.counts: dict[str, int] = {}
        """Rewrites by place, for the run's listing."""

    def new_value(self, old: str, role: Role) -> str:
        """The value `role` gets instead of `old`: always the same within a run."""
        if _UUID.fullmatch(old):
            return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._run}/{role}/{old}"))
        return f"{old}-sd{self._run[:6]}{role[0]}"

    def touches(self, name: str) -> bool:
        """Whether a header of this name may hold an id to rewrite."""
        lower = name.lower()
        return lower in self._headers or (lower == "cookie" and bool(self._cookies))

    def headers(self, headers: Headers, role: Role) -> Headers:
        """`headers` as `role` gets them."""
        return tuple(self._header(name, value, role) for name, value in headers)

    def _header(self, name: str, value: str, role: Role) -> tuple[str, str]:
        lower = name.lower()
        if label := self._headers.get(lower):
            return name, self._swap(value, role, label)
        if lower == "cookie" and self._cookies:
            pairs = [part.strip().partition("=") for part in value.split(";")]
            parts = [
                f"{key}={self._swap(old, role, self._cookies[key])}" if key in self._cookies else f"{key}{eq}{old}"
                for key, eq, old in pairs
            ]
            return name, "; ".join(parts)
        return name, value

    def target(self, target: str, role: Role) -> str:
        """`target` as `role` gets it."""
        if not self._query or "?" not in target:
            return target
        path, _, query = target.partition("?")
        parts = []
        for part in query.split("&"):
            key, eq, old = part.partition("=")
            if eq and key in self._query:
                part = f"{key}={quote(self._swap(unquote(old), role, self._query[key]), safe='')}"
            parts.append(part)
        return f"{path}?{'&'.join(parts)}"

    def body(self, body: bytes, role: Role) -> bytes:
        """`body` as `role` gets it; anything but JSON stays."""
        for steps, needle, label in self._json:
            if needle not in body:  # parsing every body would cost more than sending it
                continue
            try:
                root = msgspec.json.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError):
                return body
            node = root
            for step in steps[:-1]:
                node = node.get(step) if isinstance(node, dict) else None
            if isinstance(node, dict) and isinstance(node.get(steps[-1]), str):
                old = node[steps[-1]]
                fresh = self._swap(old, role, label)
                body = _splice(body, root, node, steps[-1], old, fresh)
        return body

    def _swap(self, old: str, role: Role, label: str) -> str:
        if not old:
            return old
        self.counts[label] = self.counts.get(label, 0) + 1
        return self.new_value(old, role)


def _splice(body: bytes, root: object, node: dict[str, object], key: str, old: str, fresh: str) -> bytes:
    """Change only the value's own bytes where they are unmistakable; else write the body anew."""
    quoted_old, quoted_new = orjson.dumps(old), orjson.dumps(fresh)
    pattern = re.compile(re.escape(orjson.dumps(key)) + rb"(\s*:\s*)" + re.escape(quoted_old))
    found = pattern.findall(body)
    if len(found) == 1:
        return pattern.sub(lambda m: orjson.dumps(key) + m[1] + quoted_new, body)
    node[key] = fresh
    return msgspec.json.encode(root)
