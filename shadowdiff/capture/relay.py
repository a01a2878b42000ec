"""Stand in the traffic's path: bytes from the client to blue and back as they come, and a copy to watch.

Blue alone decides what the client sees, in what order and when. Back-pressure, half-closed connections and resets
pass through; the copy is looked at after the bytes are on their way.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections import deque
from collections.abc import Callable

from shadowdiff.capture.copies import Copy
from shadowdiff.capture.messages import Room
from shadowdiff.capture.passive import Watcher
from shadowdiff.net.names import Names

CONNECT_S = 10.0
RESOLVE_S = 5.0
EARLY = 64 << 10
"""Bytes taken from a client before blue is connected."""
LINGER_S = 30.0
"""How long a connection that one side has ended may stay half open."""
_RESET = struct.pack("ii", 1, 0)
UNREACHABLE = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
    b"Content-Length: 25\r\n\r\nblue cannot be reached.\r\n"
)


class Upstream(asyncio.Protocol):
    """Blue's end of one connection."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._client.answer(data)

    def eof_received(self) -> bool:
        return self._client.blue_ended()

    def connection_lost(self, error: Exception | None) -> None:
        self._client.blue_lost(error)

    def pause_writing(self) -> None:
        self._client.hold(True)

    def resume_writing(self) -> None:
        self._client.hold(False)


class Client(asyncio.Protocol):
    """The client's end of one connection, and the pair as a whole."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._transport: asyncio.Transport | None = None
        self._blue: asyncio.Transport | None = None
        self._early = bytearray()
        self._ended_early = self._down = False
        self._client_done = self._blue_done = False
        self._linger: asyncio.TimerHandle | None = None
        self._moved = False
        """Whether bytes came since one side ended."""
        self.watcher: Watcher | None = None

    # -- from the client --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        name = transport.get_extra_info("peername")
        relay = self._relay
        self.watcher = Watcher(relay.emit, relay.room, relay.cap, str(name[0]) if name else "")
        relay.began(self)

    def data_received(self, data: bytes) -> None:
        self._moved = True
        if self._down:
            if self.watcher is not None:
                self.watcher.asked(data)
            self._refuse()
            return
        if self._blue is None:
            self._early += data
            if self._transport is not None and len(self._early) > EARLY:
                self._transport.pause_reading()
        else:
            self._blue.write(data)
        if self.watcher is not None:
            self.watcher.asked(data)

    def eof_received(self) -> bool:
        self._client_done = True
        if self._blue is None:
            self._ended_early = True
        elif self._blue.can_write_eof():  # TLS cannot be ended on one side
            self._blue.write_eof()
        self._end_soon()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        if self.watcher is not None:
            self.watcher.ended(not self._blue_done, "the client left" if not self._blue_done else "")
        self._transport = None
        if self._blue is not None:
            if error is not None:
                _reset(self._blue)
            self._blue.abort()
        self._close_timer()
        self._relay.ended(self)

    def pause_writing(self) -> None:
        if self._blue is not None:
            self._blue.pause_reading()

    def resume_writing(self) -> None:
        if self._blue is not None:
            self._blue.resume_reading()

    # -- from blue --------------------------------------------------------------------------

    def connected(self, blue: asyncio.Transport) -> None:
        """Blue is there: what came meanwhile goes out."""
        if self._transport is None:
            blue.abort()
            return
        self._blue = blue
        if self._early:
            blue.write(bytes(self._early))
            self._early.clear()
            self._transport.resume_reading()
        if self._ended_early and blue.can_write_eof():
            blue.write_eof()

    def unreachable(self) -> None:
        """Blue cannot be connected to: the client is told when it has asked for something."""
        self._down = True
        if self.watcher is not None and not self.watcher.idle:
            self._refuse()
        else:
            self._linger = asyncio.get_running_loop().call_later(LINGER_S, self.close)

    def _refuse(self) -> None:
        if self.watcher is not None:
            self.watcher.ended(False, "blue could not be reached")
        if self._transport is not None:
            self._transport.write(UNREACHABLE)
            self._transport.close()

    def answer(self, data: bytes) -> None:
        """Bytes of blue's go to the client."""
        self._moved = True
        if self._transport is not None:
            self._transport.write(data)
        if self.watcher is not None:
            self.watcher.told(data)

    def blue_ended(self) -> bool:
        """Blue sends no more; whether its connection stays open for what the client still sends."""
        self._blue_done = True
        if self.watcher is not None:
            self.watcher.ended(False, "")
        if self._transport is None or self._blue is None or not self._blue.can_write_eof():
            return False
        self._transport.write_eof()
        self._end_soon()
        return not self._client_done

    def blue_lost(self, error: Exception | None) -> None:
        """Blue's connection is gone."""
        if self.watcher is not None and not self._blue_done:
            self.watcher.ended(False, "the connection was reset" if error is not None else "")
        if self._transport is not None:
            if error is not None and not self._blue_done:
                _reset(self._transport)
            self._transport.close()

    def hold(self, full: bool) -> None:
        """Blue takes bytes more slowly than they come: so does the client's side."""
        if self._transport is not None and not self._transport.is_closing():
            if full:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    # -- endings ----------------------------------------------------------------------------

    def close(self) -> None:
        """End both sides at once."""
        if self._transport is not None:
            self._transport.abort()

    def _end_soon(self) -> None:
        """Both sides have ended: close. One has: the other gets a while."""
        if self._client_done and self._blue_done:
            if self._transport is not None:
                self._transport.close()
        elif self._linger is None:
            self._linger = asyncio.get_running_loop().call_later(LINGER_S, self._lingered)

    def _lingered(self) -> None:
        """One side has ended for a while: the other may stay as long as it has something to say."""
        self._linger = None
        if self._moved:
            self._moved = False
            self._end_soon()
        else:
            self.close()

    def _close_timer(self) -> None:
        if self._linger is not None:
            self._linger.cancel()


