"""One record for what any chat service says, filled event by event, whatever dialect it comes in.

Out: a chat document; `comparable` is the part of it that the structure scorer compares. Words of finish
reasons are unified as in llm-streams.md 2.1.
"""

from __future__ import annotations

import re
from typing import Any

from shadowdiff.decode.jsontext import MISSING, parse
from shadowdiff.model.exchange import Chat, Document

FINISH = frozenset({"stop", "length", "tool_calls", "content_filter", "refusal", "error"})
ALIASES = {
    **dict.fromkeys(("function_call", "tool_use", "tool_call"), "tool_calls"),
    **dict.fromkeys(("end_turn", "stop_sequence", "eos", "completed", "complete", "pause_turn"), "stop"),
    **dict.fromkeys(("max_tokens", "max_output_tokens", "incomplete", "model_context_window_exceeded"), "length"),
    **dict.fromkeys(
        ("sensitive", "safety", "recitation", "blocklist", "prohibited_content", "spii", "language"), "content_filter"
    ),
    **dict.fromkeys(("network_error", "failed", "malformed_function_call"), "error"),
}
CITED = ("url", "uri", "title", "source", "document_name", "filename", "file_id", "id", "name", "text")
_THINK = re.compile(r"(?<!\s)\s*<think(?:ing)?>(.*?)(?:</think(?:ing)?>\s*|\Z)", re.DOTALL)
_GLM_THINK = re.compile(r"\A\s*###Thinking\n(.*?)###Response\n", re.DOTALL)
MAX_CITED = 200
SESSIONS = ("conversation_id", "session_id", "thread_id", "conversationId", "sessionId", "threadId", "chat_id")
"""How services call the id of a conversation; `conversation.id` is OpenAI's."""
MAX_SESSIONS = 8


