"""Gemini generateContent: whole, `alt=sse`, or the JSON list a stream is without it (llm-streams.md 2.6)."""

from __future__ import annotations

from typing import Any

from shadowdiff.decode.chat.record import Record
from shadowdiff.decode.chat.stream import Frame, answer
from shadowdiff.decode.events import looks_like_sse
from shadowdiff.model.exchange import Document, Response

_USAGE = {
    "promptTokenCount": "prompt_tokens",
    "candidatesTokenCount": "completion_tokens",
    "totalTokenCount": "total_tokens",
}


class Gemini:
    """Answers with candidates."""

    def priority(self, response: Response, head: bytes) -> float:
        """By `candidates` or `promptFeedback`."""
        if b'"candidates"' not in head and b'"promptFeedback"' not in head:
            return -1.0
        return 43.0 if looks_like_sse(head) or head[:1] in (b"{", b"[") else -1.0

    def decode(self, response: Response, body: bytes) -> Document:
        """A chat document."""
        return answer(response, body, take, take)


def take(record: Record, frame: Frame) -> None:
    """One GenerateContentResponse."""
    value = frame.value
    if not isinstance(value, dict):
        return
    if value.get("error"):
        record.fail(value["error"])
    feedback = value.get("promptFeedback")
    if isinstance(feedback, dict) and feedback.get("blockReason"):
        record.finish_with("content_filter")
    record.count(value.get("usageMetadata"), _USAGE)
    for candidate in value.get("candidates") or ():
        if isinstance(candidate, dict):
            _candidate(record, candidate)


def _candidate(record: Record, candidate: dict[str, Any]) -> None:
    content = candidate.get("content")
    for part in (content.get("parts") or ()) if isinstance(content, dict) else ():
        if not isinstance(part, dict):
            continue
        if part.get("thought") is True:
            record.think(part.get("text"))
        else:
            record.say(part.get("text"))
        call = part.get("functionCall")
        if isinstance(call, dict):
            record.call(record.grown, call.get("name"), call.get("args") or {})
    record.finish_with(candidate.get("finishReason"))
    grounding = candidate.get("groundingMetadata")
    if isinstance(grounding, dict):
        record.cite(grounding.get("groundingChunks") or [])
    cited = candidate.get("citationMetadata")
    if isinstance(cited, dict):
        record.cite(cited.get("citationSources") or cited.get("citations") or [])
