"""Every chat dialect: captured shapes give one record, wherever a text is cut into events; errors and cuts are found."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff import plugins
from shadowdiff.decode.chat.custom import CustomChat
from shadowdiff.decode.chat.record import split_thinking
from shadowdiff.model.exchange import Chat, Response
from shadowdiff.testing import check_decoder, decoding, response_of

Stream = Callable[[list[str]], bytes]


def sse(*events: object, name: str = "", space: str = " ", end: str = "\n") -> bytes:
    lead = f"event:{space}{name}{end}" if name else ""
    return "".join(
        f"{lead}data:{space}{one if isinstance(one, str) and one.startswith('[') else json.dumps(one, ensure_ascii=False)}{end}{end}"
        for one in events
    ).encode()


def typed(*events: dict) -> bytes:
    return b"".join(sse(one, name=one["type"]) for one in events)


def responses(pieces: list[str]) -> bytes:
    return typed(
        {"type": "response.created", "sequence_number": 0, "response": {"id": "r", "status": "in_progress"}},
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "id": "m"}},
        *(
            {"type": "response.output_text.delta", "item_id": "m", "output_index": 0, "delta": piece}
            for piece in pieces
        ),
        {
            "type": "response.output_text.annotation.added",
            "annotation": {"type": "url_citation", "url": "https://kb/1"},
        },
        {
            "type": "response.completed",
            "response": {"status": "completed", "usage": {"input_tokens": 3, "output_tokens": 4}},
        },
    )


def anthropic(pieces: list[str]) -> bytes:
    return typed(
        {
            "type": "message_start",
            "message": {"id": "m", "role": "assistant", "usage": {"input_tokens": 3, "output_tokens": 1}},
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
            for piece in pieces
        ),
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "citations_delta", "citation": {"url": "https://kb/1"}},
        },
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}},
        {"type": "message_stop"},
    )


def ollama(pieces: list[str]) -> bytes:
    lead = {"model": "q", "created_at": "2026-01-01T00:00:00Z"}
    lines = [{**lead, "message": {"role": "assistant", "content": piece}, "done": False} for piece in pieces]
    lines.append({**lead, "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop",
                  "prompt_eval_count": 3, "eval_count": 4})  # fmt: skip
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def _gemini(pieces: list[str]) -> list[dict]:
    last = {"groundingChunks": [{"web": {"uri": "https://kb/1", "title": "t"}}]}
    made = [{"candidates": [{"content": {"parts": [{"text": piece}], "role": "model"}}]} for piece in pieces]
    made.append({"candidates": [{"content": {"parts": []}, "finishReason": "STOP", "groundingMetadata": last}],
                 "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4}})  # fmt: skip
    return made


def gemini_sse(pieces: list[str]) -> bytes:
    return sse(*_gemini(pieces), end="\r\n")


def gemini_list(pieces: list[str]) -> bytes:
    return ("[" + ",\r\n".join(json.dumps(one, indent=2) for one in _gemini(pieces)) + "\n]").encode()


def dashscope(pieces: list[str], incremental: bool = False) -> bytes:
    out, said = [], ""
    for piece in [*pieces, ""]:
        said += piece
        finish = "stop" if piece == "" else "null"
        text = piece if incremental else said
        out.append({"output": {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": finish}]},
                    "usage": {"input_tokens": 3, "output_tokens": 4}, "request_id": "r"})  # fmt: skip
    return b"".join(
        f"id:{n}\nevent:result\n:HTTP_STATUS/200\ndata:{json.dumps(one, ensure_ascii=False)}\n\n".encode()
        for n, one in enumerate(out, 1)
    )


def dashscope_incremental(pieces: list[str]) -> bytes:
    return dashscope(pieces, incremental=True)


def dify(pieces: list[str]) -> bytes:
    ids = {"task_id": "t", "message_id": "m", "conversation_id": "c"}
    end = {
        "usage": {"prompt_tokens": 3, "completion_tokens": 4},
        "retriever_resources": [{"document_name": "https://kb/1"}],
    }
    return b"event: ping\n\n" + sse(
        *({"event": "message", **ids, "answer": piece} for piece in pieces),
        {"event": "message_end", **ids, "metadata": end},
    )


def lobechat(pieces: list[str]) -> bytes:
    def one(name: str, data: object) -> bytes:
        return b"id: chat_1\n" + sse(data, name=name)

    return (
        b"".join(one("text", piece) for piece in pieces)
        + one("grounding", {"citations": [{"title": "t", "url": "https://kb/1"}]})
        + one("usage", {"totalInputTokens": 3, "totalOutputTokens": 4}) + one("speed", {"tps": 12.5})
        + one("stop", "stop")
    )  # fmt: skip


def langflow(pieces: list[str]) -> bytes:
    out = [{"event": "add_message", "data": {"sender": "User", "text": "question"}}]
    out += [{"event": "token", "data": {"chunk": piece, "id": "x"}} for piece in pieces]
    message = {"text": "".join(pieces), "properties": {"usage": {"prompt_tokens": 3, "completion_tokens": 4}}}
    result = {"session_id": "s", "outputs": [{"outputs": [{"results": {"message": message}}]}]}
    return "".join(json.dumps(one) + "\n\n" for one in [*out, {"event": "end", "data": {"result": result}}]).encode()


def agui(pieces: list[str]) -> bytes:
    return sse(
        {"type": "RUN_STARTED", "threadId": "t", "runId": "r"}, {"type": "TEXT_MESSAGE_START", "messageId": "m"},
        *({"type": "TEXT_MESSAGE_CONTENT", "messageId": "m", "delta": piece} for piece in pieces),
        {"type": "TEXT_MESSAGE_END"}, {"type": "RUN_FINISHED"},
    )  # fmt: skip


def kotaemon(pieces: list[str]) -> bytes:
    states, said = ["Thinking ..."], ""
    for piece in pieces:
        said += piece
        states.append(said)
    refs = "<details><summary>guide.pdf [score: 0.83]</summary>text</details>"
    made = [[[["question", state]], refs, None] for state in states]
    return b"event: heartbeat\ndata: null\n\n" + b"".join(
        f"event: {'complete' if n == len(made) - 1 else 'generating'}\ndata: {json.dumps(one)}\n\n".encode()
        for n, one in enumerate(made)
    )


def gradio_queue(pieces: list[str]) -> bytes:
    out: list[dict] = [{"msg": "estimation", "rank": 0}, {"msg": "process_starts"}]
    out.append({"msg": "process_generating", "output": {"data": [[["q", pieces[0]]]]}, "success": True})
    out += [
        {"msg": "process_generating", "output": {"data": [[["append", [0, 1], piece]]]}, "success": True}
        for piece in pieces[1:]
    ]
    out.append({"msg": "process_completed", "output": {"data": [[["q", "".join(pieces)]]]}, "success": True})
    return sse(*out)


def zhipu(pieces: list[str]) -> bytes:
    chunks = [
        {"id": "z", "choices": [{"index": 0, "delta": {"role": "assistant", "content": piece}}]} for piece in pieces
    ]
    end = {"id": "z", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "web_search": [{"link": "l", "title": "https://kb/1"}],
           "usage": {"prompt_tokens": 3, "completion_tokens": 4}}  # fmt: skip
    return sse(*chunks, end, "[DONE]")


STREAMS: list[Stream] = [
    responses, anthropic, ollama, gemini_sse, gemini_list, dashscope, dashscope_incremental, dify, lobechat, langflow, agui,
    kotaemon, gradio_queue, zhipu,
]  # fmt: skip
CITING = {responses, anthropic, gemini_sse, gemini_list, dify, lobechat, zhipu}
COUNTING = CITING | {ollama, dashscope, dashscope_incremental, langflow}


def chat_of(body: bytes, content_type: str = "text/plain") -> Chat:
    document = decoding().document(response_of(body, content_type=content_type))
    assert document.kind == "chat" and document.chat is not None, (document.kind, body[:200])
    return document.chat


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("content_type", ["text/event-stream", "application/json", "text/plain; charset=utf-8"])
def test_a_stream_is_told_by_its_bytes_and_gives_the_record(stream: Stream, content_type: str) -> None:
    chat = chat_of(stream(["您好，", "保修期", "是两年。"]), content_type)
    assert (chat.text, chat.finish, chat.terminated, chat.error) == ("您好，保修期是两年。", "stop", "done", "")
    if stream in CITING:
        assert chat.citations == ("https://kb/1",)
    if stream in COUNTING:
        assert dict(chat.usage) == {"prompt_tokens": 3, "completion_tokens": 4}


@pytest.mark.parametrize("stream", STREAMS)
@given(
    text=st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30),
    cuts=st.lists(st.integers(0, 30), max_size=4),
)
def test_where_a_text_is_cut_into_events_does_not_matter(stream: Stream, text: str, cuts: list[int]) -> None:
    text = f"答{text}"
    points = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    pieces = [text[a:b] for a, b in zip(points, points[1:], strict=False) if a < b]
    if stream is dashscope_incremental and any(p.startswith("".join(pieces[:i])) for i, p in enumerate(pieces) if i):
        return  # a piece that repeats all before it cannot be told from the whole text so far
    assert chat_of(stream(pieces)).text == chat_of(stream([text])).text == text


@pytest.mark.parametrize("stream", STREAMS)
def test_a_stream_that_breaks_off_is_cut(stream: Stream) -> None:
    body = stream(["one ", "two ", "three ", "four"])
    mark = body.find(b"four")
    assert chat_of(body[: mark - 20]).terminated in ("cut", "eof") and chat_of(body[: mark - 20]).finish == "unknown"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (typed({"type": "message_start", "message": {}}, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}), "Overloaded"),
        (ollama(["a"]).split(b"\n")[0] + b'\n{"error":"model runner died"}\n', "model runner died"),
        (sse({"candidates": [{"content": {"parts": [{"text": "a"}]}}]}, {"error": {"code": 500, "message": "internal", "status": "INTERNAL"}}), "internal"),
        (b'id:1\nevent:error\n:HTTP_STATUS/400\ndata:{"code":"InvalidParameter","message":"bad input","request_id":"r"}\n\n', "bad input"),
        (dify(["a"]).split(b"\n\n", 2)[1] + b'\n\ndata: {"event":"error","task_id":"t","message_id":"m","status":400,"message":"no quota"}\n\n', "no quota"),
        (b'event: text\ndata: "a"\n\nevent: error\ndata: {"type":"StreamChunkError","message":"ended early"}\n\n', "ended early"),
        (b'{"event":"token","data":{"chunk":"a"}}\n\n{"event":"error","data":{"error":"flow failed"}}\n\n', "flow failed"),
        (typed({"type": "response.created"}, {"type": "error", "code": "x", "message": "server"}), "server"),
        (b'event: generating\ndata: [[["q","a"]]]\n\nevent: error\ndata: "worker died"\n\n', "worker died"),
    ],
)  # fmt: skip
def test_errors_behind_status_200_are_found(body: bytes, message: str) -> None:
    chat = chat_of(body)
    assert (chat.error, chat.finish) == (message, "error")


@pytest.mark.parametrize(
    ("whole", "stream"),
    [
        ({"object": "response", "status": "completed", "usage": {"input_tokens": 3, "output_tokens": 4}, "output": [{"type": "message", "content": [
            {"type": "output_text", "text": "hi", "annotations": [{"type": "url_citation", "url": "https://kb/1"}]}]}]}, responses),
        ({"type": "message", "role": "assistant", "content": [{"type": "text", "text": "hi", "citations": [{"url": "https://kb/1"}]}],
          "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 4}}, anthropic),
        ({"model": "q", "created_at": "x", "message": {"role": "assistant", "content": "hi"}, "done": True, "done_reason": "stop"}, ollama),
        ({"candidates": [{"content": {"parts": [{"text": "hi"}]}, "finishReason": "STOP",
                          "groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://kb/1"}}]}}]}, gemini_sse),
        ({"output": {"text": "hi", "finish_reason": "stop"}, "request_id": "r"}, dashscope),
        ({"event": "message", "task_id": "t", "message_id": "m", "answer": "hi", "metadata": {"retriever_resources": [{"document_name": "https://kb/1"}]}}, dify),
        ({"session_id": "s", "outputs": [{"outputs": [{"results": {"message": {"text": "hi"}}}]}]}, langflow),
    ],
)  # fmt: skip
def test_an_answer_that_was_not_streamed_gives_the_same_record(whole: dict, stream: Stream) -> None:
    one, two = chat_of(json.dumps(whole).encode()), chat_of(stream(["h", "i"]))
    assert (one.text, one.finish, one.citations, one.terminated) == (
        two.text,
        two.finish,
        two.citations,
        two.terminated,
    )


def test_tool_calls_are_joined_and_parsed_in_each_dialect() -> None:
    calls = (("search", {"q": "tea"}),)
    bodies = [
        typed({"type": "response.output_item.added", "output_index": 1, "item": {"type": "function_call", "id": "f", "name": "search"}},
              {"type": "response.function_call_arguments.delta", "output_index": 1, "item_id": "f", "delta": '{"q":'},
              {"type": "response.function_call_arguments.delta", "output_index": 1, "item_id": "f", "delta": '"tea"}'},
              {"type": "response.function_call_arguments.done", "output_index": 1, "item_id": "f", "arguments": '{"q":"tea"}'},
              {"type": "response.completed", "response": {"status": "completed"}}),
        typed({"type": "message_start", "message": {}},
              {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "t", "name": "search", "input": {}}},
              {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": ""}},
              {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"q": "tea"}'}},
              {"type": "message_delta", "delta": {"stop_reason": "tool_use"}}, {"type": "message_stop"}),
        b'{"model":"q","created_at":"x","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"search","arguments":{"q":"tea"}}}]},"done":true}\n',
        sse({"candidates": [{"content": {"parts": [{"functionCall": {"name": "search", "args": {"q": "tea"}}}]}, "finishReason": "STOP"}]}),
        b'event: tool_calls\ndata: [{"index":0,"function":{"name":"search","arguments":"{\\"q\\":"}}]\n\n'
        b'event: tool_calls\ndata: [{"index":0,"function":{"arguments":"\\"tea\\"}"}}]\n\nevent: stop\ndata: "tool_calls"\n\n',
        sse({"type": "RUN_STARTED"}, {"type": "TOOL_CALL_START", "toolCallId": "c", "toolCallName": "search"},
            {"type": "TOOL_CALL_ARGS", "toolCallId": "c", "delta": '{"q":"tea"}'}, {"type": "RUN_FINISHED"}),
    ]  # fmt: skip
    for body in bodies:
        assert chat_of(body).tool_calls == calls, body[:80]


def test_moderation_takes_the_answer_back() -> None:
    replaced = b'data: {"event":"message_replace","task_id":"t","message_id":"m","answer":"removed"}\n\n'
    head, end = dify(["secret"]).rsplit(b"data: ", 1)
    assert chat_of(head + replaced + b"data: " + end).text == "removed"


def test_reasoning_is_told_from_the_answer() -> None:
    assert split_thinking("<think>hm\nso</think>\n\nYes.") == ("Yes.", "hm\nso")
    assert split_thinking("so it is</think>Yes.") == ("Yes.", "so it is")
    assert split_thinking("<think>never ends") == ("", "never ends")
    assert split_thinking("###Thinking\nhm\n###Response\nYes.") == ("Yes.", "hm\n")
    assert split_thinking("1 < 2 and <b>") == ("1 < 2 and <b>", "")
    chat = chat_of(zhipu(["<thi", "nk>hm</th", "ink>\n\nYes."]))
    assert (chat.text, chat.reasoning) == ("Yes.", "hm")


def test_time_to_first_token_of_any_kind_and_of_visible_text() -> None:
    events = [
        b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n',
        b'data: {"choices":[{"delta":{"reasoning_content":"hm"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"Yes"}}]}\n\n',
        b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
    ]
    at, offset = [], 0
    for event, moment in zip(events, (0.1, 0.4, 3.0, 3.1), strict=True):
        at.append((offset, moment))
        offset += len(event)
    body = b"".join(events)
    chat = decoding().document(Response(200, (), body, len(body), events=tuple(at))).chat
    assert chat is not None
    assert (chat.ttft_any_s, chat.ttft_s, chat.stalls) == (0.4, 3.0, 1) and chat.gap_max_s == pytest.approx(2.6)


def test_a_placeholder_is_no_first_token_and_evidence_is_cited_without_its_score() -> None:
    chat = chat_of(kotaemon(["Two years."]))
    assert chat.citations == ("guide.pdf",) and chat.text == "Two years."


def test_a_dialect_of_the_services_own_is_told_by_pointers() -> None:
    made = CustomChat("/data/answer/0", mode="whole", done="/state=finished", error="/fault", citations="/docs/*/url")
    body = sse({"data": {"answer": ["He"]}, "state": "run"}, {"data": {"answer": ["Hello"]}, "docs": [{"url": "u1"}, {"url": "u2"}]},
               {"state": "finished"})  # fmt: skip
    response = response_of(body)
    assert made.priority(response, body[:512]) > 50 and made.priority(response_of(b"{}"), b"{}") < 0
    chat = made.decode(response, body).chat
    assert chat is not None
    assert (chat.text, chat.citations, chat.terminated, chat.finish) == ("Hello", ("u1", "u2"), "done", "stop")
    assert made.decode(response, sse({"fault": "broken"})).chat.error == "broken"


@pytest.mark.parametrize(
    "name",
    ["openai", "responses", "anthropic", "ollama", "gemini", "dashscope", "dify", "lobechat", "langflow", "gradio"],
)
def test_every_dialect_survives_odd_bodies(name: str) -> None:
    check_decoder(plugins.build("decoders", name))


@given(st.binary(max_size=120))
def test_no_bytes_after_a_dialects_beginning_break_it(rest: bytes) -> None:
    for stream in STREAMS:
        head = stream(["a", "b"])
        decoding().document(response_of(head[: len(head) // 2] + rest))


@pytest.mark.parametrize(
    ("body", "sessions"),
    [
        (dify(["hi"]), ("c",)),
        (langflow(["hi"]), ("s",)),
        (typed({"type": "response.created", "response": {"conversation": {"id": "conv_1"}}}), ("conv_1",)),
        (b'{"session_id": "s", "outputs": [{"outputs": [{"results": {"message": {"text": "hi"}}}]}]}', ("s",)),
        (zhipu(["hi"]), ()),
    ],
)
def test_the_ids_of_a_conversation_are_in_the_record_and_are_not_compared(
    body: bytes, sessions: tuple[str, ...]
) -> None:
    document = decoding().document(response_of(body))
    assert document.chat is not None and document.chat.sessions == sessions
    assert "sessions" not in document.value and all(
        one not in json.dumps(document.value) for one in sessions if len(one) > 1
    )


def test_the_rate_is_that_of_the_visible_text() -> None:
    events = [b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n' % (b"x" * 20) for _ in range(6)]
    at = tuple((sum(map(len, events[:n])), 1.0 + n) for n in range(6))
    body = b"".join(events)
    chat = decoding().document(Response(200, (), body, len(body), events=at)).chat
    assert chat is not None and chat.rate == pytest.approx(120 / 5)
    assert decoding().document(response_of(body)).chat.rate is None  # type: ignore[union-attr]
