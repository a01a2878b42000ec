"""Find values that a target minted: at one place of recorded and live answer, different, and shaped like an id.

In:  two decoded answers. Out: (label of the place, recorded value, live value). Automatic discovery
takes only values that look random, or that stand under a name such as id, token, csrf; words, dates,
small numbers, versions and short values are left alone, since other requests may carry them by chance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

import msgspec

from shadowdiff.model.exchange import Response
from shadowdiff.model.ids import PREFIXED_LETTERS

MIN_LENGTH = 8
MAX_LENGTH = 4096
MAX_BODY = 256 << 10
"""Larger bodies are not searched by themselves: parsing them would hold the event loop."""
MAX_VALUES = 2000
MAX_EVENTS = 200

Unpack = Callable[[Response], bytes]

_TOKEN = re.compile(r"[A-Za-z0-9_\-.~+/=:|]*[A-Za-z0-9][A-Za-z0-9_\-.~+/=:|]*")
_UUID = re.compile(r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}")
_DATE = re.compile(r"\d{4}-?\d\d-?\d\d([T ].*)?|[A-Z][a-z]{2}, \d\d? .*|\d{1,3}(\.\d{1,3}){3}(:\d+)?")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")
NAMED = re.compile(
    r"(?i)(^|.*[_\-/])(id|ids|token|key|sid|uid|uuid|guid|csrf|xsrf|nonce|session|sessionid|thread|cursor|csrftoken|ref)"
    r"|.*(Id|ID|Token|Key|Uuid)"
)
_PREFIXED = re.compile(PREFIXED_LETTERS)
_RUN = re.compile(r"[A-Za-z0-9]+")
_SNOWFLAKE = 15
_QUIET = frozenset(
    {"date", "expires", "last-modified", "content-length", "content-type", "age", "cache-control", "vary"}
)


class Found(msgspec.Struct):
    """One kind of value that targets mint, for the run's listing."""

    source: str
    why: str
    sessions: int = 0
    replaced: dict[str, int] = {}
    absent: dict[str, int] = {}


def minted(recorded: Response, live: Response, unpack: Unpack) -> Iterator[tuple[str, str, str]]:
    """(label, recorded value, live value) of every value that only a target can have made up."""
    before, after = _values(recorded, unpack), _values(live, unpack)
    for label, old in before.items():
        new = after.get(label)
        if new is None or new == old:
            continue
        if _is_url(old) and _is_url(new):
            yield from _parts(label, old, new)
        elif looks_minted(old, label) and fits(new):
            yield label, old, new


def looks_minted(value: str, label: str = "") -> bool:
    """Whether a value looks made up by a machine for one use."""
    if not MIN_LENGTH <= len(value) <= MAX_LENGTH or not _TOKEN.fullmatch(value):
        return False
    if _NUMBER.fullmatch(value):
        return len(value) >= _SNOWFLAKE and value.isdecimal()
    if _DATE.fullmatch(value):
        return False
    if _UUID.fullmatch(value):
        return True
    if NAMED.fullmatch(label.rpartition(":")[2].rpartition("/")[2]):
        if any(char.isdigit() for char in value):
            return True
        longest = max(_RUN.findall(value), key=len)  # one random id in sixty has no digit
        if len(longest) >= 1.5 * MIN_LENGTH and _turns(longest) >= 0.15 * (len(longest) - 1):
            return True
    if _PREFIXED.fullmatch(value):
        return _turns(value) >= 0.3 * (len(value) - 1 - value.index("_"))
    runs = [run for run in _RUN.findall(value) if len(run) >= MIN_LENGTH]
    if runs:
        return any(_random(run) for run in runs)
    return sum(char.isalnum() for char in value) >= 2 * MIN_LENGTH and _turns(value) >= 0.35 * (len(value) - 1)


def fits(value: str) -> bool:
    """Whether a live value can stand in a path, header or JSON string as it is."""
    return 1 < len(value) <= MAX_LENGTH and _TOKEN.fullmatch(value) is not None


def _random(run: str) -> bool:
    """Whether letters and digits look drawn rather than written; words in camel case turn seldom."""
    if any(char.isdigit() for char in run):
        return _turns(run) >= 0.2 * (len(run) - 1)
    return len(run) >= 2 * MIN_LENGTH and _turns(run) >= 0.4 * (len(run) - 1)


