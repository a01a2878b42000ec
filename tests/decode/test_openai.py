"""chat.completions: streamed and whole give the same record, whatever the chunking."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.decode.chat.openai import OpenAIChat
from shadowdiff.model.exchange import Document, Response
from shadowdiff.testing import check_decoder, decoding, response_of


def stream(pieces: list[str], finish: str | None = "stop", done: bool = True, **extra: object) -> bytes:
    out = [
        {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}
    ]
    out += [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    if finish:
        out.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}], **extra})
    text = "".join(f"data: {json.dumps(event, ensure_ascii=False)}\n\n" for event in out)
    return (text + ("data: [DONE]\n\n" if done else "")).encode()


def decoded(body: bytes) -> Document:
    return decoding().document(response_of(body, content_type="text/event-stream"))


def test_a_stream_and_a_whole_answer_give_the_same_document() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    cited = [{"url": "https://kb/1"}]
    whole = json.dumps({"object": "chat.completion", "choices": [{"message": {"content": "你好，世界"}, "finish_reason": "stop"}],
                        "usage": usage, "citations": cited})  # fmt: skip
    one = decoding().document(response_of(whole))
    two = decoded(stream(["你", "好，世", "界"], citations=cited, usage=usage))
    assert one.kind == two.kind == "chat" and one.value == two.value
    assert one.chat is not None and two.chat is not None
    assert dict(two.chat.usage) == usage and two.chat.citations == ("https://kb/1",)


@given(st.text(min_size=1, max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_where_a_text_is_cut_into_events_does_not_matter(text: str, cuts: list[int]) -> None:
    text = text.encode("utf-8", "replace").decode()
    points = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    pieces = [text[a:b] for a, b in zip(points, points[1:], strict=False)]
    assert decoded(stream(pieces)).value == decoded(stream([text])).value


def test_tool_calls_are_joined_by_index_and_parsed() -> None:
    deltas = [
        [{"index": 0, "id": "c1", "function": {"name": "search", "arguments": ""}}],
        [{"index": 0, "function": {"arguments": '{"q": "'}}],
        [{"index": 1, "function": {"name": "now", "arguments": "{}"}}],
        [{"index": 0, "function": {"arguments": 'tea"}'}}],
    ]
    body = "".join(f"data: {json.dumps({'choices': [{'delta': {'tool_calls': calls}}]})}\n\n" for calls in deltas)
    chat = decoded((body + "data: [DONE]\n\n").encode()).chat
    assert chat is not None and chat.tool_calls == (("search", {"q": "tea"}), ("now", {}))


def test_a_stream_without_an_end_is_cut_and_one_without_done_is_eof() -> None:
    ends = [
        decoded(body).chat
        for body in (stream(["a"]), stream(["a"], done=False), stream(["a"], finish=None, done=False))
    ]
    assert [chat.terminated for chat in ends if chat] == ["done", "done", "cut"]


def test_an_error_inside_a_stream_is_found_behind_status_200() -> None:
    body = stream(["half"], finish=None, done=False) + b'data: {"error":{"message":"overloaded"}}\n\n'
    chat = decoded(body).chat
    assert chat is not None and (chat.error, chat.finish) == ("overloaded", "error")


def test_refusal_reasoning_and_azure_chunks_are_read() -> None:
    body = (
        b'data: {"choices":[],"prompt_filter_results":[]}\n\n'
        b'data: {"choices":[{"delta":{"reasoning_content":"hm"}}]}\n\ndata: {"choices":[{"delta":{"refusal":"no"}}]}\n\ndata: [DONE]\n\n'
    )
    chat = decoded(body).chat
    assert chat is not None and (chat.reasoning, chat.refusal, chat.text) == ("hm", "no", "")


def test_time_to_first_text_is_when_its_chunk_arrived() -> None:
    role, rest = stream(["hi"]).split(b"\n\n", 1)
    role += b"\n\n"
    response = Response(status=200, body=role + rest, size=len(role + rest), events=((0, 0.1), (len(role), 0.9)))
    chat = OpenAIChat().decode(response, response.body).chat
    assert chat is not None and chat.ttft_s == 0.9


def test_conforms() -> None:
    check_decoder(OpenAIChat())
