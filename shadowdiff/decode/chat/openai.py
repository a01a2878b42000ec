"""OpenAI chat.completions, streamed and whole, and the many services that speak it.

Azure, DeepSeek (`reasoning_content`, `<think>`), Zhipu (`web_search`), Baichuan (`knowledge_base.cites`), Moonshot,
vLLM and Perplexity-like `citations` included. Facts: llm-streams.md 2.2 and 2.8.
"""

from __future__ import annotations

from typing import Any

from shadowdiff.decode.chat.record import Record
from shadowdiff.decode.chat.stream import Frame, answer
from shadowdiff.decode.events import looks_like_sse
from shadowdiff.decode.jsontext import MISSING, parse
from shadowdiff.model.exchange import Document, Response

_SOURCES = ("citations", "sources", "references", "search_results", "web_search")


class OpenAIChat:
    """chat.completions answers."""

    def priority(self, response: Response, head: bytes) -> float:
        """By the bytes: `choices` of a completion near the start."""
        if looks_like_sse(head):
            return 40.0 if (b'"choices"' in head and b'"output"' not in head) or b"chat.completion" in head else -1.0
        return 35.0 if head[:1] == b"{" and (b"chat.completion" in head or b'"choices"' in head) else -1.0

    def decode(self, response: Response, body: bytes) -> Document:
        """A chat document; what the bytes are when they are no completion after all."""
        if not looks_like_sse(body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")):
            value = parse(body)
            if value is MISSING:
                return Document(kind="text", text=body.decode("utf-8", "replace"))
            if not isinstance(value, dict) or not isinstance(value.get("choices"), list):
                return Document(kind="json", value=value)
        return answer(response, body, take, take)


def take(record: Record, frame: Frame) -> None:
    """One chunk, or one whole completion."""
    value = frame.value
    if not isinstance(value, dict):
        return
    for choice in value.get("choices") or ():
        if isinstance(choice, dict):
            _message(record, choice.get("delta") or choice.get("message") or {})
            record.finish_with(choice.get("finish_reason"))
    record.count(value.get("usage"))
    if value.get("error"):
        record.fail(value["error"])
    _sources(record, value)
    knowledge = value.get("knowledge_base")
    if isinstance(knowledge, dict):
        record.cite(knowledge.get("cites") or [])


def _message(record: Record, part: Any) -> None:
    if not isinstance(part, dict):
        return
    content = part.get("content")
    if isinstance(content, list):
        for piece in content:
            if isinstance(piece, dict):
                record.say(piece.get("text"))
    else:
        record.say(content)
    for name in ("reasoning_content", "reasoning"):
        record.think(part.get(name))
    record.refuse(part.get("refusal"))
    for position, call in enumerate(part.get("tool_calls") or ()):
        if isinstance(call, dict):
            function = call.get("function") or call.get("custom") or {}
            if isinstance(function, dict):
                index = call.get("index", position)
                record.call(
                    index if isinstance(index, int) else position,
                    function.get("name"),
                    function.get("arguments", function.get("input")),
                )
    legacy = part.get("function_call")
    if isinstance(legacy, dict):
        record.call(0, legacy.get("name"), legacy.get("arguments"))
    record.cite([note for note in part.get("annotations") or () if isinstance(note, dict) and "url_citation" in note])
    _sources(record, part)


def _sources(record: Record, value: dict[str, Any]) -> None:
    for name in _SOURCES:
        found = value.get(name)
        if isinstance(found, list):
            record.cite(found)