def _turns(value: str) -> int:
    """How often the kind of character changes: often in random text, seldom in words and numbers."""
    kinds = ["d" if c.isdigit() else "u" if c.isupper() else "l" if c.islower() else "-" for c in value]
    return sum(one != two and "-" not in (one, two) for one, two in pairwise(kinds))


def _is_url(value: str) -> bool:
    return value.startswith("/") or "://" in value[:10]


def _parts(label: str, old: str, new: str) -> Iterator[tuple[str, str, str]]:
    """Aligned parts of two paths or URLs of the same shape."""
    one, two = re.split(r"[/?&=#]", old), re.split(r"[/?&=#]", new)
    if len(one) != len(two):
        return
    for left, right in zip(one, two, strict=True):
        left, right = unquote(left), unquote(right)
        if left != right and looks_minted(left, label) and fits(right):
            yield label, left, right


def value_at(response: Response, kind: str, name: str, unpack: Unpack) -> str:
    """The value an explicit rule names in an answer, or an empty string."""
    if kind == "header":
        return response.header(name) or ""
    if kind == "cookie":
        return next((value for key, value in set_cookies(response) if key == name), "")
    found = _values(response, unpack, everything=True, big=True).get(f"{kind}:{name}", "")
    return found


def set_cookies(response: Response) -> Iterator[tuple[str, str]]:
    """(name, value) of every Set-Cookie."""
    for key, value in response.headers:
        if key.lower() == "set-cookie":
            name, eq, rest = value.partition("=")
            if eq:
                yield name.strip(), rest.partition(";")[0].strip().strip('"')


def _values(response: Response, unpack: Unpack, everything: bool = False, big: bool = False) -> dict[str, str]:
    """Label to value for every place that could hold an id; the first of a label counts."""
    found: dict[str, str] = {}
    for key, value in response.headers:
        lower = key.lower()
        if lower not in _QUIET and lower != "set-cookie":
            found.setdefault(f"header:{lower}", value)
    for name, value in set_cookies(response):
        found.setdefault(f"cookie:{name}", value)
    if len(response.body) > MAX_BODY and not big:
        return found
    body = unpack(response)
    if len(body) > MAX_BODY and not big:
        return found
    start = body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] in (b"{", b"["):
        _flatten(_loads(body), "json:", found, everything)
    elif start.startswith((b"data:", b"event:", b"id:", b":", b"retry:")):
        _events(body, found, everything)
    elif start[:1] == b"<":
        _page(body, found)
    return found


def _loads(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _flatten(root: Any, label: str, found: dict[str, str], everything: bool) -> None:
    """Scalars by pointer. Ids are strings; numbers count only for explicit rules or when they are snowflakes."""
    stack = [(label, root)]
    while stack and len(found) < MAX_VALUES:
        where, node = stack.pop()
        if isinstance(node, dict):
            stack.extend((f"{where}/{_escape(key)}", child) for key, child in reversed(node.items()))
        elif isinstance(node, list):
            stack.extend((f"{where}/{index}", child) for index, child in reversed(list(enumerate(node))))
        elif isinstance(node, str):
            if everything or MIN_LENGTH <= len(node) <= MAX_LENGTH:
                found.setdefault(where, node)
        elif isinstance(node, int) and not isinstance(node, bool) and (everything or node >= 10 ** (_SNOWFLAKE - 1)):
            found.setdefault(where, str(node))


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _events(body: bytes, found: dict[str, str], everything: bool) -> None:
    """The JSON of each event of a stream; a pointer's first value counts, so that order does not matter."""
    for line in body.split(b"\n", 4 * MAX_EVENTS)[: 4 * MAX_EVENTS]:
        if line.startswith(b"data:") and b"{" in line:
            _flatten(_loads(line[5:].strip()), "json:", found, everything)


class _Page(HTMLParser):
    """Collects hidden fields and meta tags, where pages keep their tokens."""

    def __init__(self, found: dict[str, str]) -> None:
        super().__init__(convert_charrefs=True)
        self._found = found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        fields = {key: value or "" for key, value in attrs}
        name, value = fields.get("name", ""), ""
        if tag == "input":
            value = fields.get("value", "")
        elif tag == "meta":
            value = fields.get("content", "")
        elif tag == "form":
            name, value = "form", fields.get("action", "")
        if name and value and len(self._found) < MAX_VALUES:
            self._found.setdefault(f"html:{name}", value)


def _page(body: bytes, found: dict[str, str]) -> None:
    with suppress(AssertionError, ValueError):  # what the parser gives up on; the fields before it count
        _Page(found).feed(body.decode("utf-8", "replace"))
