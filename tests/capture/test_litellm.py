"""LiteLLM logs: the call as it was asked, with its answer, start time and trace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shadowdiff.capture.build import Builder
from shadowdiff.capture.litellm import LitellmSource
from shadowdiff.capture.sniff import sniff
from shadowdiff.model.exchange import BodyState, Exchange
from shadowdiff.model.tally import Ledger

PAYLOAD = {
    "id": "chatcmpl-1", "trace_id": "trace-9", "call_type": "acompletion", "stream": True, "status": "success",
    "model": "gpt-4o-mini", "model_group": "chat", "startTime": 1727000000.25, "endTime": 1727000003.5,
    "completionStartTime": 1727000000.9, "model_parameters": {"temperature": 0.2, "max_tokens": None, "model": "x"},
    "messages": [{"role": "user", "content": "你好"}], "request_tags": ["prod"],
    "response": {"object": "chat.completion", "choices": [{"message": {"role": "assistant", "content": "hi"}}]},
}  # fmt: skip


def read(path: Path, post: str = "") -> tuple[list[Exchange], Ledger]:
    ledger = Ledger()
    return list(LitellmSource(path, Builder(ledger), post).stream()), ledger


@pytest.mark.parametrize("form", ["lines", "pretty", "list"])
def test_a_payload_becomes_the_request_that_was_asked(tmp_path: Path, form: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(
        {"lines": json.dumps(PAYLOAD) + "\n", "pretty": json.dumps(PAYLOAD, indent=2), "list": json.dumps([PAYLOAD])}[
            form
        ]
    )
    assert sniff(path) == "litellm"
    (one,), _ = read(path)
    assert (one.id, one.session, one.captured_at, one.tags) == ("chatcmpl-1", "trace-9", 1727000000.25, ("prod",))
    assert (one.request.method, one.request.target) == ("POST", "/v1/chat/completions")
    assert json.loads(one.request.body) == {
        "model": "chat", "messages": PAYLOAD["messages"], "temperature": 0.2, "stream": True,
    }  # fmt: skip
    assert json.loads(one.recorded.body) == PAYLOAD["response"]


@pytest.mark.parametrize(
    ("changes", "target", "field"),
    [
        ({"call_type": "embedding", "messages": "text"}, "/v1/embeddings", "input"),
        ({"call_type": "atext_completion", "messages": "text"}, "/v1/completions", "prompt"),
        ({"call_type": "aresponses", "messages": "text"}, "/v1/responses", "input"),
        ({"call_type": "anthropic_messages"}, "/v1/messages", "messages"),
    ],
)
def test_every_call_type_has_its_endpoint(tmp_path: Path, changes: dict, target: str, field: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(PAYLOAD | changes) + "\n")
    (one,), _ = read(path)
    assert one.request.target == target and field in json.loads(one.request.body)
    assert read(path, "/other")[0][0].request.target == "/other"


def test_failures_redacted_and_foreign_calls_are_told(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    lines = [
        PAYLOAD | {"status": "failure", "error_information": {"error_code": "429"}, "response": None},
        PAYLOAD | {"status": "failure", "error_information": {"error_code": ""}, "response": None},
        PAYLOAD | {"messages": "redacted-by-litellm", "response": "redacted-by-litellm"},
        PAYLOAD | {"call_type": "image_generation"},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '7\n{"cut": ')
    found, ledger = read(path)
    assert [(e.recorded_status, e.recorded, e.body_state) for e in found] == [
        (429, None, BodyState.PRESENT), (500, None, BodyState.PRESENT), (200, None, BodyState.MISSING),
    ]  # fmt: skip
    assert ledger.unreadable == 3 and any("image_generation" in reason for reason in ledger.reasons)
