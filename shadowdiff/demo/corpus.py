"""The demo's captures, made from a seed: a chat log and an API log, with the answers blue gave.

Everything follows from `SEED`: the same code writes the same bytes, so `fixtures/` can be checked.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import msgspec
import orjson

from shadowdiff.demo.knowledge import TOPICS, Topic

SEED = 20_26
SESSIONS = 180
API_CALLS = 420
START = 1_780_300_800.0  # 2026-06-01T08:00:00Z
CITIES = ("Hangzhou", "Chengdu", "Oslo", "Porto", "Leipzig", "上海", "西安")
GOODS = ("lamp", "kettle", "desk", "chair", "router", "键盘", "耳机", "水杯")


class Reply(msgspec.Struct, frozen=True):
    """What the assistant answers to one question, before any regression."""

    text: str
    kind: str
    source: str
    lang: str


def replies(seed: int = SEED) -> dict[str, Reply]:
    """Every question the assistant knows, with its answer."""
    known: dict[str, Reply] = {}
    for _, _, turns in _sessions(seed):
        for question, reply in turns:
            known[question] = reply
    return known


def chat_lines(seed: int = SEED) -> Iterator[bytes]:
    """The chat capture: multi-turn sessions, interleaved in time, some streamed."""
    rng = random.Random(seed + 1)
    records: list[tuple[float, bytes]] = []
    for number, session, turns in _sessions(seed):
        moment = START + number * 40 + rng.random() * 30
        messages: list[dict[str, str]] = []
        streamed = number % 3 != 0
        for turn, (question, reply) in enumerate(turns):
            messages.append({"role": "user", "content": question})
            body = {"model": "support-rag-7b", "stream": streamed, "session_id": session, "messages": messages}
            records.append((moment, _chat_line(number, turn, moment, session, body, reply)))
            messages = [*messages, {"role": "assistant", "content": reply.text}]
            moment += 8 + rng.random() * 50
    records.sort(key=lambda record: record[0])
    for _, line in records:
        yield line


def api_lines(seed: int = SEED) -> Iterator[bytes]:
    """The API capture: items, orders and searches."""
    rng = random.Random(seed + 2)
    moment = START
    for number in range(API_CALLS):
        moment += 0.5 + rng.random() * 4
        target = rng.choice(
            (f"/api/items/{rng.randrange(1, 80)}", f"/api/orders/{rng.randrange(1000, 1090)}",
             f"/api/items?page={rng.randrange(1, 8)}&size=5", f"/api/search?q={rng.choice(GOODS[:5])}&city=Oslo")
        )  # fmt: skip
        line = {
            "v": 1,
            "id": f"api-{number:04d}",
            "ts": round(moment, 3),
            "method": "GET",
            "target": target,
            "headers": [["Host", "shop.example"], ["Accept", "application/json"], ["User-Agent", "storefront/3.2"]],
            "body_state": "empty",
            "response": {
                "status": 200,
                "headers": [["Content-Type", "application/json"]],
                "json": api_answer(target, moment, number),
            },
        }
        yield orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def api_answer(target: str, moment: float, nonce: int) -> dict[str, Any]:
    """What the shop answers: data follows from the path, `request_id` and `served_at` from the moment."""
    path, _, query = target.partition("?")
    meta = {"request_id": f"req-{random.Random(f'{nonce}{moment}').getrandbits(48):012x}", "served_at": int(moment)}
    if path.startswith("/api/items/"):
        return {"item": item(int(path.rsplit("/", 1)[1])), "meta": meta}
    if path.startswith("/api/orders/"):
        return {"order": order(int(path.rsplit("/", 1)[1])), "meta": meta}
    values = dict(part.split("=", 1) for part in query.split("&") if "=" in part)
    if path == "/api/search":
        start = sum(map(ord, values.get("q", "")))
        hits = [item(1 + (start + 7 * k) % 79) for k in range(4)]
        return {"query": values.get("q", ""), "hits": hits, "total": len(hits), "meta": meta}
    page = int(values.get("page", 1))
    return {"items": [item(5 * (page - 1) + k) for k in range(1, 6)], "page": page, "meta": meta}


def item(number: int) -> dict[str, Any]:
    """One article of the shop."""
    rng = random.Random(number * 7919)
    name = rng.choice(GOODS)
    return {
        "id": number,
        "sku": f"{name[:3].upper()}-{number:04d}",
        "name": name,
        "price": round(rng.uniform(9, 240), 2),
        "currency": "CNY",
        "in_stock": rng.random() > 0.2,
        "tags": sorted(rng.sample(["new", "sale", "eco", "heavy", "gift", "import"], 3)),
        "stock": [{"city": city, "count": rng.randrange(60)} for city in rng.sample(CITIES, 3)],
    }


def order(number: int) -> dict[str, Any]:
    """One order with its lines."""
    rng = random.Random(number * 104_729)
    lines = [{"sku": item(k)["sku"], "quantity": rng.randrange(1, 4), "price": item(k)["price"]}
             for k in rng.sample(range(1, 80), rng.randrange(1, 5))]  # fmt: skip
    total = round(sum(line["quantity"] * line["price"] for line in lines), 2)
    return {
        "id": number,
        "status": rng.choice(("paid", "packed", "shipped", "delivered")),
        "lines": lines,
        "total": total,
        "shipping": {"city": rng.choice(CITIES), "express": rng.random() > 0.7, "note": None},
        "ledger_id": 9_007_199_254_740_993 + number,
    }


def completion(reply: Reply, model: str, nonce: str, created: int) -> dict[str, Any]:
    """A whole chat.completion answer."""
    return {
        "id": f"chatcmpl-{nonce}",
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": reply.text}, "finish_reason": "stop"}],
        "citations": [{"title": reply.source, "url": source_url(reply)}],
        "usage": usage(reply),
    }


def chunks(reply: Reply, model: str, nonce: str, created: int, finish: str, rng: random.Random) -> Iterator[str]:
    """The events of the same answer streamed; piece sizes vary as a model's do."""
    base = {"id": f"chatcmpl-{nonce}", "object": "chat.completion.chunk", "created": created, "model": model}

    def event(delta: dict[str, str], reason: str | None = None, **more: object) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return f"data: {orjson.dumps({**base, 'choices': [choice], **more}).decode()}\n\n"

    yield event({"role": "assistant", "content": ""})
    position = 0
    while position < len(reply.text):
        step = rng.randrange(4, 24)
        yield event({"content": reply.text[position : position + step]})
        position += step
    cited = [{"title": reply.source, "url": source_url(reply)}]
    yield event({}, finish, citations=cited, usage=usage(reply))
    yield "data: [DONE]\n\n"


