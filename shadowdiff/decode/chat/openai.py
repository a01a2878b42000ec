"""OpenAI chat.completions, streamed and whole, and the many services that speak it.

In:  `data: {"object":"chat.completion.chunk",…}` … `data: [DONE]`, or one chat.completion object.
Out: a chat document: text, reasoning, tool calls with parsed arguments, finish reason, usage,
citations, refusal, in-band error, and whether the stream ended, stopped or was cut. Facts: llm-streams.md 2.2.
"""

from __future__ import annotations

import bisect
from typing import Any

from shadowdiff.decode.events import DONE, looks_like_sse
from shadowdiff.decode.jsontext import MISSING, parse
from shadowdiff.decode.sse import Event, events_of
from shadowdiff.model.exchange import Chat, Document, Response

FINISH = frozenset({"stop", "length", "tool_calls", "content_filter", "refusal", "error"})
_ALIASES = {"function_call": "tool_calls", "end_turn": "stop", "max_tokens": "length", "sensitive": "content_filter"}
_CITED = ("citations", "sources", "references", "search_results")


class OpenAIChat:
    """chat.completions answers."""

    def priority(self, response: Response, head: bytes) -> float:
        """By the bytes: `choices` or an in-band error of a completion near the start."""
        if looks_like_sse(head):
            return 40.0 if b'"choices"' in head or b"chat.completion" in head else -1.0
        return 35.0 if head[:1] == b"{" and (b"chat.completion" in head or b'"choices"' in head) else -1.0

    def decode(self, response: Response, body: bytes) -> Document:
        """A chat document; falls back to what the bytes are when they are no completion after all."""
        if looks_like_sse(body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")):
            return _streamed(response, body)
        value = parse(body)
        if not isinstance(value, dict) or not isinstance(value.get("choices"), list):
            return (
                Document(kind="text", text=body.decode("utf-8", "replace"))
                if value is MISSING
                else Document(kind="json", value=value)
            )
        record = _Record()
        for choice in value["choices"]:
            if isinstance(choice, dict):
                record.message(choice.get("message") or choice.get("delta") or {})
                record.finish_with(choice.get("finish_reason"))
        record.top(value)
        return record.document("done", None)


def _streamed(response: Response, body: bytes) -> Document:
    events, _ = events_of(body)
    record = _Record()
    done = False
    first_text: int | None = None
    for event in events:
        if event.data.strip().startswith(DONE):
            done = True
            continue
        value = parse(event.data)
        if not isinstance(value, dict):
            continue
        before = len(record.text)
        for choice in value.get("choices") or ():
            if isinstance(choice, dict):
                record.message(choice.get("delta") or choice.get("message") or {})
                record.finish_with(choice.get("finish_reason"))
        record.top(value)
        if first_text is None and len(record.text) > before:
            first_text = event.offset
    ended = done or (record.finish != "unknown" and not _open_ended(events))
    return record.document(
        "done" if ended else "cut" if record.finish == "unknown" else "eof",
        None if first_text is None else _arrival(response, first_text),
    )


def _open_ended(events: list[Event]) -> bool:
    return bool(events) and events[-1].unterminated


def _arrival(response: Response, offset: int) -> float | None:
    """When the byte before `offset` arrived: the chunk it came in."""
    if not response.events or response.header("content-encoding"):
        return None
    index = bisect.bisect_left(response.events, (offset, 0.0)) - 1
    return response.events[max(index, 0)][1]


class _Record:
    def __init__(self) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.refusal: list[str] = []
        self.calls: dict[int, dict[str, str]] = {}
        self.finish = "unknown"
        self.usage: dict[str, int] = {}
        self.citations: dict[str, None] = {}
        self.error = ""

    def message(self, part: Any) -> None:
        if not isinstance(part, dict):
            return
        content = part.get("content")
        if isinstance(content, str) and content:
            self.text.append(content)
        elif isinstance(content, list):
            self.text += [p["text"] for p in content if isinstance(p, dict) and isinstance(p.get("text"), str)]
        for name in ("reasoning_content", "reasoning"):
            if isinstance(part.get(name), str) and part[name]:
                self.reasoning.append(part[name])
        if isinstance(part.get("refusal"), str):
            self.refusal.append(part["refusal"])
        for position, call in enumerate(part.get("tool_calls") or ()):
            if isinstance(call, dict):
                self._call(call.get("index", position), call.get("function") or call.get("custom") or {})
        if isinstance(part.get("function_call"), dict):
            self._call(0, part["function_call"])
        for note in part.get("annotations") or ():
            cited = note.get("url_citation") if isinstance(note, dict) else None
            if isinstance(cited, dict):
                self._cite(cited)
        self._sources(part)

    def _call(self, index: Any, function: Any) -> None:
        if not isinstance(function, dict) or not isinstance(index, int):
            return
        entry = self.calls.setdefault(index, {"name": "", "arguments": ""})
        if isinstance(function.get("name"), str) and function["name"] not in entry["name"]:
            entry["name"] += function["name"]
        arguments = function.get("arguments", function.get("input"))
        if isinstance(arguments, str):
            entry["arguments"] += arguments

    def finish_with(self, reason: Any) -> None:
        if isinstance(reason, str) and reason and reason != "null":
            reason = _ALIASES.get(reason, reason)
            self.finish = reason if reason in FINISH else "unknown"

    def top(self, value: dict[str, Any]) -> None:
        usage = value.get("usage")
        if isinstance(usage, dict):
            for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
                if isinstance(usage.get(name), int):
                    self.usage[name] = usage[name]
        error = value.get("error")
        if error:
            self.error = str(error.get("message") or error) if isinstance(error, dict) else str(error)
            self.finish = "error"
        self._sources(value)

    def _sources(self, value: dict[str, Any]) -> None:
        for name in _CITED:
            found = value.get(name)
            if isinstance(found, list):
                for item in found:
                    self._cite(item)

    def _cite(self, item: Any) -> None:
        if isinstance(item, dict):
            item = next((item[k] for k in ("url", "title", "source", "id", "name") if item.get(k)), "")
        if item:
            self.citations[str(item)] = None

    def document(self, terminated: str, ttft_s: float | None) -> Document:
        text = "".join(self.text)
        calls = []
        for index in sorted(self.calls):
            entry = self.calls[index]
            arguments = parse(entry["arguments"])
            calls.append((entry["name"], entry["arguments"] if arguments is MISSING else arguments))
        chat = Chat(
            text=text,
            reasoning="".join(self.reasoning),
            tool_calls=tuple(calls),
            finish=self.finish,
            usage=tuple(self.usage.items()),
            citations=tuple(self.citations),
            refusal="".join(self.refusal),
            error=self.error,
            terminated="cut" if terminated == "cut" and self.finish != "error" else terminated,
            ttft_s=ttft_s,
        )
        return Document(kind="chat", value=comparable(chat), text=text, chat=chat)


def comparable(chat: Chat) -> dict[str, Any]:
    """The chat record as a JSON value for the structure scorer: what an answer says, not how it was cut up."""
    value: dict[str, Any] = {
        "text": chat.text,
        "finish": chat.finish,
        "citations": sorted(chat.citations),
        "terminated": chat.terminated,
    }
    if chat.tool_calls:
        value["tool_calls"] = [{"name": name, "arguments": args} for name, args in chat.tool_calls]
    if chat.refusal:
        value["refusal"] = chat.refusal
    if chat.error:
        value["error"] = chat.error
    return value
