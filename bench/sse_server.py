"""A server for benches: every request gets a streamed chat answer of EVENTS events, one each EVERY seconds.

python bench/sse_server.py EVENTS EVERY     # prints its port
"""

from __future__ import annotations

import asyncio
import resource
import sys

import uvloop

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def event(number: int) -> bytes:
    """One event as a chunk, about 110 bytes."""
    data = b'data: {"object":"chat.completion.chunk","choices":[{"delta":{"content":"word %06d "}}]}\n\n' % number
    return b"%x\r\n%s\r\n" % (len(data), data)


LAST = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"


class Stream(asyncio.Protocol):
    """Answers one request after another on its connection."""

    def __init__(self, events: int, every: float) -> None:
        self._events, self._every = events, every

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Begin to answer; requests of a bench come whole."""
        self._transport.write(HEAD)  # type: ignore[attr-defined]
        self._tick(0)

    def _tick(self, number: int) -> None:
        if self._transport.is_closing():
            return
        if number == self._events:
            self._transport.write(LAST)  # type: ignore[attr-defined]
            return
        self._transport.write(event(number))  # type: ignore[attr-defined]
        asyncio.get_running_loop().call_later(self._every, self._tick, number + 1)


async def serve(events: int, every: float) -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Stream(events, every), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(serve(int(sys.argv[1]), float(sys.argv[2])))
