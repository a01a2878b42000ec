"""Real captured answers, of OpenAI-compatible services and of Gradio: whole and streamed, each gives its record."""

from __future__ import annotations

from pathlib import Path

import pytest

from shadowdiff.capture.build import Builder
from shadowdiff.capture.vcr import VcrSource
from shadowdiff.model.exchange import Chat
from shadowdiff.model.tally import Ledger
from shadowdiff.testing import decoding, response_of


def chats(cassette: Path) -> list[Chat]:
    found = []
    for exchange in VcrSource(cassette, Builder(Ledger())).stream():
        assert exchange.recorded is not None
        chat = decoding().document(exchange.recorded).chat
        assert chat is not None, exchange.id
        found.append(chat)
    return found


@pytest.mark.parametrize(
    ("name", "texts", "tools"),
    [
        ("llm_test_responses_basic_non_streaming", ["pong"], [()]),
        ("llm_test_responses_basic_streaming", ["pong"], [()]),
        ("llm_test_responses_tool_use_streaming", ["", "1231 × 2331"], [(("multiply", {"a": 1231, "b": 2331}),), ()]),
        ("llm_test_tools_streaming_variant_a", ["", "The current version"], [(("llm_version", {}),), ()]),
        ("llm_test_tool_use_chain_of_two_calls", ["", "", "YES"], None),
    ],
)
def test_a_real_answer_gives_its_record(samples: Path, name: str, texts: list[str], tools: list | None) -> None:
    found = chats(samples / "vcr" / f"{name}.yaml")
    assert len(found) == len(texts)
    for chat, text in zip(found, texts, strict=True):
        assert text in chat.text and chat.terminated == "done" and not chat.error
        assert dict(chat.usage)["total_tokens"] > 0
    assert tools is None or [chat.tool_calls for chat in found] == tools
    assert all(chat.text or chat.tool_calls for chat in found)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("gradio6-call-messages", "The warranty is 2 years, keep the receipt."),
        ("gradio6-queue-messages", "The warranty is 2 years, keep the receipt."),
        ("gradio6-call-text", "您好，保修期是两年，发票请保留24个月。"),
    ],
)
def test_streams_of_a_gradio_6_server_give_their_text(name: str, text: str) -> None:
    """Captured from an app of ours: a chat history of messages in parts, and plain text; /call and the queue."""
    body = (Path(__file__).parent / "captured" / f"{name}.sse").read_bytes()
    chat = decoding().document(response_of(body)).chat
    assert chat is not None and (chat.text, chat.finish, chat.terminated) == (text, "stop", "done")


@pytest.mark.parametrize("name", ["lfx-run.json", "lfx-stream.txt", "lfx-v2-workflow.json"])
def test_answers_of_a_served_langflow_flow_give_their_text(name: str) -> None:
    """Captured from `lfx serve` with a flow of ours; its logs, which differ in every answer, are no part of the text."""
    document = decoding().document(response_of((Path(__file__).parent / "captured" / name).read_bytes()))
    assert document.chat is not None and document.text == "The warranty is 2 years."
    assert (document.chat.finish, document.chat.terminated, document.chat.error) == ("stop", "done", "")
    assert "logs" not in document.value


def test_a_flow_that_failed_is_an_error() -> None:
    body = '{"result":"boom","success":false,"logs":"","type":"error","component":""}'
    chat = decoding().document(response_of(body)).chat
    assert chat is not None and chat.error == "boom" and chat.finish == "error"


def test_a_workflow_stream_of_lfx_gives_the_answer_and_not_its_inner_parts() -> None:
    """Captured from `lfx serve` 1.13 with the first version of the story's flow (stories/langflow)."""
    body = (Path(__file__).parent / "captured" / "lfx-v2-stream.sse").read_bytes()
    chat = decoding().document(response_of(body)).chat
    assert chat is not None and chat.text.startswith("您的问题：How?") and chat.text.endswith("以合同为准。")
    assert (chat.finish, chat.terminated, chat.error) == ("stop", "done", "")


def test_an_event_that_failed_is_an_error_and_no_text() -> None:
    """What Gradio 4.44 says when an event's inputs are too few: the second of the two calls, under a 200."""
    chat = decoding().document(response_of("event: error\ndata: null\n\n")).chat
    assert chat is not None and chat.error and not chat.text
