"""Dify: the event's name is inside its data; moderation may replace the whole answer. Facts: llm-streams.md 2.12."""

from __future__ import annotations

from typing import Any

from shadowdiff.decode.chat.record import Record
from shadowdiff.decode.chat.stream import Frame, answer, squeeze
from shadowdiff.decode.events import looks_like_sse
from shadowdiff.model.exchange import Document, Response

_ENDS = ("message_end", "workflow_finished")


class Dify:
    """Answers of chat-messages, completion-messages and workflows."""

    def priority(self, response: Response, head: bytes) -> float:
        """By an event inside the data together with a task or message id."""
        squeezed = squeeze(head)
        ours = b'"task_id"' in squeezed or b'"message_id"' in squeezed or b'"workflow_run_id"' in squeezed
        if looks_like_sse(head):
            return 44.0 if b'{"event":"' in squeezed and ours else -1.0
        return 42.0 if head[:1] == b"{" and ours and b'"answer":' in squeezed else -1.0

    def decode(self, response: Response, body: bytes) -> Document:
        """A chat document."""
        return answer(response, body, _event, _whole)


def _event(record: Record, frame: Frame) -> None:
    value = frame.value
    if not isinstance(value, dict):
        return
    kind = value.get("event") or frame.name
    data = _inner(value)
    if kind in ("message", "agent_message"):
        record.say(value.get("answer"))
    elif kind == "text_chunk":
        record.say(data.get("text"))
    elif kind == "message_replace":
        record.replace(str(value.get("answer") or ""))
    elif kind == "agent_thought":
        record.think(value.get("thought"))
        if value.get("tool"):
            record.call(value.get("id", record.grown), value.get("tool"), value.get("tool_input"))
    elif kind == "error":
        record.fail(value.get("message") or value)
    elif kind in _ENDS:
        _end(record, value, data)


def _end(record: Record, value: dict[str, Any], data: dict[str, Any]) -> None:
    metadata = value.get("metadata")
    if isinstance(metadata, dict):
        record.count(metadata.get("usage"))
        record.cite(metadata.get("retriever_resources") or [])
    if data.get("error"):
        record.fail(data["error"])
    outputs = data.get("outputs")
    if isinstance(outputs, dict) and not record.text:
        for said in outputs.values():
            record.say(said)
    record.finish_with("stop")
    record.ended = True


def _whole(record: Record, frame: Frame) -> None:
    value = frame.value
    record.say(value.get("answer"))
    _end(record, value, _inner(value))


def _inner(value: dict[str, Any]) -> dict[str, Any]:
    data = value.get("data")
    return data if isinstance(data, dict) else {}
