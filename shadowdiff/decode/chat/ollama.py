"""Ollama's NDJSON, of /api/chat and /api/generate. Facts: llm-streams.md 2.5."""

from __future__ import annotations

from shadowdiff.decode.chat.record import Record
from shadowdiff.decode.chat.stream import Frame, answer, squeeze
from shadowdiff.model.exchange import Document, Response

_USAGE = {"prompt_eval_count": "prompt_tokens", "eval_count": "completion_tokens"}


class Ollama:
    """Answers of Ollama; one line is an answer that was not streamed."""

    def priority(self, response: Response, head: bytes) -> float:
        """By the fields of the first line."""
        squeezed = squeeze(head)
        named = b'"model":' in squeezed and b'"created_at":' in squeezed
        return (
            41.0
            if squeezed[:1] == b"{" and named and (b'"message":{' in squeezed or b'"response":"' in squeezed)
            else -1.0
        )

    def decode(self, response: Response, body: bytes) -> Document:
        """A chat document."""
        return answer(response, body, _line)


def _line(record: Record, frame: Frame) -> None:
    value = frame.value
    if not isinstance(value, dict):
        return
    if value.get("error"):
        record.fail(value["error"])
    message = value.get("message")
    if isinstance(message, dict):
        record.say(message.get("content"))
        record.think(message.get("thinking"))
        for call in message.get("tool_calls") or ():
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict):
                record.call(record.grown, function.get("name"), function.get("arguments"))
    record.say(value.get("response"))
    record.think(value.get("thinking"))
    if value.get("done") is True:
        record.finish_with(value.get("done_reason") or "stop")
        record.count(value, _USAGE)
        record.ended = True
