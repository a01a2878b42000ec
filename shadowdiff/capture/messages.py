"""What a watcher keeps of messages as they come, and the callbacks of its two parsers.

Bodies are kept up to a cap by the watcher; here they only pass by.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

STREAMED = ("text/event-stream", "application/x-ndjson", "application/ndjson", "application/stream+json")
MAX_EVENTS = 10_000
now = time.monotonic


class Room:
    """Bytes of bodies that all watchers together may hold, and what they could not copy."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.made = self.dropped = self.blind = self.upgraded = 0

    def take(self, size: int) -> bool:
        """Reserve `size` bytes; whether there was room."""
        if size > self.left:
            return False
        self.left -= size
        return True

    def give(self, message: Message) -> None:
        """A message holds its bytes no longer."""
        self.left += message.kept
        message.kept = 0


class Message:
    """One side of an exchange as it comes."""

    def __init__(self) -> None:
        self.begun = now()
        self.done = 0.0
        self.headers: list[tuple[str, str]] = []
        self.parts: list[bytes] = []
        self.size = self.kept = 0
        self.cut = False
        """Whether the body is longer than what is kept of one."""
        self.poor = False
        """Whether there was no room for it: the exchange is counted, not copied."""


class Asked(Message):
    def __init__(self) -> None:
        super().__init__()
        self.at = datetime.now(UTC).timestamp()
        self.url = b""
        self.method = ""


class Answered(Message):
    def __init__(self) -> None:
        super().__init__()
        self.status = 0
        self.streamed = self.framed = False
        self.events: list[tuple[int, float]] = []
        self.digest: Any = None


class Watching(Protocol):
    """What the callbacks need of a watcher."""

    waiting: deque[Asked]
    answer: Answered | None
    expects_answers: bool
    waits_to_go_on: Callable[[], None]

    def method(self) -> str:
        """Of the request whose headers are complete."""

    def status(self) -> int:
        """Of the answer whose headers are complete."""

    def keep(self, message: Message, data: bytes) -> None:
        """A piece of a body."""

    def answer_begun(self, status: int) -> bool:
        """Whether it answers a request."""

    def request_done(self, asked: Asked) -> None:
        """A request is complete."""

    def answer_done(self) -> None:
        """The answer that was coming is complete."""


class Requests:
    """Callbacks of the request parser."""

    def __init__(self, watcher: Watching) -> None:
        self._watcher = watcher
        self.current: Asked | None = None
        self.header_bytes = 0

    def on_message_begin(self) -> None:
        self.current = Asked()
        self.header_bytes = 0

    def on_url(self, url: bytes) -> None:
        if self.current is not None:
            self.current.url += url
            self.header_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.header_bytes += len(name) + len(value)
        if self.current is not None and not self.current.method:
            self.current.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        watcher, asked = self._watcher, self.current
        if asked is not None:
            asked.method = watcher.method()
            if watcher.expects_answers:
                watcher.waiting.append(asked)
            elif any(name.lower() == "expect" for name, _ in asked.headers):
                watcher.waits_to_go_on()

    def on_body(self, body: bytes) -> None:
        if self.current is not None:
            self._watcher.keep(self.current, body)

    def on_message_complete(self) -> None:
        asked, self.current = self.current, None
        if asked is not None:
            self._watcher.request_done(asked)


class Answers:
    """Callbacks of the answer parser."""

    def __init__(self, watcher: Watching) -> None:
        self._watcher = watcher
        self._coming: Answered | None = None

    def on_message_begin(self) -> None:
        self._coming = Answered()

    def on_header(self, name: bytes, value: bytes) -> None:
        answer = self._coming
        if answer is None or answer.status:
            return
        text, lower = value.decode("latin-1"), name.lower()
        answer.headers.append((name.decode("latin-1"), text))
        if lower in (b"content-length", b"transfer-encoding"):
            answer.framed = True
        elif lower == b"content-type":
            answer.streamed = text.lower().startswith(STREAMED)

    def on_headers_complete(self) -> None:
        answer, watcher = self._coming, self._watcher
        if answer is None:
            return
        status = watcher.status()
        if not watcher.answer_begun(status):
            self._coming = None
            return
        answer.status = status
        watcher.answer = answer

    def on_body(self, body: bytes) -> None:
        answer = self._coming
        if answer is None:
            return
        if answer.streamed and len(answer.events) < MAX_EVENTS:
            answer.events.append((answer.size, now()))
        was_cut, kept = answer.cut, answer.kept
        self._watcher.keep(answer, body)
        if answer.cut:
            if not was_cut:
                answer.digest = hashlib.sha256(b"".join(answer.parts))
            answer.digest.update(body[answer.kept - kept :])

    def on_message_complete(self) -> None:
        if self._coming is not None:
            self._coming = None
            self._watcher.answer_done()
