"""Gradio's streams, and Kotaemon, built on it: every event holds the whole state (llm-streams.md 2.11)."""

from __future__ import annotations

import re
from typing import Any

from shadowdiff.decode.chat.record import Record
from shadowdiff.decode.chat.stream import Frame, answer, squeeze
from shadowdiff.decode.events import looks_like_sse
from shadowdiff.model.exchange import Document, Response

PLACEHOLDERS = frozenset({"Thinking ...", "Thinking...", "thinking...", "..."})
"""What a service shows before it says anything: no text and no first token."""
NO_ANSWER = "(Sorry, I don't know)"
_CALLS = (b"event:generating", b"event:complete", b"event:heartbeat", b"event:errordata:null")
_LINK = re.compile(
    r"<a\b[^<>]{0,500}?\bhref=[\"']([^\"']{1,2000})|<summary[^<>]{0,500}>(.{0,5000}?)</summary>",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(r"<[^<>]+>")
_SCORE = re.compile(r"\[?score:? ?[\d.]+\]?|(?<![\d.])\d{1,6}(?:\.\d{1,12})?%", re.IGNORECASE)


class Gradio:
    """Results of /call/… and of the queue."""

    def priority(self, response: Response, head: bytes) -> float:
        """By its event names, or the queue's messages."""
        if not looks_like_sse(head):
            return -1.0
        squeezed = squeeze(head)
        called = any(name in squeezed for name in _CALLS) and b"data:" in squeezed
        return 39.0 if called or b'{"msg":"' in squeezed else -1.0

    def decode(self, response: Response, body: bytes) -> Document:
        """A chat document."""
        return answer(response, body, _Reader().take)


class _Reader:
    """Keeps the outputs that queue diffs apply to."""

    def __init__(self) -> None:
        self._data: list[Any] = []

    def take(self, record: Record, frame: Frame) -> None:
        value = frame.value
        if isinstance(value, dict) and "msg" in value:
            self._queued(record, value)
        elif frame.name == "error":
            record.fail(value if value is not None else "error")
        elif isinstance(value, list):
            self._outputs(record, value)
            if frame.name == "complete":
                record.finish_with("stop")
                record.ended = True

    def _queued(self, record: Record, value: dict[str, Any]) -> None:
        kind = value.get("msg")
        output = value.get("output")
        data = output.get("data") if isinstance(output, dict) else None
        if kind == "unexpected_error" or value.get("success") is False:
            record.fail((output or {}).get("error") if isinstance(output, dict) else value.get("message"))
        elif kind == "process_generating" and isinstance(data, list) and self._data and _is_diff(data):
            self._data = [_patched(old, ops) for old, ops in zip(self._data, data, strict=False)]
            self._outputs(record, self._data)
        elif kind in ("process_generating", "process_completed") and isinstance(data, list) and data:
            self._data = data
            self._outputs(record, data)
        if kind == "process_completed":
            record.finish_with("stop")
            record.ended = True

    def _outputs(self, record: Record, outputs: list[Any]) -> None:
        said = _said(outputs[0]) if outputs else None
        if said is None or said in PLACEHOLDERS:
            return
        if said == NO_ANSWER:
            record.refuse(said) if not record.text else None
        record.snapshot(said)
        for evidence in outputs[1:2]:
            if isinstance(evidence, str) and "<" in evidence:
                for link, summary in _LINK.findall(evidence):
                    record.cite(link or " ".join(_SCORE.sub("", _TAG.sub(" ", summary)).split()))


def _said(output: Any) -> str | None:
    """The last answer in a chat history of pairs or messages, or a plain text output."""
    if isinstance(output, str):
        return output
    if isinstance(output, list) and output:
        last = output[-1]
        if isinstance(last, list) and len(last) == 2:
            return last[1] if isinstance(last[1], str) else None
        if isinstance(last, dict):
            return _content(last.get("content"))
    return None


def _content(content: Any) -> str | None:
    """The text of a message: a string, or from Gradio 6 on parts with a type each."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    texts = [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
    return "".join(texts) if texts else None


def _is_diff(data: list[Any]) -> bool:
    return all(isinstance(ops, list) and all(isinstance(op, list) and len(op) == 3 for op in ops) for ops in data)


def _patched(old: Any, ops: list[Any]) -> Any:
    """Apply Gradio's diff operations: append, replace, add, delete at a path."""
    for action, path, value in ops:
        if not path:
            old = old + value if action == "append" and isinstance(old, str) else value
            continue
        node = old
        try:
            for step in path[:-1]:
                node = node[step]
            if action == "append":
                node[path[-1]] += value
            elif action == "delete":
                del node[path[-1]]
            elif action == "add" and isinstance(node, list):
                node.insert(path[-1], value)
            else:
                node[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            return old
    return old
