"""Look names up in threads that nothing waits for: a resolver that hangs must not hold up the end of a run."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import Any

Found = list[tuple[str, int]]


def look_up(host: str, port: int) -> asyncio.Future[Found]:
    """All (address, port) of `host`, each once, in the resolver's order, or an `OSError`."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Found] = loop.create_future()

    def settle(found: Found | None, error: Exception | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(found or [])

    def look() -> None:
        found: Found | None = None
        failed: Exception | None = None
        try:
            entries: list[Any] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found = list(dict.fromkeys((str(entry[4][0]), int(entry[4][1])) for entry in entries))
        except UnicodeError:  # a label that no name can have
            failed = OSError("not a name")
        except OSError as error:
            failed = error
        with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile
            loop.call_soon_threadsafe(settle, found, failed)

    threading.Thread(target=look, name=f"resolve {host}", daemon=True).start()
    return answer


class Names:
    """One look-up of a name at a time, however many ask."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._asking: asyncio.Future[Found] | None = None

    async def resolve(self) -> Found:
        """As `look_up`. Who gives up does not end the look-up for others."""
        if self._asking is None or self._asking.done():
            self._asking = look_up(self._host, self._port)
            self._asking.add_done_callback(_heard)
        return await asyncio.shield(self._asking)


def _heard(done: asyncio.Future[Found]) -> None:
    """A failure that nobody waited for any more is no news."""
    if not done.cancelled():
        done.exception()
