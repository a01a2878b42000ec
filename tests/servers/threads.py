"""A service like the OpenAI Assistants API: it mints thread, message and run ids, and answers from the thread."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import string
import threading
from collections.abc import Iterator

from aiohttp import web

_LETTERS = string.ascii_letters + string.digits


def mint(prefix: str) -> str:
    return f"{prefix}_" + "".join(secrets.choice(_LETTERS) for _ in range(24))


class Threads:
    """The handlers; `store` may be shared by two services, `reads` is how this one finds a thread's messages."""

    def __init__(self, store: dict[str, list[dict]] | None = None, remembers: int = 1000) -> None:
        self.store: dict[str, list[dict]] = {} if store is None else store
        self.runs: dict[str, dict] = {}
        self.remembers = remembers
        self.refused = 0

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.post("/v1/threads", self.create),
                web.post("/v1/threads/{thread}/messages", self.say),
                web.post("/v1/threads/{thread}/runs", self.run),
                web.get("/v1/threads/{thread}/runs/{run}", self.poll),
                web.get("/v1/threads/{thread}/messages", self.read),
            ]
        )
        return app

    async def create(self, request: web.Request) -> web.Response:
        thread = mint("thread")
        self.store[thread] = []
        return web.json_response({"id": thread, "object": "thread", "metadata": {}})

    def _messages(self, request: web.Request) -> list[dict]:
        found = self.store.get(request.match_info["thread"])
        if found is None:
            self.refused += 1
            raise web.HTTPNotFound(text='{"error":{"message":"No thread found"}}', content_type="application/json")
        return found

    async def say(self, request: web.Request) -> web.Response:
        messages = self._messages(request)
        message = {"id": mint("msg"), "role": "user", "content": (await request.json())["content"]}
        messages.append(message)
        return web.json_response({**message, "thread_id": request.match_info["thread"]})

    async def run(self, request: web.Request) -> web.Response:
        messages = self._messages(request)
        said = [m["content"] for m in messages if m["role"] == "user"][-self.remembers :]
        text = f"You said {said[-1]}. Before that: {', '.join(said[:-1]) or 'nothing'}."
        messages.append({"id": mint("msg"), "role": "assistant", "content": text})
        run = {"id": mint("run"), "status": "completed", "thread_id": request.match_info["thread"]}
        self.runs[run["id"]] = run
        return web.json_response(run)

    async def poll(self, request: web.Request) -> web.Response:
        self._messages(request)
        run = self.runs.get(request.match_info["run"])
        if run is None:
            self.refused += 1
            raise web.HTTPNotFound(text='{"error":{"message":"No run found"}}', content_type="application/json")
        return web.json_response(run)

    async def read(self, request: web.Request) -> web.Response:
        return web.json_response({"data": self._messages(request)[::-1]})


@contextlib.contextmanager
def serving(service: Threads) -> Iterator[str]:
    """The service on a loopback port, in a thread of its own; gives its URL."""
    loop = asyncio.new_event_loop()
    started = threading.Event()
    where: list[str] = []

    async def start() -> web.AppRunner:
        runner = web.AppRunner(service.app(), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        where.append(f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}")
        started.set()
        return runner

    def work() -> None:
        runner = loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.run_until_complete(asyncio.sleep(0.02))  # transports close their sockets in a later turn
        loop.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    started.wait(10)
    try:
        yield where[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
