"""OpenAI Responses: typed events, and whole `response` objects. Facts: llm-streams.md 2.3."""

from __future__ import annotations

from typing import Any

from shadowdiff.decode.chat.record import Record
from shadowdiff.decode.chat.stream import Frame, answer, squeeze
from shadowdiff.decode.events import looks_like_sse
from shadowdiff.model.exchange import Document, Response

_USAGE = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens", "total_tokens": "total_tokens"}
_ENDS = {"response.completed": "completed", "response.incomplete": "incomplete", "response.failed": "failed"}


class OpenAIResponses:
    """Answers of /v1/responses."""

    def priority(self, response: Response, head: bytes) -> float:
        """By `response.` event types, or the object's own name."""
        squeezed = squeeze(head)
        if looks_like_sse(head):
            return 45.0 if b'"type":"response.' in squeezed or b"event:response." in squeezed else -1.0
        return 45.0 if head[:1] == b"{" and b'"object":"response"' in squeezed else -1.0

    def decode(self, response: Response, body: bytes) -> Document:
        """A chat document."""
        return answer(response, body, _event, lambda record, frame: _final(record, frame.value))


def _event(record: Record, frame: Frame) -> None:
    value = frame.value
    if not isinstance(value, dict):
        return
    kind = str(value.get("type") or frame.name)
    key = (value.get("output_index", 0), value.get("item_id", ""))
    if kind == "response.output_text.delta":
        record.say(value.get("delta"))
    elif kind == "response.refusal.delta":
        record.refuse(value.get("delta"))
    elif kind.startswith("response.reasoning") and kind.endswith(".delta"):
        record.think(value.get("delta"))
    elif kind == "response.output_item.added":
        item = value.get("item")
        if isinstance(item, dict) and item.get("type") in ("function_call", "mcp_call", "custom_tool_call"):
            record.call((value.get("output_index", 0), item.get("id", "")), item.get("name"))
    elif kind.endswith(("_call_arguments.delta", "_tool_call_input.delta")):
        record.call(key, None, value.get("delta"))
    elif kind.endswith(("_call_arguments.done", "_tool_call_input.done")):
        whole = value.get("arguments", value.get("input"))
        if isinstance(whole, str):
            record.arguments(key, whole)
    elif kind == "response.output_text.annotation.added":
        record.cite(value.get("annotation"))
    elif kind == "error":
        record.fail(value.get("message") or value)
    elif kind in _ENDS:
        _end(record, value.get("response"), _ENDS[kind])
        record.ended = True
    elif not value.get("type") and isinstance(value.get("delta"), dict):  # LangFlow's clone
        record.say(value["delta"].get("content"))
        if value.get("finish_reason") == "error":
            record.fail(record.text)
        record.finish_with(value.get("finish_reason"))


def _end(record: Record, response: Any, status: str) -> None:
    if not isinstance(response, dict):
        record.finish_with(status)
        return
    record.count(response.get("usage"), _USAGE)
    details = response.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    record.finish_with(reason or response.get("status") or status)
    if response.get("error"):
        record.fail(response["error"])


def _final(record: Record, response: dict[str, Any]) -> None:
    for index, item in enumerate(response.get("output") or ()):
        if not isinstance(item, dict):
            continue
        if item.get("type") in ("function_call", "mcp_call", "custom_tool_call"):
            record.call((index, item.get("id", "")), item.get("name"), item.get("arguments", item.get("input")))
        for part in item.get("content") or item.get("summary") or ():
            if isinstance(part, dict):
                kind = part.get("type")
                if kind == "refusal":
                    record.refuse(part.get("refusal"))
                elif item.get("type") == "reasoning":
                    record.think(part.get("text"))
                else:
                    record.say(part.get("text"))
                    record.cite(part.get("annotations") or [])
    _end(record, response, str(response.get("status") or "completed"))
