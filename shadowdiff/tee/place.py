"""Name the places of a request where an id can stand; read them, and change them without touching the rest.

header:Name, cookie:name, query:name, path:/threads/* (`*` is the id, `+` any one segment),
form:name (urlencoded bodies) and json:/pointer (array indices allowed). Everything around a changed
value stays byte for byte; a JSON body is written anew only where the value's bytes are ambiguous.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

import msgspec
import orjson

from shadowdiff.errors import UsageError
from shadowdiff.model.exchange import Headers, Request, json_at

KINDS = ("header", "cookie", "query", "path", "form", "json")
SPELLING = "header:Name, cookie:name, query:name, path:/threads/*, form:name or json:/pointer"

Swap = Callable[[str, str], str]
"""(old value, label of its place) to the new value; the old one to leave it."""


class Place(msgspec.Struct, frozen=True):
    """One place, e.g. kind `json`, name `/session_id`."""

    kind: str
    name: str

    @property
    def label(self) -> str:
        """As written in config."""
        return f"{self.kind}:{self.name}"


def place(text: str, where: str) -> Place:
    """Parse a place. Raises `UsageError` naming `where`."""
    kind, _, name = text.partition(":")
    if kind in ("header", "cookie", "query", "form") and name:
        return Place(kind, name.lower() if kind == "header" else name)
    if (kind == "json" and name.startswith("/")) or (kind == "path" and name.startswith("/") and "*" in name):
        return Place(kind, name)
    raise UsageError(f"{where}: {text!r} is no place; write {SPELLING}")


def read(found: Place, request: Request) -> str:
    """The value at a place, or an empty string."""
    name = found.name
    if found.kind == "json":
        return json_at(request.body, name)
    if found.kind == "header":
        return next((value for key, value in request.headers if key.lower() == name), "")
    if found.kind == "cookie":
        return next((value for key, value in cookies(request.headers) if key == name), "")
    seen: list[str] = []

    def look(old: str, _: str) -> str:
        seen.append(old)
        return old

    editor = Places([found])
    if found.kind == "form":
        editor.body(request.body, request.headers, look)
    else:
        editor.target(request.target, look)
    return seen[0] if seen else ""


def cookies(headers: Headers) -> Iterator[tuple[str, str]]:
    """(name, value) of every cookie the request carries, in order."""
    for key, value in headers:
        if key.lower() == "cookie":
            for part in value.split(";"):
                name, eq, content = part.strip().partition("=")
                if eq:
                    yield name, content


class Places:
    """Changes the values at a set of places."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._headers = {p.name: p.label for p in places if p.kind == "header"}
        self._cookies = {p.name: p.label for p in places if p.kind == "cookie"}
        self._query = {p.name: p.label for p in places if p.kind == "query"}
        self._form = {p.name: p.label for p in places if p.kind == "form"}
        self._paths = [(p.name.split("/"), p.label) for p in places if p.kind == "path"]
        self._json = [(_steps(p.name), _needle(p.name), p.label) for p in places if p.kind == "json"]

    @property
    def in_target(self) -> bool:
        """Whether any of the places lies in the path or the query."""
        return bool(self._query or self._paths)

    def touches(self, name: str) -> bool:
        """Whether a header of this name may hold a value to change."""
        lower = name.lower()
        return lower in self._headers or (lower == "cookie" and bool(self._cookies))

    def headers(self, headers: Headers, swap: Swap) -> Headers:
        """`headers` with every named header and cookie swapped."""
        if not self._headers and not self._cookies:
            return headers
        return tuple(self._header(name, value, swap) for name, value in headers)

    def _header(self, name: str, value: str, swap: Swap) -> tuple[str, str]:
        lower = name.lower()
        if label := self._headers.get(lower):
            return name, swap(value, label)
        if lower == "cookie" and self._cookies:
            parts = []
            for part in value.split(";"):
                bare = part.lstrip()
                key, eq, old = bare.partition("=")
                if eq and key in self._cookies:
                    part = f"{part[: len(part) - len(bare)]}{key}={swap(old, self._cookies[key])}"
                parts.append(part)
            return name, ";".join(parts)
        return name, value

    def target(self, target: str, swap: Swap) -> str:
        """`target` with its path segments and query values swapped."""
        if not self._query and not self._paths:
            return target
        path, mark, query = target.partition("?")
        for pattern, label in self._paths:
            path = _segments(path, pattern, label, swap)
        if query and self._query:
            query = _pairs(query, self._query, swap, unquote, lambda text: quote(text, safe=""))
        return path + mark + query

    def body(self, body: bytes, headers: Headers, swap: Swap) -> bytes:
        """`body` with its JSON and form values swapped; any other body stays."""
        if not body:
            return body
        for steps, needle, label in self._json:
            if needle in body:  # parsing every body would cost more than sending it
                body = _json_value(body, steps, label, swap)
        if self._form and _is_form(headers):
            try:
                text = body.decode("ascii")
            except UnicodeDecodeError:
                return body
            body = _pairs(text, self._form, swap, unquote_plus, quote_plus).encode("ascii")
        return body


