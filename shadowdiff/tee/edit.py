"""Change what one target gets: path prefix, headers, query parameters, JSON body values (`[[rewrite]]`).

Filters see the captured request, edits come last: after correlation and isolation, so that the
user's word is final. What no edit names stays byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote, unquote_plus

import msgspec

from shadowdiff.model.exchange import Headers, Request
from shadowdiff.tee.place import splice


class Edit(msgspec.Struct, frozen=True):
    """One [[rewrite]] table with its values resolved."""

    match: str = "*"
    path_prefix: str = ""
    replace_prefix: Mapping[str, str] = {}
    set_header: Mapping[str, str] = {}
    add_header: Mapping[str, str] = {}
    remove_header: Sequence[str] = ()
    set_query: Mapping[str, str] = {}
    remove_query: Sequence[str] = ()
    set_json: Mapping[str, Any] = {}
    remove_json: Sequence[str] = ()

    def applies(self, captured: Request) -> bool:
        """Whether this edit is for the captured request."""
        return self.match == "*" or fnmatchcase(f"{captured.method} {captured.path}", self.match)

    def apply(self, target: str, headers: Headers, body: bytes) -> tuple[str, Headers, bytes]:
        """(target, headers, body) with this edit."""
        return self._target(target), self._headers(headers), self._body(body)

    def _target(self, target: str) -> str:
        path, mark, query = target.partition("?")
        for old, new in self.replace_prefix.items():
            if path == old or path.startswith(old.rstrip("/") + "/"):
                path = new.rstrip("/") + path[len(old.rstrip("/")) :] or "/"
                break
        path = self.path_prefix.rstrip("/") + path
        if not self.set_query and not self.remove_query:
            return path + mark + query
        left = dict(self.set_query)
        parts = []
        for part in query.split("&") if query else ():
            key = unquote_plus(part.partition("=")[0])
            if key in self.remove_query:
                continue
            if key in self.set_query:
                if key in left:
                    parts.append(_pair(key, left.pop(key)))
                continue
            parts.append(part)
        parts += [_pair(key, value) for key, value in left.items()]
        return f"{path}?{'&'.join(parts)}" if parts else path

    def _headers(self, headers: Headers) -> Headers:
        if not self.set_header and not self.add_header and not self.remove_header:
            return headers
        removed = {name.lower() for name in self.remove_header}
        left = {name.lower(): (name, value) for name, value in self.set_header.items()}
        fresh = dict(left)
        out = []
        for name, value in headers:
            lower = name.lower()
            if lower in removed:
                continue
            if lower not in fresh:
                out.append((name, value))
            elif lower in left:
                out.append((name, left.pop(lower)[1]))
        return (*out, *left.values(), *self.add_header.items())

    def _body(self, body: bytes) -> bytes:
        if not body or (not self.set_json and not self.remove_json):
            return body
        for pointer, value in self.set_json.items():
            body = _json(body, pointer, value, remove=False)
        for pointer in self.remove_json:
            body = _json(body, pointer, None, remove=True)
        return body


def _pair(key: str, value: str) -> str:
    return f"{quote(key, safe='')}={quote(value, safe='')}"


def _json(body: bytes, pointer: str, value: Any, *, remove: bool) -> bytes:
    """`body` with the value at `pointer` set or removed; what is no JSON, or has no such parent, stays."""
    try:
        root = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    *parents, key = [part.replace("~1", "/").replace("~0", "~") for part in pointer.lstrip("/").split("/")]
    node: Any = root
    for step in parents:
        node = node[int(step)] if _indexes(node, step) else node.get(step) if isinstance(node, dict) else None
    if _indexes(node, key):
        if remove:
            del node[int(key)]
        else:
            node[int(key)] = value
    elif not isinstance(node, dict):
        return body
    elif remove:
        if key not in node:
            return body
        del node[key]
    elif key in node:
        return splice(body, root, node, key, value)
    else:
        node[key] = value
    return msgspec.json.encode(root)


def _indexes(node: Any, step: str) -> bool:
    return isinstance(node, list) and step.isdecimal() and int(step) < len(node)