class Record:
    """Mutable while a stream is read; `document` closes it."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[Any, dict[str, str]] = {}
        self._usage: dict[str, int] = {}
        self._citations: dict[str, None] = {}
        self._sessions: dict[str, None] = {}
        self.finish = "unknown"
        self.error = ""
        self.ended = False
        """Whether the dialect's own end marker was seen."""
        self.grown = 0
        """Grows with everything said, for timing."""

    @property
    def text(self) -> str:
        """What was said so far, thinking included where it stands inside the text."""
        if len(self._text) > 1:
            self._text = ["".join(self._text)]
        return self._text[0] if self._text else ""

    def say(self, delta: Any) -> None:
        """Add a piece of the visible text."""
        if isinstance(delta, str) and delta:
            self._text.append(delta)
            self.grown += 1

    def snapshot(self, text: Any) -> None:
        """The whole text so far: what is new is added; a text that no longer begins alike replaces it."""
        if not isinstance(text, str):
            return
        known = self.text
        if text.startswith(known):
            self.say(text[len(known) :])
        else:
            self.replace(text)

    def replace(self, text: str) -> None:
        """Take back what was said (moderation, a reset)."""
        self._text = [text] if text else []
        self.grown += 1

    def think(self, delta: Any) -> None:
        """Add a piece of reasoning."""
        if isinstance(delta, str) and delta:
            self._reasoning.append(delta)
            self.grown += 1

    def refuse(self, delta: Any) -> None:
        """Add a piece of a refusal channel."""
        if isinstance(delta, str) and delta:
            self._refusal.append(delta)
            self.grown += 1

    def call(self, key: Any, name: Any = None, arguments: Any = None) -> None:
        """Add to the tool call `key`: pieces of its JSON arguments as text, or whole as an object."""
        entry = self._calls.setdefault(key, {"name": "", "arguments": ""})
        if isinstance(name, str) and name and name not in entry["name"]:
            entry["name"] += name
        if isinstance(arguments, str):
            entry["arguments"] += arguments
        elif isinstance(arguments, dict | list):
            entry["arguments"] = _dump(arguments)
        self.grown += 1

    def calls_of(self, value: Any) -> None:
        """Add tool calls in OpenAI's shape: a list of {index, function: {name, arguments}}."""
        for position, call in enumerate(value if isinstance(value, list) else ()):
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict):
                self.call(call.get("index", position), function.get("name"), function.get("arguments"))

    def arguments(self, key: Any, whole: str) -> None:
        """The complete arguments of a call, as its closing event repeats them."""
        if key in self._calls:
            self._calls[key]["arguments"] = whole

    def finish_with(self, reason: Any) -> None:
        """The provider's reason in its own word; "null" as a word is none (DashScope)."""
        if isinstance(reason, str) and reason and reason.lower() != "null":
            word = reason.lower()
            word = ALIASES.get(word, word)
            if self.finish != "error":
                self.finish = word if word in FINISH else "unknown"

    def fail(self, message: Any) -> None:
        """An error inside the stream, behind status 200."""
        if isinstance(message, dict):
            inner = message.get("message") or message.get("detail") or message.get("error") or message.get("type")
            message = inner if isinstance(inner, str) else message
        self.error = message if isinstance(message, str) and message else str(message or "error")
        self.finish = "error"

    def count(self, usage: Any, names: dict[str, str] | None = None) -> None:
        """Token counts; `names` maps the service's names to prompt_tokens, completion_tokens, total_tokens."""
        if not isinstance(usage, dict):
            return
        known = names or {name: name for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
        for given, ours in known.items():
            value = usage.get(given)
            if isinstance(value, int) and not isinstance(value, bool):
                self._usage[ours] = value

    def cite(self, item: Any) -> None:
        """A source, by its most telling field; a list of them one by one."""
        if isinstance(item, list):
            for one in item:
                self.cite(one)
            return
        if isinstance(item, dict):
            inner = next(
                (item[k] for k in ("url_citation", "web", "file_citation") if isinstance(item.get(k), dict)), item
            )
            item = next((inner[k] for k in CITED if inner.get(k)), "")
        if isinstance(item, str | int) and item and len(self._citations) < MAX_CITED:
            self._citations[str(item)] = None

    def belongs(self, value: Any, depth: int = 0) -> None:
        """Take the ids of the conversation that an event or an answer names."""
        if not isinstance(value, dict) or len(self._sessions) >= MAX_SESSIONS:
            return
        conversation = value.get("conversation")
        inner = conversation.get("id") if isinstance(conversation, dict) else None
        for found in (*map(value.get, SESSIONS), inner):
            if isinstance(found, str) and found:
                self._sessions[found] = None
        for name in ("data", "response", "result") if depth < 2 else ():
            self.belongs(value.get(name), depth + 1)

    def visible(self) -> bool:
        """Whether anything was said that a user sees."""
        return bool(split_thinking(self.text)[0].strip())

    def document(
        self, terminated: str, ttft_s: float | None, ttft_any_s: float | None = None, **pace: Any
    ) -> Document:
        """The closed record."""
        text, thought = split_thinking(self.text)
        calls = []
        for key in sorted(self._calls, key=str):
            entry = self._calls[key]
            arguments = parse(entry["arguments"] or "{}")
            calls.append((entry["name"], entry["arguments"] if arguments is MISSING else arguments))
        chat = Chat(
            text=text,
            reasoning=thought + "".join(self._reasoning),
            tool_calls=tuple(calls),
            finish=self.finish,
            usage=tuple(self._usage.items()),
            citations=tuple(self._citations),
            refusal="".join(self._refusal),
            error=self.error,
            terminated=terminated,
            ttft_s=ttft_s,
            ttft_any_s=ttft_any_s,
            sessions=tuple(self._sessions),
            **pace,
        )
        return Document(kind="chat", value=comparable(chat), text=text, chat=chat)


def split_thinking(text: str) -> tuple[str, str]:
    """(visible text, reasoning) of a text whose thinking stands between tags; an open tag hides the rest."""
    if "<think" in text[:200] or "</think" in text:
        thoughts = _THINK.findall(text)
        visible = _THINK.sub("", text)
        head, closed, rest = visible.partition("</think>")  # some templates leave the opening tag out
        return (rest.lstrip(), head + "".join(thoughts)) if closed else (visible, "".join(thoughts))
    if text.startswith("###Thinking"):
        found = _GLM_THINK.match(text)
        return (text[found.end() :], found[1]) if found else ("", text)
    return text, ""


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


def _dump(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)
