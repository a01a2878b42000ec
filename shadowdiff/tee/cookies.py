"""One cookie jar a session and target: what a target sets goes back to it, and to nobody else.

Cookies are sent as a client of the capture would: those the captured request named, and, where the
recorded answer kept no Set-Cookie (sanitized captures, access logs), all that the target set.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

from shadowdiff.model.exchange import Response

MAX_COOKIES = 50


class _Cookie(msgspec.Struct):
    value: str
    path: str


class Jar:
    """The cookies one target set in one session (RFC 6265 sections 5.2 to 5.4, for a single host)."""

    def __init__(self) -> None:
        self._cookies: dict[str, _Cookie] = {}

    def take(self, response: Response, request_path: str) -> None:
        """Store what `response` sets; an expired or emptied cookie is forgotten."""
        for key, value in response.headers:
            if key.lower() == "set-cookie":
                self._one(value, request_path)

    def _one(self, text: str, request_path: str) -> None:
        pair, *attributes = text.split(";")
        name, eq, value = pair.partition("=")
        name = name.strip()
        if not eq or not name or any(char in text for char in "\r\n\0"):
            return
        path = request_path.rpartition("/")[0] or "/"
        dead = False
        for attribute in attributes:
            key, _, content = attribute.strip().partition("=")
            lower = key.lower()
            if lower == "path" and content.startswith("/"):
                path = content
            elif lower == "max-age":
                dead = content.strip().lstrip("-").isdecimal() and int(content) <= 0
            elif lower == "expires":
                dead = dead or _past(content)
        if dead:
            self._cookies.pop(name, None)
        elif name in self._cookies or len(self._cookies) < MAX_COOKIES:
            self._cookies[name] = _Cookie(value.strip(), path)

    def __bool__(self) -> bool:
        return bool(self._cookies)

    def matching(self, path: str, prefix: str = "") -> dict[str, str]:
        """Name to value of the cookies that belong to a request path, which the target sees behind `prefix`."""
        return {
            name: cookie.value
            for name, cookie in self._cookies.items()
            if _covers(cookie.path, path) or _covers(cookie.path, prefix + path)
        }


def _covers(prefix: str, path: str) -> bool:
    return path == prefix or (path.startswith(prefix) and (prefix.endswith("/") or path[len(prefix)] == "/"))


def _past(text: str) -> bool:
    try:
        moment = parsedate_to_datetime(text.strip().replace("-", " "))
    except (TypeError, ValueError, IndexError):
        return False
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) < datetime.now(UTC)
