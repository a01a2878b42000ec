"""LiteLLM logs (StandardLoggingPayload, as its S3, GCS and JSON loggers write them).

In:  one payload a line, or JSON documents after one another, or a list. Out: the OpenAI request that the proxy
was asked, with its recorded answer, in the order of its trace. Facts: peers-replay-and-formats.md 1.7.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from shadowdiff.capture.build import Builder, Unreadable, each_record, timestamp
from shadowdiff.capture.jsonstream import each_element
from shadowdiff.model.exchange import BodyState, Exchange, Response, TimeKind

PATHS = {
    "completion": "/v1/chat/completions",
    "text_completion": "/v1/completions",
    "embedding": "/v1/embeddings",
    "responses": "/v1/responses",
    "anthropic_messages": "/v1/messages",
    "moderation": "/v1/moderations",
    "rerank": "/v1/rerank",
}
_INPUT = {"embedding": "input", "text_completion": "prompt", "responses": "input", "moderation": "input"}
_JSON = (("Content-Type", "application/json"),)


class LitellmSource:
    """Reads one LiteLLM log; `post` overrides the path."""

    def __init__(self, path: Path, builder: Builder, post: str = "") -> None:
        self._path = path
        self._builder = builder
        self._post = post

    def stream(self) -> Iterator[Exchange]:
        """Every call in file order."""
        raws = each_element(self._path, self._builder, "LiteLLM")
        return each_record(self._path, self._builder, raws, self._one, "LiteLLM payload", "[{}]")

    def _one(self, where: str, raw: bytes) -> tuple[Exchange]:
        record = msgspec.json.decode(raw)
        if not isinstance(record, dict) or "call_type" not in record:
            raise Unreadable("has no call_type: no LiteLLM payload")
        kind = str(record["call_type"])
        name = kind[1:] if kind[1:] in PATHS else kind
        path = self._post or PATHS.get(name, "")
        if not path:
            raise Unreadable(f"call type {kind[:40]!r} has no HTTP endpoint I know (--post PATH names one)")
        body, state = _body(record, name)
        trace = record.get("trace_id")
        recorded, status = _recorded(record)
        made = self._builder.exchange(
            where=where,
            id=record.get("id") or None,
            method="POST",
            target=path,
            headers=_JSON,
            body=body,
            body_state=state,
            captured_at=timestamp(record.get("startTime")),
            time_kind=TimeKind.START,
            session=str(trace) if trace and trace != record.get("id") else None,
            recorded=recorded,
            recorded_status=status,
            tags=[tag for tag in record.get("request_tags") or () if isinstance(tag, str)],
        )
        return (made,)


def _body(record: dict[str, Any], name: str) -> tuple[bytes, BodyState | None]:
    messages = record.get("messages")
    if isinstance(messages, str) and messages.startswith("redacted-by-litellm"):
        return b"", BodyState.MISSING
    if messages in (None, "", []):
        return b"", BodyState.MISSING
    parameters = record.get("model_parameters")
    body = {"model": record.get("model_group") or record.get("model") or ""}
    body[_INPUT.get(name, "messages")] = messages
    if isinstance(parameters, dict):
        body |= {key: value for key, value in parameters.items() if key not in body and value is not None}
    if record.get("stream") is True:
        body["stream"] = True
    return msgspec.json.encode(body), None


def _recorded(record: dict[str, Any]) -> tuple[Response | None, int]:
    if record.get("status") == "failure":
        details = record.get("error_information") or {}
        code = str(details.get("error_code") or "") if isinstance(details, dict) else ""
        return None, int(code) if code.isascii() and code.isdecimal() and 100 <= int(code) < 600 else 500
    answer = record.get("response")
    if answer in (None, "", {}) or (isinstance(answer, str) and answer.startswith("redacted-by-litellm")):
        return None, 200
    body = answer.encode("utf-8", "replace") if isinstance(answer, str) else msgspec.json.encode(answer)
    return Response(status=200, headers=_JSON, body=body, size=len(body)), 200
