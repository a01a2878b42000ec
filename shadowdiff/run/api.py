"""What a service answers over HTTP: verdict, health, metrics, configuration. Loopback only unless a token is set.

GET  /api/v1/verdict?service=&candidate=&step=   200 and verdict.json, whatever it says; 404 for another candidate
GET  /api/v1/config                              the versions of the configuration, newest last
POST /api/v1/rollback?to=HASH                    the one before (or HASH) is in force again; 409 where none is kept
POST /api/v1/stop                                nothing more is sent; what is known is judged
POST /flagger/...                                `flagger`
GET  /  /events                                  `livepage`
GET  /healthz  /readyz  /metrics
"""

from __future__ import annotations

import contextlib
import hmac
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from shadowdiff import redact
from shadowdiff.errors import UsageError
from shadowdiff.model.verdict import Verdict
from shadowdiff.run import flagger, livepage
from shadowdiff.run.reload import Reloader
from shadowdiff.run.results import to_json

OFF = "off"
OPEN = ("/healthz", "/readyz", "/login")
MAX_POST = 64 << 10


class Served(Protocol):
    """What a service says of itself."""

    def verdict(self, service: str, candidate: str, step: str) -> Verdict | None:
        """The verdict of a candidate at a step, None for what is not known."""

    def metrics(self) -> bytes:
        """OpenMetrics text."""

    def state(self) -> dict[str, Any]:
        """What the live page shows."""

    def note(self, what: str, said: dict[str, Any]) -> None:
        """A line of the audit log."""

    @property
    def reloader(self) -> Reloader:
        """Which configuration is in force, and how to go back."""

    def halt(self, why: str) -> None:
        """Send nothing more."""

    @property
    def accepting(self) -> bool:
        """Whether it takes traffic."""


def address(text: str, token: str) -> tuple[str, int] | None:
    """(host, port) of --api, None when it is off. Raises `UsageError`; off loopback a token is needed."""
    if text in ("", OFF):
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise UsageError(f"--api {text}: write HOST:PORT, e.g. 127.0.0.1:8780, or off")
    if not token and not _loopback(host.strip("[]")):
        raise UsageError(f"--api {text}: answers beyond this machine need --api-token, e.g. env:SHADOWDIFF_TOKEN")
    return host.strip("[]"), int(port)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextlib.asynccontextmanager
async def serving(where: tuple[str, int] | None, token: str, served: Served) -> AsyncIterator[str]:
    """Answer while the body runs; yields the URL, empty when off. Raises `UsageError` when the port is taken."""
    if where is None:
        yield ""
        return
    runner = web.AppRunner(application(token, served), access_log=None, handle_signals=False, shutdown_timeout=2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, *where)
        try:
            await site.start()
        except OSError as error:
            raise UsageError(f"--api {where[0]}:{where[1]}: cannot listen there ({error.strerror})") from None
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        yield f"http://{where[0] if ':' not in where[0] else f'[{where[0]}]'}:{port}"
    finally:
        await runner.cleanup()


def application(token: str, served: Served) -> web.Application:
    """The routes. `token` guards everything but health."""

    @web.middleware
    async def guard(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if not token and not from_here(request):
            return web.json_response({"error": "asked from a page or for a name that is not this one"}, status=403)
        if token and request.path not in OPEN and not await admitted(request, token):
            return web.json_response({"error": "a bearer token is needed"}, status=401)
        return await handler(request)

    async def asked(request: web.Request) -> web.Response:
        query = request.query
        found = served.verdict(query.get("service", ""), query.get("candidate", ""), query.get("step", "")[:200])
        if found is None:
            return web.json_response({"error": flagger.UNKNOWN}, status=404)
        return web.Response(
            body=to_json(found), content_type="application/json", headers={"Cache-Control": "no-store"}
        )

    async def healthy(request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def prepared(request: web.Request) -> web.Response:
        return web.Response(text="ready\n") if served.accepting else web.Response(text="not yet\n", status=503)

    async def counted(request: web.Request) -> web.Response:
        kind = "application/openmetrics-text; version=1.0.0; charset=utf-8"
        return web.Response(body=served.metrics(), headers={"Content-Type": kind})

    async def configs(request: web.Request) -> web.Response:
        reloader = served.reloader
        return web.json_response(
            {
                "config_hash": reloader.config.hash,
                "versions": msgspec.to_builtins(list(reloader.versions)),
                "reloads": reloader.counts.reloads,
                "errors": reloader.counts.errors,
                "error": redact.text(reloader.error),
            }
        )

    async def roll_back(request: web.Request) -> web.Response:
        try:
            version = await served.reloader.roll_back(request.query.get("to", ""))
        except UsageError as error:
            return web.json_response({"error": redact.text(str(error))}, status=409)
        served.note("rollback", {"config_hash": version.hash, "changed": list(version.changed)})
        return web.json_response({"config_hash": version.hash, "changed": version.changed})

    async def stop(request: web.Request) -> web.Response:
        served.note("stop", {"peer": request.remote or ""})
        served.halt("told to over the API")
        return web.json_response({"stopping": True}, status=202)

    app = web.Application(middlewares=[guard], client_max_size=MAX_POST)
    app.add_routes([
        web.get("/api/v1/verdict", asked), web.get("/healthz", healthy), web.get("/readyz", prepared),
        web.get("/metrics", counted), web.get("/api/v1/config", configs), web.post("/api/v1/rollback", roll_back),
        web.post("/api/v1/stop", stop),
        *flagger.routes(served), *livepage.routes(served, token),
    ])  # fmt: skip
    return app


def from_here(request: web.Request) -> bool:
    """Whether this machine is asked, by name too, and not by another page.

    Otherwise any page that an operator opens could tell a service on loopback what to do (a forged request), or read
    it under a name of its own (DNS rebinding). With a token neither is possible.
    """
    origin = request.headers.get("Origin", "")
    try:
        name = urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return False
    return _loopback(name) and (not origin or origin.partition("://")[2] == request.host)


async def admitted(request: web.Request, token: str) -> bool:
    """Whether a request carries the token: as a bearer, in the page's cookie, or in a Flagger hook's metadata."""
    given = [request.headers.get("Authorization", "").removeprefix("Bearer ")]
    if request.method == "GET":
        given.append(request.cookies.get(livepage.COOKIE, ""))
    elif request.path.startswith(flagger.PREFIX):
        given.append((await flagger.metadata(request)).get("token", ""))
    return any(hmac.compare_digest(one.encode("utf-8", "replace"), token.encode()) for one in given)
