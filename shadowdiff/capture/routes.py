"""Name the route of a request: a template of bounded cardinality such as `GET /item/{id}`.

Segments that look like ids collapse by themselves; a folder with too many children pools the rest;
all routes together are capped. Config can name routes; `--route-by json:/model` or `header:X`
splits one busy endpoint by a value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec

from shadowdiff.errors import UsageError
from shadowdiff.model.exchange import Request, json_at
from shadowdiff.model.ids import PREFIXED_LETTERS

MAX_ROUTES = 400
MAX_CHILDREN = 40
MAX_SPLITS = 50
OTHER = "other"

_ID = re.compile(
    r"""\d+(?:[.,:_-]\d+)*                                      # numbers, dates, versions
    | [0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F-]{12,}           # UUID
    | (?=[0-9a-fA-F]*\d)[0-9a-fA-F]{8,}                         # hex with a digit
    | [A-Za-z]{1,8}[_-](?=[A-Za-z0-9]*\d)[A-Za-z0-9]{6,}        # ord_8f3a2b9c, sess-19af33
    | """
    + PREFIXED_LETTERS
    + r"""
    | (?=[A-Za-z0-9_-]*\d)(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{24,}
    | [^%@]+(?:@|%40)[^%@]+\.[A-Za-z]{2,}                       # mail address
    """,
    re.VERBOSE,
)


class Router:
    """Gives every request its route. Keeps a bounded memory of what it has named."""

    def __init__(self, named: Sequence[str] = (), route_by: str = "") -> None:
        """`named` are patterns like `POST /v1/chat/*`, first match wins; `route_by` as in --route-by."""
        self._named = tuple(pattern if " " in pattern else f"* {pattern}" for pattern in named)
        self._by = _splitter(route_by)
        self._cache: dict[tuple[str, str], str] = {}
        self._children: dict[str, set[str]] = {}
        self._routes: set[str] = set()
        self._splits: dict[str, set[str]] = {}

    def route(self, request: Request) -> str:
        """The route of `request`, e.g. `GET /item/{id}` or `POST /v1/chat [qwen-max]`."""
        key = (request.method, request.path)
        route = self._cache.get(key)
        if route is None:
            route = self._name(*key)
            if len(self._cache) < 20_000:
                self._cache[key] = route
        if self._by is None:
            return route
        return self._split(route, request)

    def _name(self, method: str, path: str) -> str:
        plain = f"{method} {path}"
        for pattern in self._named:
            if fnmatchcase(plain, pattern):
                return pattern if not pattern.startswith("* ") else f"{method} {pattern[2:]}"
        segments = ["{id}" if _ID.fullmatch(segment) else segment for segment in path.split("/")]
        parent = "/".join(segments[:-1])
        children = self._children.setdefault(f"{method} {parent}", set())
        last = segments[-1][:120]
        if last not in children:
            if len(children) >= MAX_CHILDREN:
                last = "{*}"
            children.add(last)
        return self._admit(f"{method} {parent}/{last}"[:200], method, segments)

    def _admit(self, route: str, method: str, segments: list[str]) -> str:
        if route in self._routes or len(self._routes) < MAX_ROUTES:
            self._routes.add(route)
            return route
        folder = f"{method} /{segments[1][:120]}/{{*}}" if len(segments) > 1 else OTHER
        if folder in self._routes or len(self._routes) < MAX_ROUTES + MAX_SPLITS:
            self._routes.add(folder)
            return folder
        return OTHER

    def _split(self, route: str, request: Request) -> str:
        value = self._by.value(request) if self._by else ""
        if not value:
            return route
        seen = self._splits.setdefault(route, set())
        if value not in seen and len(seen) >= MAX_SPLITS:
            value = OTHER
        seen.add(value)
        return f"{route} [{value[:60]}]"


class _Splitter(msgspec.Struct, frozen=True):
    kind: str
    name: str

    def value(self, request: Request) -> str:
        if self.kind == "header":
            return next((v for k, v in request.headers if k.lower() == self.name), "")
        return json_at(request.body, self.name)


def _splitter(text: str) -> _Splitter | None:
    if not text:
        return None
    kind, _, name = text.partition(":")
    if kind == "header" and name:
        return _Splitter(kind, name.lower())
    if kind == "json" and name.startswith("/"):
        return _Splitter(kind, name)
    raise UsageError(f"--route-by {text}: write json:/pointer or header:Name, e.g. json:/model")
