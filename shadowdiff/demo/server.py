"""A real HTTP server for the tour: an assistant that streams, and a shop API. Run as a process a release.

`--release bad` is the planted regression: a new answer template that lost the disclaimer (仅供参考), a
token limit that cuts long answers, and an order total that became a rounded integer.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
import uuid

import msgspec
import orjson
from aiohttp import web

from shadowdiff.demo import corpus, knowledge
from shadowdiff.demo.corpus import Reply

RELEASES = ("blue", "good", "bad")
CUT_AT = 0.55


class Assistant:
    """Answers what the corpus knows, as the given release would."""

    def __init__(self, release: str, delay_s: float) -> None:
        self._bad = release == "bad"
        self._delay = delay_s
        self._known = corpus.replies()
        self._rng = random.Random()

    def app(self) -> web.Application:
        """The application with all routes."""
        app = web.Application(client_max_size=4 << 20)
        app.add_routes(
            [
                web.post("/v1/chat/completions", self.chat),
                web.get("/api/{rest:.*}", self.shop),
                web.get("/", self.alive),
            ]
        )
        return app

    async def alive(self, request: web.Request) -> web.Response:
        """For health checks."""
        return web.json_response({"ok": True})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """One chat completion, streamed when asked to."""
        body = await request.json()
        question = body["messages"][-1]["content"]
        reply = self._known.get(question)
        if reply is None:
            return web.json_response({"error": {"message": "unknown question"}}, status=422)
        reply, finish = self._as_release(reply)
        nonce = uuid.uuid4().hex[:12]
        if not body.get("stream"):
            answer = corpus.completion(reply, body["model"], nonce, int(time.time()))  # noqa: TID251 - a stamp for people
            answer["choices"][0]["finish_reason"] = finish
            return web.json_response(answer, dumps=lambda value: orjson.dumps(value).decode())
        return await self._stream(request, body["model"], nonce, reply, finish)

    async def shop(self, request: web.Request) -> web.Response:
        """The shop API."""
        moment = time.time()  # noqa: TID251 - a stamp for people
        answer = corpus.api_answer(request.path_qs, moment, self._rng.getrandbits(32))
        if self._bad and "order" in answer:
            answer["order"]["total"] = round(answer["order"]["total"])
        return web.json_response(answer, dumps=lambda value: orjson.dumps(value).decode())

    def _as_release(self, reply: Reply) -> tuple[Reply, str]:
        if not self._bad:
            return reply, "stop"
        if reply.kind == "noted":
            text = reply.text.replace(knowledge.ZH_NOTE, "").replace(knowledge.EN_NOTE, "").rstrip()
            return msgspec.structs.replace(reply, text=text), "stop"
        if reply.kind == "long":
            return msgspec.structs.replace(reply, text=reply.text[: int(len(reply.text) * CUT_AT)]), "length"
        return reply, "stop"

    async def _stream(
        self, request: web.Request, model: str, nonce: str, reply: Reply, finish: str
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        created = int(time.time())  # noqa: TID251 - a stamp for people
        for event in corpus.chunks(reply, model, nonce, created, finish, self._rng):
            await response.write(event.encode())
            await asyncio.sleep(self._delay)
        await response.write_eof()
        return response


async def serve(release: str, port: int, delay_s: float) -> None:
    """Serve until cancelled; prints the port it got on one line."""
    runner = web.AppRunner(Assistant(release, delay_s).app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    server = site._server
    assert server is not None  # noqa: S101 - the site has started
    print(server.sockets[0].getsockname()[1], flush=True)  # type: ignore[attr-defined]
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", choices=RELEASES, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.001, help="seconds between streamed chunks")
    given = parser.parse_args()
    asyncio.run(serve(given.release, given.port, given.delay))
