"""LobeChat's /webapi/chat: named events whose data is JSON, text as a JSON string. Facts: llm-streams.md 2.10."""

from __future__ import annotations

from shadowdiff.decode.chat.record import Record
from shadowdiff.decode.chat.stream import Frame, answer
from shadowdiff.model.exchange import Document, Response

_USAGE = {
    "totalInputTokens": "prompt_tokens",
    "totalOutputTokens": "completion_tokens",
    "totalTokens": "total_tokens",
}
_NAMES = (b"text", b"reasoning", b"tool_calls", b"grounding", b"usage", b"speed", b"stop")


class LobeChat:
    """Streams of LobeChat's own protocol."""

    def priority(self, response: Response, head: bytes) -> float:
        """By an event of its names followed by a JSON string or object."""
        if b"event" not in head:
            return -1.0
        squeezed = head.replace(b"\r", b"").replace(b": ", b":")
        return 38.0 if any(b"event:" + name + b"\ndata:" in squeezed for name in _NAMES) else -1.0

    def decode(self, response: Response, body: bytes) -> Document:
        """A chat document."""
        return answer(response, body, _event)


def _event(record: Record, frame: Frame) -> None:
    value = frame.value
    match frame.name:
        case "text":
            record.say(value if isinstance(value, str) else frame.raw if value is None else None)
        case "reasoning":
            record.think(value)
        case "tool_calls":
            record.calls_of(value)
        case "grounding":
            if isinstance(value, dict):
                record.cite(value.get("citations") or [])
        case "usage":
            record.count(value, _USAGE)
        case "stop":
            record.finish_with(value if isinstance(value, str) else "stop")
            record.ended = True
        case "error":
            record.fail(value if value is not None else frame.raw)
