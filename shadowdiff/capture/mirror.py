"""Receive mirrored traffic: answer 202 as soon as a request is whole, whatever becomes of it.

nginx waits for a mirror before it reads the next request of a connection, so that a slow receiver slows down live
traffic (delivery-contracts.md 1.3): nothing is awaited here. Envoy and Istio mark the Host with `-shadow`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import msgspec

from shadowdiff.capture.copies import Copy
from shadowdiff.capture.messages import Room
from shadowdiff.capture.passive import Watcher

ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
LAST = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
BAD = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
IDLE_S = 75.0
_SHADOW = re.compile(r"-shadow(?=$|:\d+$)")


class Receiver(asyncio.Protocol):
    """One connection of a mirroring proxy."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.watcher: Watcher | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        name = transport.get_extra_info("peername")
        mirror = self._mirror
        mirror.clients.add(self)
        self.watcher = Watcher(self._whole, mirror.room, mirror.cap, str(name[0]) if name else "", answered=False)
        self.watcher.waits_to_go_on = self._go_on
        self._wait()

    def data_received(self, data: bytes) -> None:
        if self.watcher is None or self._transport is None:
            return
        self._wait()
        self.watcher.asked(data)
        if self.watcher.blind and not self._transport.is_closing():
            self._transport.write(BAD)
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.watcher is not None:
            self.watcher.ended(True, "the client left")
        self._transport = None
        self._mirror.clients.discard(self)

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()

    def _whole(self, copy: Copy) -> None:
        """A request is complete: answer, then hand it on."""
        if self._transport is not None and not copy.client_left and not self._transport.is_closing():
            keeps = self.watcher is not None and self.watcher.keeps_alive
            self._transport.write(ACCEPTED if keeps else LAST)
            if not keeps:
                self._transport.close()
        self._mirror.emit(unmarked(copy))

    def _go_on(self) -> None:
        if self._transport is not None:
            self._transport.write(GO_ON)

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(IDLE_S, self.close)


class Mirror:
    """Accepts mirroring proxies."""

    def __init__(self, *, emit: Callable[[Copy], None], room: Room, cap: int) -> None:
        self.emit = emit
        self.room = room
        self.cap = cap
        self.clients: set[Receiver] = set()

    async def drain(self, seconds: float) -> None:
        """Give what is arriving a moment, then close."""
        until = asyncio.get_running_loop().time() + seconds
        while any(one.watcher is not None and not one.watcher.idle for one in self.clients):
            if asyncio.get_running_loop().time() >= until:
                break
            await asyncio.sleep(0.05)
        for one in list(self.clients):
            one.close()
        await asyncio.sleep(0)


def unmarked(copy: Copy) -> Copy:
    """`copy` with the Host that the client asked for: without Envoy's `-shadow`, before a port or at the end."""
    for index, (name, value) in enumerate(copy.headers):
        if name.lower() == "host" and _SHADOW.search(value):
            headers = (*copy.headers[:index], (name, _SHADOW.sub("", value)), *copy.headers[index + 1 :])
            return msgspec.structs.replace(copy, headers=headers)
    return copy
