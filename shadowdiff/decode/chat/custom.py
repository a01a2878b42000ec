"""A chat service in a dialect of its own, told by the operator: JSON Pointers for text, end, error and sources.

`[[decode.chat]]` with `text = "/data/answer"`; `mode = "delta"` (pieces) or `"whole"` (the text so far).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shadowdiff.decode.chat.record import Record
from shadowdiff.decode.chat.stream import Frame, answer, framed
from shadowdiff.model.exchange import Document, Response


class CustomChat:
    """Answers whose events hold a text at a given pointer (`*` for every item of a list)."""

    def __init__(
        self,
        text: str,
        mode: str = "delta",
        reasoning: str = "",
        done: str = "",
        error: str = "",
        citations: str = "",
        finish: str = "",
    ) -> None:
        """`done` is a pointer that holds something at the end, or `/pointer=value`."""
        self._text, self._mode, self._reasoning = text, mode, reasoning
        self._done, _, self._done_value = done.partition("=")
        self._error, self._citations, self._finish = error, citations, finish

    def priority(self, response: Response, head: bytes) -> float:
        """Above the built-in dialects where one of the first whole events holds the text, the error or the end."""
        frames, _ = framed(head, head)
        wanted = [pointer for pointer in (self._text, self._error, self._done) if pointer]
        return 60.0 if any(next(at(frame.value, p), None) is not None for frame in frames for p in wanted) else -1.0

    def decode(self, response: Response, body: bytes) -> Document:
        """A chat document."""
        return answer(response, body, self._take, self._take)

    def _take(self, record: Record, frame: Frame) -> None:
        value = frame.value
        for said in at(value, self._text):
            if self._mode == "whole":
                record.snapshot(said)
            else:
                record.say(said)
        for thought in at(value, self._reasoning):
            record.think(thought)
        for error in at(value, self._error):
            if error:
                record.fail(error)
        for source in at(value, self._citations):
            record.cite(source)
        for reason in at(value, self._finish):
            record.finish_with(reason)
        if self._done and any(str(v) == self._done_value if self._done_value else v for v in at(value, self._done)):
            record.finish_with("stop" if record.finish == "unknown" else record.finish)
            record.ended = True


def at(value: Any, pointer: str) -> Iterator[Any]:
    """Every value at a pointer; `*` stands for all items of a list."""
    if not pointer:
        return
    nodes = [value]
    for step in pointer.strip("/").split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        found = []
        for node in nodes:
            if isinstance(node, list):
                found += node if key == "*" else [node[int(key)]] if key.isdecimal() and int(key) < len(node) else []
            elif isinstance(node, dict) and key in node:
                found.append(node[key])
        nodes = found
    yield from (node for node in nodes if node is not None)
