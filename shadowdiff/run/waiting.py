"""Wait for the verdict of a running service, for a pipeline stage that must exit by it."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from shadowdiff.errors import Exit, TargetError, UsageError

EVERY_S = 2.0
TIMEOUT_S = 10.0


def wait(
    url: str,
    asked: dict[str, str],
    wait_s: float,
    token: str,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[int, bytes]:
    """(exit code, verdict.json) once it is pass or fail, or 3 at the deadline with the last that was known.

    Raises `TargetError` (4) when the service was never reached and `UsageError` for a refused token.
    """
    ends, last, heard, said = clock() + wait_s, b"", False, ""
    request = urllib.request.Request(f"{url.rstrip('/')}/api/v1/verdict?{urlencode(asked)}")  # noqa: S310 - http(s) only
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    while True:
        state = ""
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                heard, raw = True, answer.read(8 << 20)
            verdict, last = _parsed(raw), raw
            if verdict.get("verdict") in ("pass", "fail"):
                return int(verdict["exit_code"]), last
            state = f"{verdict.get('verdict')}: {verdict.get('reason', '')}"
        except urllib.error.HTTPError as error:
            heard = True
            if error.code == 401:
                raise UsageError(f"{url}: the service wants a token; give --token env:NAME") from None
            state = "it does not know this candidate yet" if error.code == 404 else f"it answered {error.code}"
        except ValueError as error:
            state = f"its answer is no verdict ({error})"
        except (OSError, http.client.HTTPException) as error:
            state = f"it cannot be reached ({getattr(error, 'reason', error)})"
        if state != said:
            say(f"{url}: {state}")
            said = state
        if clock() + EVERY_S > ends:
            break
        sleep(EVERY_S)
    if not heard:
        raise TargetError(f"{url}: {said}; is the service running, and is the address right?")
    return int(Exit.INCONCLUSIVE), last


def _parsed(raw: bytes) -> dict[str, Any]:
    value = json.loads(raw)
    if not isinstance(value, dict) or not isinstance(value.get("exit_code"), int) or "reason" not in value:
        raise ValueError("no exit_code, or no reason")
    return value
