"""The live page: one document, its script and style, and a stream of states. No outside request, no inline code.

GET /               the page
GET /login?token=…  the token moves into a cookie and out of the address
GET /events         server-sent events: the state whenever a second has passed
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import time
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from shadowdiff.run.api import Served

COOKIE = "shadowdiff"
EVERY_S = 1.0
MAX_WATCHING = 50
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_KINDS = {"live.html": "text/html", "live.js": "text/javascript", "live.css": "text/css"}


def routes(served: Served, token: str) -> list[web.RouteDef]:
    """The page and what it loads."""
    watching = 0
    painted, until = b"", float("-inf")

    def state() -> bytes:
        """The state as it is sent: judged at most twice in `EVERY_S`, however many watch."""
        nonlocal painted, until
        now = time.monotonic()
        if now >= until:
            painted, until = msgspec.json.encode(served.state()), now + EVERY_S / 2
        return painted

    def part(name: str, *before: str) -> web.RouteDef:
        here = files("shadowdiff.report.html")
        text = "".join((here / one).read_text("utf-8") for one in (*before, name))

        async def answer(request: web.Request) -> web.Response:
            return web.Response(text=text, content_type=_KINDS[name], charset="utf-8", headers=HEADERS)

        return web.get("/" if name == "live.html" else f"/{name}", answer)

    async def login(request: web.Request) -> web.Response:
        """The token of a link becomes a cookie, so that it stays in no history."""
        given = request.query.get("token", "")
        if not token or not hmac.compare_digest(given.encode("utf-8", "replace"), token.encode()):
            return web.json_response({"error": "a bearer token is needed"}, status=401)
        answer = web.Response(status=303, headers={**HEADERS, "Location": "/"})
        answer.set_cookie(COOKIE, given, httponly=True, samesite="Strict", secure=request.secure)
        return answer

    async def events(request: web.Request) -> web.StreamResponse:
        nonlocal watching
        if watching >= MAX_WATCHING:
            return web.json_response({"error": f"{MAX_WATCHING} pages are open already"}, status=503)
        stream = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
        await stream.prepare(request)
        watching += 1
        try:
            with contextlib.suppress(ConnectionError):
                while True:
                    await stream.write(b"data: " + state() + b"\n\n")
                    if not served.accepting:
                        break
                    await asyncio.sleep(EVERY_S)
        finally:
            watching -= 1
        return stream

    return [
        part("live.html"), part("live.css", "page.css"), part("live.js"), web.get("/events", events),
        web.get("/login", login),
    ]  # fmt: skip
