"""DashScope's native protocol (Qwen, and its applications): text so far or pieces of it, "null" as a word.

Facts: llm-streams.md 2.7.
"""

from __future__ import annotations

from typing import Any

from shadowdiff.decode.chat.record import Record
from shadowdiff.decode.chat.stream import Frame, answer, squeeze
from shadowdiff.decode.events import looks_like_sse
from shadowdiff.model.exchange import Document, Response

_USAGE = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens", "total_tokens": "total_tokens"}


class DashScope:
    """Answers whose `output` holds choices or text."""

    def priority(self, response: Response, head: bytes) -> float:
        """By `output` with what it holds, or its error shape."""
        squeezed = squeeze(head)
        inside = (
            b'"output":{"choices"' in squeezed or b'"output":{"text"' in squeezed or b'"output":{"finish' in squeezed
        )
        named = b'"output":{' in squeezed and b":HTTP_STATUS/" in head
        failed = b"event:error" in squeezed and b'"request_id"' in squeezed
        return 44.0 if (inside or named or failed) and (looks_like_sse(head) or head[:1] == b"{") else -1.0

    def decode(self, response: Response, body: bytes) -> Document:
        """A chat document."""
        return answer(response, body, take, take)


def take(record: Record, frame: Frame) -> None:
    """One event, or one whole answer."""
    value = frame.value
    if not isinstance(value, dict):
        return
    if frame.name == "error" or (value.get("code") and "output" not in value):
        record.fail(value)
        return
    record.count(value.get("usage"), _USAGE)
    output = value.get("output")
    if not isinstance(output, dict):
        return
    for choice in output.get("choices") or ():
        if isinstance(choice, dict):
            _message(record, choice.get("message") or {})
            record.finish_with(choice.get("finish_reason"))
    if isinstance(output.get("text"), str):
        _grow(record, output["text"])
    message = output.get("workflow_message")
    if isinstance(message, dict) and isinstance(message.get("message"), dict):
        record.say(message["message"].get("content"))
    record.finish_with(output.get("finish_reason"))
    search = output.get("search_info") or value.get("search_info")
    if isinstance(search, dict):
        record.cite(search.get("search_results") or [])
    record.cite(output.get("doc_references") or [])


def _message(record: Record, message: Any) -> None:
    if not isinstance(message, dict):
        return
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
    if isinstance(content, str):
        _grow(record, content)
    thought = message.get("reasoning_content")
    if isinstance(thought, str) and thought:
        record.think(thought)
    record.calls_of(message.get("tool_calls"))


def _grow(record: Record, text: str) -> None:
    """By default each event holds the whole text so far; with incremental_output only the new piece."""
    known = record.text
    if known and len(text) >= len(known) and text.startswith(known):
        record.snapshot(text)
    else:
        record.say(text)
