"""JSON Pointers (RFC 6901) as patterns: `*` is one segment, `**` any number, as in `/**/updated_at`."""

from __future__ import annotations

import re
from collections.abc import Sequence


def escape(key: str) -> str:
    """A key as a pointer segment."""
    return key.replace("~", "~0").replace("/", "~1") if "~" in key or "/" in key else key


def generalize(path: str) -> str:
    """The path with every array index as `*`: what varies at /items/3/id varies at any /items/*/id."""
    if not any(char.isdigit() for char in path):
        return path
    return "/".join("*" if part.isdigit() else part for part in path.split("/"))


class Patterns:
    """A set of pointer patterns, compiled once; our own translation, so no pattern can be slow."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._exact = frozenset(p for p in patterns if "*" not in p)
        globs = [_translate(p) for p in patterns if "*" in p]
        self._globs = re.compile("|".join(globs)) if globs else None

    def __bool__(self) -> bool:
        return bool(self._exact or self._globs)

    def match(self, path: str) -> bool:
        """Whether `path`, or something above it, is named."""
        if not self:
            return False
        while path:
            if path in self._exact or (self._globs is not None and self._globs.fullmatch(path)):
                return True
            path = path.rpartition("/")[0]
        return False


def _translate(pattern: str) -> str:
    out = ""
    for part in pattern.split("/")[1:]:
        if part == "**":
            out += "(?:/[^/]*)*"
        else:
            out += "/" + "[^/]*".join(re.escape(piece) for piece in part.split("*"))
    return out
