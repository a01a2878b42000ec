"""The door of the process in the path: everybody gets in quickly, and a lack of files is no end."""

from __future__ import annotations

import asyncio
import errno
import socket

import pytest
import uvloop

from shadowdiff.run import front
from shadowdiff.run.front import Door


class Seen(asyncio.Protocol):
    def __init__(self, inside: list[asyncio.BaseTransport]) -> None:
        self._inside = inside

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._inside.append(transport)


class Full:
    """A listening socket that has no file for a client the first time."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._refuses = 1

    def accept(self) -> tuple[socket.socket, object]:
        if self._refuses:
            self._refuses = 0
            raise OSError(errno.EMFILE, "Too many open files")
        return self._sock.accept()

    def listen(self, backlog: int) -> None:
        self._sock.listen(backlog)

    def fileno(self) -> int:
        return self._sock.fileno()

    def close(self) -> None:
        self._sock.close()


def let_in(count: int, full: bool = False) -> tuple[int, list[str], int]:
    """(clients inside, what was said, turns of the loop it took)."""

    async def main() -> tuple[int, list[str], int]:
        inside: list[asyncio.BaseTransport] = []
        said: list[str] = []
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.setblocking(False)
            async with asyncio.TaskGroup() as group:
                door = Door(Full(listening) if full else listening, lambda: Seen(inside), group, said.append)  # type: ignore[arg-type]
                clients = [socket.create_connection(listening.getsockname()) for _ in range(count)]
                turns = 0
                while len(inside) < count:
                    turns += 1
                    await asyncio.sleep(0.01 if full else 0)
                address = listening.getsockname()
                door.close()
                with pytest.raises(ConnectionRefusedError):
                    socket.create_connection(address)
            for transport in inside:
                transport.abort()  # type: ignore[attr-defined]
            for client in clients:
                client.close()
            await asyncio.sleep(0.01)
        return len(inside), said, turns

    return uvloop.run(asyncio.wait_for(main(), 20))


def test_a_crowd_is_let_in_within_a_few_turns_of_the_loop() -> None:
    inside, said, turns = let_in(3 * front.ACCEPTED)
    assert inside == 3 * front.ACCEPTED and turns < 100 and not said


def test_without_files_it_waits_and_says_so_once() -> None:
    inside, said, _ = let_in(5, full=True)
    assert inside == 5 and said == ["no further connection can be accepted (Too many open files)"]


def test_a_judge_that_a_signal_to_the_whole_group_ended_first_is_no_error_at_the_end() -> None:
    class Closed:
        def is_closing(self) -> bool:
            return True

        def write(self, _: bytes) -> None:
            raise RuntimeError("the handler is closed")

        def close(self) -> None:
            """Closed already."""

    judge = front.Judge((), front.Room(1 << 20), print)
    judge._writer = Closed()  # type: ignore[assignment]
    judge.pulse()
    asyncio.run(judge.finish())
    assert judge._writer is None
