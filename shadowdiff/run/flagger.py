"""Flagger's webhooks (delivery-contracts.md 1.2), one address a type: their codes mean different things.

POST /flagger/rollout             412 on fail, else 200: an undecided one must not eat the failure budget
POST /flagger/confirm-promotion   200 on pass, else 409
POST /flagger/rollback            200 on fail, else 409: 200 rolls back
POST /flagger/event               200 and a line of the audit log

Candidate and step come from the query or the hook's `metadata`. Halts are 4xx: Flagger retries a 5xx and loses its
body.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from shadowdiff import redact
from shadowdiff.model.verdict import Status, Verdict

if TYPE_CHECKING:
    from shadowdiff.run.api import Served

PREFIX = "/flagger/"
UNKNOWN = "no such service, candidate or step here"
EVENT: tuple[str, ...] = ("name", "namespace", "phase", "checksum")
HOOKS: dict[str, Callable[[Verdict | None], int]] = {
    "rollout": lambda verdict: 412 if verdict is not None and verdict.verdict is Status.FAIL else 200,
    "confirm-promotion": lambda verdict: 200 if verdict is not None and verdict.verdict is Status.PASS else 409,
    "rollback": lambda verdict: 200 if verdict is not None and verdict.verdict is Status.FAIL else 409,
}


def routes(served: Served) -> list[web.RouteDef]:
    """The hooks."""

    def hook(name: str) -> web.RouteDef:
        async def answer(request: web.Request) -> web.Response:
            given = {**await metadata(request), **request.query}
            verdict = served.verdict(
                given.get("service", ""), given.get("candidate", ""), given.get("step", "")[:200]
            )
            text = UNKNOWN if verdict is None else f"{verdict.verdict}: {verdict.reason}"
            return web.Response(text=text + "\n", status=HOOKS[name](verdict))

        return web.post(PREFIX + name, answer)

    async def event(request: web.Request) -> web.Response:
        said = await _payload(request)
        known = {key: str(said[key])[:200] for key in EVENT if key in said}
        known["message"] = (await metadata(request)).get("eventMessage", "")[:500]
        served.note("flagger", {key: redact.text(value) for key, value in known.items()})
        return web.Response(text="noted\n")

    return [*map(hook, HOOKS), web.post(PREFIX + "event", event)]


async def metadata(request: web.Request) -> dict[str, str]:
    """The hook's `metadata`, text to text."""
    found = (await _payload(request)).get("metadata")
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


async def _payload(request: web.Request) -> dict[str, Any]:
    try:
        found = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
