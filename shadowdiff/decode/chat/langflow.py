"""LangFlow: v1 streams JSON without `data:` under an event-stream header, v2 AG-UI (llm-streams.md 2.9)."""

from __future__ import annotations

from typing import Any

from shadowdiff.decode.chat.record import Record
from shadowdiff.decode.chat.stream import Frame, answer, squeeze
from shadowdiff.decode.events import looks_like_sse
from shadowdiff.model.exchange import Document, Response

_OWN = tuple(b'data:{"event":"%b"' % name for name in (b"vertices_sorted", b"build_start", b"add_message"))
"""How a workflow stream of its own protocol begins."""
_TAIL = 400
"""Bytes at the end of a body in which a served flow names the component that answered."""


class LangFlow:
    """Answers of /api/v1/run and of v2 workflows."""

    def priority(self, response: Response, head: bytes) -> float:
        """By a bare event object, AG-UI event types, or the outputs of a run."""
        squeezed = squeeze(head)
        if looks_like_sse(head):
            agui = b'"type":"RUN_' in squeezed or b'"type":"TEXT_MESSAGE' in squeezed
            return 44.0 if agui or any(name in squeezed for name in _OWN) else -1.0
        if squeezed.startswith(b'{"event":"') and b'"data":{' in squeezed:
            return 44.0
        if squeezed.startswith(b'{"flow_id":"') and b'"output":{' in squeezed:
            return 46.0  # a workflow names itself "response", as OpenAI's answers do
        if squeezed.startswith(b'{"result":"') and b'"component":' in response.body[-_TAIL:]:
            return 42.0
        return (
            42.0
            if squeezed.startswith(b"{") and b'"outputs":[{' in squeezed and b'"session_id"' in squeezed
            else -1.0
        )

    def decode(self, response: Response, body: bytes) -> Document:
        """A chat document."""
        return answer(response, body, _event, _one)


def _one(record: Record, frame: Frame) -> None:
    """A body that is one document: a stream of one event, or the answer of a run."""
    alone = isinstance(frame.value, dict) and ("event" in frame.value or "data" in frame.value)
    (_event if alone else _whole)(record, frame)


def _event(record: Record, frame: Frame) -> None:
    value = frame.value
    if not isinstance(value, dict):
        return
    if "type" in value and "event" not in value:
        _agui(record, value)
        return
    data = value.get("data")
    if not isinstance(data, dict):
        return
    if "text_key" in data and isinstance(data.get("data"), dict):
        data = data["data"]  # a message as lfx 1.13 writes it
    match value.get("event"):
        case "token":
            record.say(data.get("chunk"))
        case "add_message":
            if (
                data.get("sender") in ("Machine", "AI", "Agent")
                and isinstance(data.get("text"), str)
                and data["text"]
            ):
                record.snapshot(data["text"])
        case "end":
            _whole(record, Frame(data.get("result") or data))
            record.ended = True
        case "error":
            told = data.get("error")
            record.fail(told if isinstance(told, str) and told else data.get("text") or data)


def _agui(record: Record, value: dict[str, Any]) -> None:
    kind = value.get("type")
    if kind in ("TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_CHUNK"):
        record.say(value.get("delta"))
    elif kind in ("THINKING_TEXT_MESSAGE_CONTENT", "REASONING_MESSAGE_CONTENT"):
        record.think(value.get("delta"))
    elif kind == "TOOL_CALL_START":
        record.call(value.get("toolCallId"), value.get("toolCallName"))
    elif kind == "TOOL_CALL_ARGS":
        record.call(value.get("toolCallId"), None, value.get("delta"))
    elif kind == "RUN_ERROR":
        record.fail(value.get("message") or value)
    elif kind == "RUN_FINISHED":
        record.finish_with("stop")
        record.ended = True


def _whole(record: Record, frame: Frame) -> None:
    """The message of the first output of a run, or what a served flow (lfx) or a workflow gives as its result."""
    value = frame.value if isinstance(frame.value, dict) else {}
    output = value.get("output")
    for text in (value.get("result"), output.get("text") if isinstance(output, dict) else None):
        if isinstance(text, str):
            record.snapshot(text)
    if value.get("success") is False or value.get("has_errors") is True:
        record.fail(value.get("errors") or value.get("error") or value.get("result") or "the flow failed")
        return
    for output in _list(frame.value, "outputs"):
        for inner in _list(output, "outputs"):
            results = inner.get("results") if isinstance(inner, dict) else None
            message = results.get("message") if isinstance(results, dict) else None
            text = message.get("text") if isinstance(message, dict) else message
            if isinstance(text, str):
                record.snapshot(text)
                properties = message.get("properties") if isinstance(message, dict) else None
                if isinstance(properties, dict):
                    record.count(properties.get("usage"))
    record.finish_with("stop")


def _list(value: Any, name: str) -> list[Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []
