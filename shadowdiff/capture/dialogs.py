"""Conversations without HTTP: OpenAI `messages` lines and ShareGPT `conversations`, as lines or one list.

Out: a POST to the configured chat path; the body is the configured template with the messages in it. An
assistant's last word is cut off and kept as the recorded answer; with turns = "all" each user turn is
a request of its own, in a session, with the conversation so far. Facts: peers-replay-and-formats.md 1.7.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from shadowdiff.capture.build import Builder, Unreadable, each_record
from shadowdiff.capture.jsonstream import each_element
from shadowdiff.model.exchange import Exchange, Response

ROLES = {
    **dict.fromkeys(("human", "user", "prompter"), "user"),
    **dict.fromkeys(("gpt", "chatgpt", "bing", "bard", "assistant", "model", "function_call"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "function", "observation"), "tool"),
}
"""Who speaks, in the words of ShareGPT files, to OpenAI's roles."""
_OURS = frozenset({"id", "messages", "conversations", "conversation_id", "source", "tags", "split", "lang"})
_JSON = (("Content-Type", "application/json"),)


class DialogSource:
    """Reads one file of conversations; `post` is the path when the configuration names none."""

    def __init__(self, path: Path, builder: Builder, post: str = "") -> None:
        self._path = path
        self._builder = builder
        self._target = post or builder.dialogs.path
        self._template = builder.dialogs.body
        self._all = builder.dialogs.turns == "all"

    def stream(self) -> Iterator[Exchange]:
        """Every request in file order."""
        raws = each_element(self._path, self._builder, "messages")
        return each_record(self._path, self._builder, raws, self._one, "conversation", "[{}]")

    def _one(self, where: str, raw: bytes) -> list[Exchange]:
        record = msgspec.json.decode(raw)
        if not isinstance(record, dict):
            raise Unreadable("is no object with messages or conversations")
        messages = _messages(record)
        rest = {key: value for key, value in record.items() if key not in _OURS}
        key = str(record.get("id") or record.get("conversation_id") or where)
        asked = [index for index, message in enumerate(messages) if message["role"] in ("user", "tool")]
        if not asked:
            raise Unreadable("no user turn in it")
        ends = [index for index in asked if index + 1 not in asked]
        return [
            self._request(where, turn, key, messages, end, rest)
            for turn, end in enumerate(ends if self._all else ends[-1:], 1)
        ]

    def _request(
        self, where: str, turn: int, key: str, messages: list[dict[str, Any]], end: int, rest: dict[str, Any]
    ) -> Exchange:
        body = {**rest, "messages": messages[: end + 1], **self._template}
        after = messages[end + 1] if end + 1 < len(messages) else None
        return self._builder.exchange(
            where=f"{where}.{turn}",
            id=f"{key}.{turn}" if self._all else key,
            method="POST",
            target=self._target,
            headers=_JSON,
            body=msgspec.json.encode(body),
            session=key if self._all else None,
            recorded=_reference(after),
        )


def _messages(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The turns in OpenAI's shape. Raises `Unreadable`."""
    given = record.get("messages")
    if given is None:
        given = record.get("conversations")
    if not isinstance(given, list) or not given:
        raise Unreadable("has neither messages nor conversations")
    out = []
    for turn in given:
        if not isinstance(turn, dict):
            raise Unreadable("a turn is no object")
        if "role" in turn:
            out.append(turn)
            continue
        role = ROLES.get(str(turn.get("from", "")).lower())
        if role is None:
            raise Unreadable(f"a turn is from {str(turn.get('from'))[:20]!r}, whom I do not know")
        out.append({"role": role, "content": turn.get("value", "")})
    return out


def _reference(message: dict[str, Any] | None) -> Response | None:
    """The assistant's next word as the answer it stands for."""
    if message is None or message.get("role") != "assistant":
        return None
    answer = {"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    body = msgspec.json.encode(answer)
    return Response(status=200, headers=_JSON, body=body, size=len(body))
