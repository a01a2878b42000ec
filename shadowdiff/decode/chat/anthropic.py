"""Anthropic Messages: content blocks by index, cumulative usage, errors behind status 200 (llm-streams.md 2.4)."""

from __future__ import annotations

from typing import Any

from shadowdiff.decode.chat.record import Record
from shadowdiff.decode.chat.stream import Frame, answer, squeeze
from shadowdiff.decode.events import looks_like_sse
from shadowdiff.model.exchange import Document, Response

_USAGE = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"}


class AnthropicMessages:
    """Answers of /v1/messages."""

    def priority(self, response: Response, head: bytes) -> float:
        """By its first event, or the type of the whole message."""
        squeezed = squeeze(head)
        if looks_like_sse(head):
            return 45.0 if b"message_start" in squeezed else -1.0
        return (
            42.0
            if head[:1] == b"{" and b'"type":"message"' in squeezed and b'"role":"assistant"' in squeezed
            else -1.0
        )

    def decode(self, response: Response, body: bytes) -> Document:
        """A chat document."""
        return answer(response, body, _event, lambda record, frame: _whole(record, frame.value))


def _event(record: Record, frame: Frame) -> None:
    value = frame.value
    if not isinstance(value, dict):
        return
    kind = value.get("type") or frame.name
    index = value.get("index", 0)
    if kind == "message_start":
        message = value.get("message")
        record.count(message.get("usage") if isinstance(message, dict) else None, _USAGE)
    elif kind == "content_block_start":
        block = value.get("content_block")
        if isinstance(block, dict):
            _block(record, index, block)
    elif kind == "content_block_delta":
        delta = value.get("delta")
        if isinstance(delta, dict):
            record.say(delta.get("text"))
            record.think(delta.get("thinking"))
            if isinstance(delta.get("partial_json"), str):
                record.call(index, None, delta["partial_json"])
            record.cite(delta.get("citation"))
    elif kind == "message_delta":
        delta = value.get("delta")
        record.finish_with(delta.get("stop_reason") if isinstance(delta, dict) else None)
        record.count(value.get("usage"), _USAGE)
    elif kind == "message_stop":
        record.ended = True
    elif kind == "error":
        record.fail(value.get("error"))


def _block(record: Record, index: Any, block: dict[str, Any]) -> None:
    if str(block.get("type", "")).endswith("tool_use"):
        given = block.get("input")
        record.call(index, block.get("name"), given if given else None)
    record.say(block.get("text"))
    record.think(block.get("thinking"))
    record.cite(block.get("citations") or [])


def _whole(record: Record, message: dict[str, Any]) -> None:
    for index, block in enumerate(message.get("content") or ()):
        if isinstance(block, dict):
            _block(record, index, block)
    record.finish_with(message.get("stop_reason"))
    record.count(message.get("usage"), _USAGE)
    if message.get("error"):
        record.fail(message["error"])