def _segments(path: str, pattern: list[str], label: str, swap: Swap) -> str:
    parts = path.split("/")
    if len(parts) < len(pattern):
        return path
    if any(want not in ("*", "+", have) for want, have in zip(pattern, parts, strict=False)):
        return path
    for index, want in enumerate(pattern):
        if want == "*" and parts[index]:
            old = unquote(parts[index])
            new = swap(old, label)
            if new != old:
                parts[index] = quote(new, safe="")
    return "/".join(parts)


def _pairs(
    text: str, names: dict[str, str], swap: Swap, unpack: Callable[[str], str], pack: Callable[[str], str]
) -> str:
    parts = text.split("&")
    for index, part in enumerate(parts):
        key, eq, raw = part.partition("=")
        if eq and key in names:
            old = unpack(raw)
            new = swap(old, names[key])
            if new != old:
                parts[index] = f"{key}={pack(new)}"
    return "&".join(parts)


def _is_form(headers: Headers) -> bool:
    return any(key.lower() == "content-type" and "x-www-form-urlencoded" in value.lower() for key, value in headers)


def _steps(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.lstrip("/").split("/")]


def _needle(pointer: str) -> bytes:
    """The last key by name, for a look before parsing."""
    return next((step.encode() for step in reversed(_steps(pointer)) if not step.isdecimal()), b"")


def _json_value(body: bytes, steps: list[str], label: str, swap: Swap) -> bytes:
    try:
        root = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    node = _down(root, steps[:-1])
    key: Any = steps[-1]
    if isinstance(node, list) and key.isdecimal() and int(key) < len(node):
        key = int(key)
    elif not isinstance(node, dict) or key not in node:
        return body
    old = node[key]
    if isinstance(old, bool) or not isinstance(old, str | int) or old == "":
        return body
    new = swap(str(old), label)
    if new == str(old):
        return body
    return splice(body, root, node, key, int(new) if isinstance(old, int) and new.isdecimal() else new)


def _down(node: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if isinstance(node, dict):
            node = node.get(step)
        elif isinstance(node, list) and step.isdecimal() and int(step) < len(node):
            node = node[int(step)]
        else:
            return None
    return node


def splice(body: bytes, root: Any, node: Any, key: Any, fresh: Any) -> bytes:
    """Change only the value's own bytes where they are unmistakable; else write the body anew."""
    if isinstance(key, str) and isinstance(node[key], str | int):
        name = re.escape(orjson.dumps(key))
        pattern = re.compile(name + rb"(\s*:\s*)" + re.escape(_dumps(node[key])) + rb"(?=[\s,}\]])")
        found = list(pattern.finditer(body))
        if len(found) == 1:
            end = found[0].end()
            start = found[0].end(1)
            return body[:start] + _dumps(fresh) + body[end:]
    node[key] = fresh
    return _dumps(root)


def _dumps(value: Any) -> bytes:
    return msgspec.json.encode(value)
