"""Read any stream of a chat service: find its events whatever the framing, feed a record, measure its pace.

Framing is told by the bytes: server-sent events, JSON values one after another (lines, or blank lines
between them), a JSON list, or one JSON document. Content-Type is not trusted (llm-streams.md 2.0).
"""

from __future__ import annotations

import bisect
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from shadowdiff.decode.chat.record import Record
from shadowdiff.decode.events import DONE, looks_like_sse
from shadowdiff.decode.jsontext import MISSING, parse
from shadowdiff.decode.sse import events_of
from shadowdiff.model.exchange import Document, Response

STALL_S = 2.0
_HEAD = 512
_SPACE = " \t\r\n,"


class Frame(msgspec.Struct, frozen=True):
    """One event: its name where the framing has one, the parsed value, where it ended in the body."""

    value: Any
    name: str = ""
    offset: int = 0
    raw: str = ""


Take = Callable[[Record, Frame], None]


def answer(response: Response, body: bytes, take: Take, whole: Take | None = None) -> Document:
    """The chat document of `body`: `take` hears of each event, `whole` of an answer that is one document."""
    record = Record()
    head = body[:_HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")
    if whole is not None and head[:1] == b"{" and not looks_like_sse(head):
        value = parse(body)
        if isinstance(value, dict):
            record.belongs(value)
            whole(record, Frame(value))
            return record.document("done", None)
    frames, cut = framed(body, head)
    watch = _Watch(response)
    for frame in frames:
        if frame.raw.strip().startswith(DONE):
            record.ended = True
            continue
        record.belongs(frame.value)
        take(record, frame)
        watch.saw(record, frame.offset)
    whole_end = record.ended or (record.finish != "unknown" and not cut)
    terminated = "done" if whole_end else "eof" if record.finish != "unknown" or not frames else "cut"
    return record.document(
        terminated,
        watch.text_s,
        watch.any_s,
        gap_max_s=watch.gap_max_s,
        stalls=watch.stalls,
        rate=watch.rate(len(record.text)),
    )


@lru_cache(maxsize=4)
def squeeze(head: bytes) -> bytes:
    """The start of a body without its blanks, which every dialect asks for."""
    return b"".join(head.split())


def framed(body: bytes, head: bytes) -> tuple[list[Frame], bool]:
    """(events, whether the last one was cut)."""
    if looks_like_sse(head) or head.startswith(b":"):
        events, _ = events_of(body)
        frames = [
            Frame(None if (value := parse(event.data)) is MISSING else value, event.name, event.offset, event.data)
            for event in events
        ]
        return frames, bool(events) and events[-1].unterminated
    return _values(body)


def _values(body: bytes) -> tuple[list[Frame], bool]:
    """JSON values after one another, or the elements of one list."""
    text = body.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    lead = len(body) - len(text.encode("utf-8", "replace"))
    decoder = json.JSONDecoder()
    frames: list[Frame] = []
    at = 1 if text.startswith("[") else 0
    listed, spent, counted = at == 1, lead, 0
    while True:
        while at < len(text) and text[at] in _SPACE:
            at += 1
        if at >= len(text):
            return frames, listed
        if listed and text[at] == "]":
            return frames, False
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return frames, True
        spent += len(text[counted:end].encode("utf-8", "replace"))
        counted = at = end
        frames.append(Frame(value, "", spent))


class _Watch:
    """When things were first said, and how long the stream was silent, from the arrival of its chunks."""

    def __init__(self, response: Response) -> None:
        self._arrivals = () if response.header("content-encoding") else response.events
        self.text_s: float | None = None
        self.any_s: float | None = None
        self._grown = 0
        gaps = [b[1] - a[1] for a, b in zip(self._arrivals, self._arrivals[1:], strict=False)]
        self.gap_max_s = max(gaps, default=0.0)
        self.stalls = sum(gap >= STALL_S for gap in gaps)

    def saw(self, record: Record, offset: int) -> None:
        if self.text_s is not None or record.grown == self._grown or not self._arrivals:
            return
        self._grown = record.grown
        moment = self._moment(offset)
        if self.any_s is None:
            self.any_s = moment
        if record.visible():
            self.text_s = moment

    def rate(self, said: int) -> float | None:
        """Characters a second from the first visible text to the last arrival."""
        if self.text_s is None or not self._arrivals or self._arrivals[-1][1] <= self.text_s:
            return None
        return round(said / (self._arrivals[-1][1] - self.text_s), 3)

    def _moment(self, offset: int) -> float:
        """When the byte before `offset` arrived: the chunk it came in."""
        index = bisect.bisect_left(self._arrivals, (offset, 0.0)) - 1
        return self._arrivals[max(index, 0)][1]
