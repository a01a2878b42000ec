"""Three releases for the sample reports: what blue and green answer, and how long it takes, all from seeds.

Each story is a transport: the whole of shadowdiff runs but the wire, so that the same code writes the same report.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from zlib import crc32

import msgspec
import orjson

from shadowdiff.contracts import Call
from shadowdiff.demo import corpus, knowledge
from shadowdiff.demo.corpus import Reply
from shadowdiff.model.exchange import Observation, Request, Response, Role

CREATED = 1_790_000_000
CUT_AT = 0.55
JSON = (("Content-Type", "application/json"),)
STREAM = (("Content-Type", "text/event-stream; charset=utf-8"),)
OPENERS = {"en": ("", "Sure. ", "Of course. ", "Happy to help. "), "zh": ("", "好的，", "您好，", "当然可以，")}
CLOSERS = {"en": ("", " Anything else?", " I hope this helps."), "zh": ("", "还有什么可以帮您？", "希望对您有帮助。")}


class Canned:
    """Base: one answer a call, with seeded times. Subclasses say what a role answers."""

    slower = 1.0
    """How much longer green takes."""

    def __init__(self, **_: Any) -> None:
        self._asked: dict[tuple[Role, str], int] = {}

    async def send(self, calls: Sequence[Call]) -> tuple[Observation, ...]:
        """Answer every call of one exchange."""
        return tuple(self._answered(call) for call in calls)

    async def aclose(self) -> None:
        """Nothing is open."""

    def answer(self, role: Role, request: Request, rng: random.Random) -> tuple[int, list[bytes]]:
        """(status, pieces of the body); several pieces are a stream."""
        raise NotImplementedError

    def _answered(self, call: Call) -> Observation:
        key = f"{call.request.target} {call.request.body!r}"
        again = self._asked[call.role, key] = self._asked.get((call.role, key), 0) + 1
        rng = random.Random(crc32(f"{type(self).__name__} {call.role} {again} {_unique(key)}".encode()))
        status, pieces = self.answer(call.role, call.request, rng)
        slower = self.slower if call.role is Role.GREEN else 1.0
        first = 0.004 * rng.lognormvariate(0, 0.35) * slower
        at, offset, events = first, 0, []
        for piece in pieces:
            events.append((offset, round(at, 6)))
            offset += len(piece)
            at += 0.012 * rng.lognormvariate(0, 0.4) * slower if len(pieces) > 1 else 0.0
        total = events[-1][1] + 0.0004
        headers = (*(STREAM if len(pieces) > 1 else JSON), ("X-Build", "v2" if call.role is Role.GREEN else "v1"))
        body = b"".join(pieces)
        response = Response(status, headers, body, len(body), events=tuple(events) if len(pieces) > 1 else ())
        return Observation(
            role=call.role, response=response, peer="192.0.2.1:80", first_byte_s=round(first, 6), total_s=total
        )


class Rag(Canned):
    """An assistant whose new prompt template lost the disclaimer, and whose new token limit cuts long answers."""

    slower = 1.15

    def __init__(self, **_: Any) -> None:
        super().__init__()
        self._known = corpus.replies()

    def answer(self, role: Role, request: Request, rng: random.Random) -> tuple[int, list[bytes]]:
        """One chat completion, streamed when asked to."""
        asked = msgspec.json.decode(request.body)
        reply, finish = self.said(role, self._known[asked["messages"][-1]["content"]], rng)
        nonce = f"{rng.getrandbits(48):012x}"
        if asked.get("stream"):
            events = corpus.chunks(reply, asked["model"], nonce, CREATED, finish, rng)
            return 200, [event.encode() for event in events]
        whole = corpus.completion(reply, asked["model"], nonce, CREATED)
        whole["choices"][0]["finish_reason"] = finish
        return 200, [orjson.dumps(whole)]

    def said(self, role: Role, reply: Reply, rng: random.Random) -> tuple[Reply, str]:
        """What this release says of it, and how it ends."""
        if role is Role.GREEN and reply.kind == "noted":
            return _text(
                reply, lambda text: text.replace(knowledge.ZH_NOTE, "").replace(knowledge.EN_NOTE, "")
            ), "stop"
        if role is Role.GREEN and reply.kind == "long":
            return _text(reply, lambda text: text[: int(len(text) * CUT_AT)]), "length"
        return reply, "stop"


class Sampled(Rag):
    """A model at a temperature above 0: each answer opens and closes as it likes. Green is as good as blue."""

    slower = 1.0

    def said(self, role: Role, reply: Reply, rng: random.Random) -> tuple[Reply, str]:
        """The same facts in other words."""
        opener, closer = rng.choice(OPENERS[reply.lang]), rng.choice(CLOSERS[reply.lang])
        return _text(reply, lambda text: opener + text + closer), "stop"


class Shop(Canned):
    """A shop API. This candidate rounds order totals, and one shard of items fails."""

    slower = 1.6

    def answer(self, role: Role, request: Request, rng: random.Random) -> tuple[int, list[bytes]]:
        """One JSON answer."""
        made = corpus.api_answer(request.target, CREATED + rng.randrange(1000), rng.getrandbits(32))
        status = self.change(made) if role is Role.GREEN else 200
        return status, [orjson.dumps(made if status == 200 else {"error": "shard 7 is not reachable"})]

    def change(self, made: dict[str, Any]) -> int:
        """Make `made` what green says; its status."""
        if "order" in made:
            made["order"]["total"] = round(made["order"]["total"])
        return 503 if made.get("item", {}).get("id", 0) % 10 == 7 else 200


class ShopAgain(Shop):
    """The next candidate: totals are whole again, items no longer fail, and `in_stock` was renamed."""

    slower = 1.0

    def change(self, made: dict[str, Any]) -> int:
        """Rename a field of every article."""
        for item in _items(made):
            item["available"] = item.pop("in_stock")
        return 200


def _text(reply: Reply, change: Callable[[str], str]) -> Reply:
    return msgspec.structs.replace(reply, text=change(reply.text).rstrip())


def _items(made: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from made.get("items", [])
    yield from made.get("hits", [])
    if "item" in made:
        yield made["item"]


def _unique(key: str) -> str:
    """A request without the ids that isolation draws anew for each run."""
    return re.sub(r'"session_id":\s*"[^"]*"', "", key)
