"""What was captured, and what each target did with it.

All types are frozen structs with slots. Headers are ordered pairs of `str`, one character a byte
(latin-1), so that any header a server can send survives a round trip; see `header_bytes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec

Headers = tuple[tuple[str, str], ...]


class Role(StrEnum):
    """Whose answer it is. `TWIN` is a second blue, or blue asked again: it measures noise."""

    BLUE = "blue"
    GREEN = "green"
    TWIN = "twin"


class BodyState(StrEnum):
    """What the capture knows about the request body."""

    PRESENT = "present"
    EMPTY = "empty"
    MISSING = "missing"
    TRUNCATED = "truncated"


class TimeKind(StrEnum):
    """Whether `captured_at` is when the request started, when its answer ended, or unknown."""

    START = "start"
    END = "end"
    NONE = "none"


class Failure(StrEnum):
    """How a target failed to give a whole answer. A 500 is an answer, not a failure."""

    REFUSED = "refused"
    RESET = "reset"
    TIMEOUT = "timeout"
    TLS = "tls"
    PROTOCOL = "protocol"
    TOO_LARGE = "too_large"
    RACE = "race"
    """A kept connection closed under an unsafe request before any answer byte: our doing, not the target's."""


class Request(msgspec.Struct, frozen=True, gc=False):
    """One HTTP request. `target` is the raw path and query; bytes outside ASCII are percent-encoded."""

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


class Response(msgspec.Struct, frozen=True, gc=False):
    """One HTTP answer as it came off the wire, before any content decoding.

    `body` holds at most the kept part; `size` counts every byte received; `truncated` says that
    bytes were dropped by the size cap, in which case `digest` is the SHA-256 of all of them.
    `events` are (offset in body, seconds since sent) of each chunk of a streamed answer.
    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    size: int = 0
    truncated: bool = False
    digest: str = ""
    events: Sequence[tuple[int, float]] = ()

    def header(self, name: str) -> str | None:
        """The first value of the header `name` (lower case), or None."""
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return None


class Observation(msgspec.Struct, frozen=True, gc=False):
    """What one target did with one request.

    With a `failure`, `response` holds what had arrived (a cut answer), or None. Times are seconds:
    `due_at` and `sent_at` on the monotonic clock, `first_byte_s` and `total_s` since `sent_at`.
    """

    role: Role
    response: Response | None = None
    failure: Failure | None = None
    detail: str = ""
    peer: str = ""
    due_at: float = 0.0
    sent_at: float = 0.0
    first_byte_s: float = 0.0
    total_s: float = 0.0

    @property
    def status(self) -> int:
        """The status of a whole answer, or 0."""
        return self.response.status if self.response is not None and self.failure is None else 0


class Expect(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a prepared question must be answered with."""

    contains: tuple[str, ...] = ()
    forbids: tuple[str, ...] = ()
    regex: tuple[str, ...] = ()
    citations: tuple[str, ...] = ()


class Exchange(msgspec.Struct, frozen=True):
    """One captured request, with its recorded answer where the capture had one.

    `id` is stable: the same log gives the same ids. `unit` names what the gate counts it under:
    its session's current segment, or itself; `turn` counts from 1 within the session, 0 without one.
    `source` is `file:line` for messages.
    """

    id: str
    seq: int
    request: Request
    route: str
    unit: str
    session: str | None = None
    turn: int = 0
    captured_at: float | None = None
    time_kind: TimeKind = TimeKind.NONE
    recorded: Response | None = None
    recorded_status: int = 0
    blue: Observation | None = None
    body_state: BodyState = BodyState.EMPTY
    tags: tuple[str, ...] = ()
    expect: Expect | None = None
    source: str = ""


class Chat(msgspec.Struct, frozen=True):
    """What a chat service said, whatever dialect it said it in.

    `tool_calls` are (name, arguments parsed from JSON). `finish` is one of stop, length, tool_calls,
    content_filter, refusal, error, unknown. `terminated` is done, eof or cut. `ttft_s` is seconds
    from send to the first visible text, `ttft_any_s` to the first of anything (reasoning, a tool call); None when
    there was none or the answer was not streamed. `gap_max_s` is the longest silence, `stalls` those of 2 s or more,
    `rate` characters a second from the first visible text to the end. `sessions` are the ids by which the service
    knows the conversation; each target mints its own, so they are no part of what is compared.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[tuple[str, Any], ...] = ()
    finish: str = "unknown"
    usage: tuple[tuple[str, int], ...] = ()
    citations: tuple[str, ...] = ()
    refusal: str = ""
    error: str = ""
    terminated: str = "done"
    ttft_s: float | None = None
    ttft_any_s: float | None = None
    gap_max_s: float = 0.0
    stalls: int = 0
    rate: float | None = None
    sessions: tuple[str, ...] = ()


INTERRUPTED = "interrupted before the answer came"
"""Detail of an observation that was given up when the run ended: nobody's fault."""
HELD_BACK = "credentials held back"
"""Tag of an exchange whose client was known to blue, while green and the twin are asked without its credentials."""
STATUS_ONLY = "the capture has a status but no body"
"""Detail of a recorded blue whose status alone can be compared."""


class Document(msgspec.Struct, frozen=True):
    """A decoded answer: `kind` is json, text, html, chat, binary or empty.

    `value` is the parsed JSON (json, chat), `text` the visible text, `chat` the chat record.
    `note` says what decoding had to accept, e.g. a gzip stream that ends early; `unreadable` names an encoding
    that was declared and is not what came, so that a client cannot read the answer.
    """

    kind: str
    value: Any = None
    text: str = ""
    chat: Chat | None = None
    note: str = ""
    unreadable: str = ""


class Later(msgspec.Struct, frozen=True):
    """What a live source yields when it has nothing yet: ask again after so many seconds."""

    seconds: float


class Pair(msgspec.Struct, frozen=True):
    """One exchange with what every asked target did, decoded where there was a whole answer.

    `minted` maps, by role, ids of one target alone (minted by it, or isolated for it) to the recorded ones.
    """

    exchange: Exchange
    blue: Observation
    green: Observation
    twin: Observation | None = None
    blue_doc: Document | None = None
    green_doc: Document | None = None
    twin_doc: Document | None = None
    minted: dict[Role, dict[str, str]] = {}


def header_bytes(text: str) -> bytes:
    """The bytes a header value stands for: latin-1, or UTF-8 where a hand-written value leaves latin-1."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")


def json_at(body: bytes, pointer: str) -> str:
    """The scalar at a JSON Pointer of a JSON body as text, or an empty string."""
    try:
        node = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    for part in pointer.strip("/").split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict):
            node = node.get(key)
        elif isinstance(node, list) and key.isdigit() and int(key) < len(node):
            node = node[int(key)]
        else:
            return ""
    return str(node) if isinstance(node, str | int | float) and not isinstance(node, bool) else ""