def streamed(reply: Reply, model: str, nonce: str, created: int) -> str:
    """The recorded body of a streamed answer."""
    return "".join(chunks(reply, model, nonce, created, "stop", random.Random(nonce)))


def usage(reply: Reply) -> dict[str, int]:
    """Token counts as a service would report them."""
    said = len(reply.text) if reply.lang == "zh" else len(reply.text) // 4
    return {"prompt_tokens": 60, "completion_tokens": said, "total_tokens": 60 + said}


def source_url(reply: Reply) -> str:
    """Where a reply's source lives."""
    return f"https://kb.example/{reply.lang}/{sum(map(ord, reply.source)) % 97}"


def _sessions(seed: int) -> Iterator[tuple[int, str, list[tuple[str, Reply]]]]:
    rng = random.Random(seed)
    for number in range(SESSIONS):
        topic = TOPICS[number % len(TOPICS)]
        yield number, f"s-{number:04d}-{rng.getrandbits(32):08x}", _turns(topic, number, rng)


def _turns(topic: Topic, number: int, rng: random.Random) -> list[tuple[str, Reply]]:
    values = {
        "n": 100 + number,
        "a": rng.randrange(5, 10),
        "b": rng.randrange(2, 5),
        "c": rng.randrange(5, 10),
        "r": rng.randrange(2, 4),
    }
    first = topic.questions[0].format(**values)
    turns = []
    for position, (question, answer) in enumerate(zip(topic.questions, topic.answers, strict=True)):
        # a follow-up names its subject, so that one question has one answer
        asked = first if position == 0 else f"{question.format(**values)} ({values['n']})"
        reply = Reply(answer.format(**values), topic.kind, topic.source, topic.lang)
        turns.append((asked, reply))
    if number % 2:
        asked = (
            f"谢谢，{values['n']}的事就按你说的办。"
            if topic.lang == "zh"
            else f"Thanks, I will do that for {values['n']}."
        )
        text = (
            "不客气！如果还有其他问题，随时可以问我，祝您生活愉快。"
            if topic.lang == "zh"
            else "You are welcome. If anything else comes up, please ask at any time. Have a good day."
        )
        turns.append((asked, Reply(text, "plain", topic.source, topic.lang)))
    return turns


def _chat_line(number: int, turn: int, moment: float, session: str, body: dict[str, Any], reply: Reply) -> bytes:
    nonce, created = f"{number:04d}{turn}", int(moment)
    if body["stream"]:
        answer: dict[str, Any] = {"body": streamed(reply, body["model"], nonce, created)}
        kind = "text/event-stream; charset=utf-8"
    else:
        kind, answer = "application/json", {"json": completion(reply, body["model"], nonce, created)}
    line = {
        "v": 1,
        "id": f"chat-{number:04d}-{turn + 1}",
        "ts": round(moment, 3),
        "session": session,
        "method": "POST",
        "target": "/v1/chat/completions",
        "headers": [["Host", "assistant.example"], ["Content-Type", "application/json"], ["Accept", "*/*"],
                    ["User-Agent", "webchat/1.9"]],
        "json": body,
        "body_state": "present",
        "tags": [reply.lang, reply.kind],
        "response": {"status": 200, "headers": [["Content-Type", kind]], **answer},
    }  # fmt: skip
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