class Relay:
    """Accepts clients and pairs each with a connection of its own to blue."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        emit: Callable[[Copy], None],
        room: Room,
        cap: int,
        tls: ssl.SSLContext | None = None,
        name: str = "",
    ) -> None:
        """Blue is at `host`:`port`, behind `tls` with the server name `name`. `cap` is bytes copied of a body."""
        self._host = host
        self._port = port
        self._tls = tls
        self._name = name
        self.emit = emit
        self.room = room
        self.cap = cap
        self.clients: set[Client] = set()
        self._addresses: deque[str] = deque()
        self._resolved_at = 0.0
        self._names = Names(self._host, self._port)
        self._tasks: set[asyncio.Task[None]] = set()
        self._empty = asyncio.Event()

    def began(self, client: Client) -> None:
        """A client has connected."""
        self.clients.add(client)
        task = asyncio.get_running_loop().create_task(self._connect(client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def ended(self, client: Client) -> None:
        """A client is gone."""
        self.clients.discard(client)
        if not self.clients:
            self._empty.set()

    async def drain(self, seconds: float) -> None:
        """Close what is idle, let the rest end, and close what is left after so many seconds."""
        until = asyncio.get_running_loop().time() + seconds
        while self.clients and asyncio.get_running_loop().time() < until:
            for client in list(self.clients):
                if client.watcher is not None and client.watcher.idle:
                    client.close()
            self._empty.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await self._empty.wait()
        for client in list(self.clients):
            client.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.sleep(0)

    async def _connect(self, client: Client) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                transport, _ = await loop.create_connection(
                    lambda: Upstream(client),
                    await self._address(),
                    self._port,
                    ssl=self._tls,
                    server_hostname=self._name if self._tls is not None else None,
                )
        except (OSError, TimeoutError, UnicodeError):
            client.unreachable()
            return
        client.connected(transport)

    async def _address(self) -> str:
        """One of blue's addresses in turn; names are resolved again every few seconds."""
        loop = asyncio.get_running_loop()
        if not self._addresses or loop.time() > self._resolved_at + RESOLVE_S:
            self._addresses = deque(address for address, _ in await self._names.resolve())
            self._resolved_at = loop.time()
        self._addresses.rotate(1)
        return self._addresses[0]


def _reset(transport: asyncio.Transport) -> None:
    """Let closing send a reset: the other side must not take a cut answer for a whole one."""
    raw = transport.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
