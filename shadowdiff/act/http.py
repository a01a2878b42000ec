"""One HTTP call of an action: told exactly in a dry run, made with aiohttp, its outcome in one line.

Redirects are not followed. A status of 408, 409, 425, 429 or 5xx may pass on a second try; another refusal will not.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import aiohttp
import msgspec

from shadowdiff import redact
from shadowdiff.errors import ActionRefused

CONNECT_S = 5.0
SHOWN = 300
AGAIN = frozenset({408, 409, 425, 429})


class Call(msgspec.Struct, frozen=True):
    """A request that an action makes."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def __str__(self) -> str:
        """As a dry run prints it: secrets in headers and URL are redacted."""
        shown = redact.headers(self.headers)
        lines = [f"{self.method} {redact.text(self.url)}", *(f"{name}: {value}" for name, value in shown)]
        return "\n".join([*lines, "", redact.text(self.body.decode("utf-8", "replace"))])


async def send(call: Call, context: ssl.SSLContext | None = None, shown: int = SHOWN) -> tuple[int, str]:
    """(status, the first `shown` characters of the answer). Raises `aiohttp.ClientError`, `OSError` without one."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
    async with (
        aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
        session.request(
            call.method,
            call.url,
            headers=call.headers,
            data=call.body,
            allow_redirects=False,
            ssl=context if context is not None else True,
        ) as answer,
    ):
        text = (await answer.content.read(max(shown, 64 << 10))).decode("utf-8", "replace")
        return answer.status, text[:shown]


async def done(call: Call, context: ssl.SSLContext | None = None) -> str:
    """Send and say how it went. Raises `ActionRefused` for what trying again cannot help, `OSError` for the rest."""
    status, text = await send(call, context)
    return judged(status, text)


def judged(status: int, text: str) -> str:
    """`status` in one line. Raises as `done` does."""
    if 200 <= status < 300:
        return f"answered {status}"
    what = f"answered {status}: {' '.join(text.split())}"
    if status >= 500 or status in AGAIN:
        raise OSError(what)
    raise ActionRefused(what)


def headers(given: Mapping[str, str], **more: str) -> tuple[tuple[str, str], ...]:
    """`more` (with `_` for `-`), then what was given; a given one of the same name wins."""
    own = {name.replace("_", "-"): value for name, value in more.items()}
    taken = {name.lower() for name in given}
    return (*((name, value) for name, value in own.items() if name.lower() not in taken), *given.items())
