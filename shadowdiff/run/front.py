"""The process in the traffic's path: a relay or a mirror receiver, and the judging process beside it.

It holds no results and does no scoring. What it copies goes to the judging process over a socket whose backlog is
bounded: when it is full, copies are dropped and counted, traffic is not. The judging process may die, hang or end;
it is started again, and the traffic goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from shadowdiff.capture.copies import Copy, Pulse, pack
from shadowdiff.capture.messages import Room
from shadowdiff.errors import Exit, UsageError
from shadowdiff.run.around import on_signals

PULSE_S = 1.0
BACKLOG = 8 << 20
"""Bytes of copies that may wait for the judging process to read them."""
FIRST_S, LONGEST_S = 1.0, 60.0
MORE_S = 5.0
"""What the judging process gets beyond the drain, to write its reports."""
ACCEPTED = 128
"""Clients let in at a time."""
FULL_S = 0.2
READY = b"ready"
VERDICTS = (Exit.PASS, Exit.FAIL, Exit.INCONCLUSIVE, Exit.ACTION_FAILED)


class Stage(Protocol):
    """A relay or a mirror receiver."""

    async def drain(self, seconds: float) -> None:
        """Let what is under way end, then close."""


class Front(msgspec.Struct, frozen=True):
    """What the front process needs to know."""

    host: str
    port: int
    drain_s: float
    cap: int
    room: int
    command: tuple[str, ...]
    """Starts the judging process; `--feed FD` is added."""


class Judge:
    """Owns the judging process and the socket to it."""

    def __init__(self, command: Sequence[str], room: Room, say: Callable[[str], None]) -> None:
        self._command = tuple(command)
        self._room = room
        self._say = say
        self._sender = os.urandom(6).hex()
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._stopping = False
        self.code: int | None = None
        """Exit code of the judging process once it has ended by itself."""

    async def start(self) -> bool:
        """Start it and wait until it is ready; whether it is. When it ended instead, `code` says how."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, "--feed", str(theirs.fileno()), pass_fds=(theirs.fileno(),), start_new_session=True
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        writer.transport.set_write_buffer_limits(high=BACKLOG)
        try:
            await reader.readexactly(len(READY))
        except (asyncio.IncompleteReadError, OSError):
            writer.close()
            self.code = await self._process.wait()
            return False
        self._writer = writer
        self.pulse()
        return True

    def emit(self, copy: Copy) -> None:
        """Hand a copy over, or drop it and count it."""
        writer = self._writer
        full = writer is None or writer.is_closing() or writer.transport.get_write_buffer_size() > BACKLOG
        if writer is None or full:
            self._room.dropped += 1
            return
        writer.write(pack(copy))

    def pulse(self) -> None:
        """Tell the totals."""
        writer = self._writer
        if writer is None or writer.is_closing():
            return  # it has died, or a signal to the whole process group ended it first
        if writer.transport.get_write_buffer_size() < 2 * BACKLOG:
            room = self._room
            writer.write(pack(Pulse(self._sender, room.made, room.dropped, room.blind, room.upgraded)))

    async def watch(self) -> None:
        """Start it again whenever it dies; returns once it has ended by itself or was told to."""
        wait = FIRST_S
        while True:
            assert self._process is not None  # noqa: S101 - start was called
            code = await self._process.wait()
            self._drop_writer()
            if self._stopping:
                self.code = code if code >= 0 else int(Exit.BUG)
                return
            if code in VERDICTS:
                self.code = code
                self._say(f"the judging process has ended by its verdict (exit {code}); the traffic goes on")
                return
            self._say(
                f"the judging process died (exit {code}); the traffic goes on; it is started again in {wait:g} s"
            )
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_S)
            with contextlib.suppress(OSError):
                if not await self.start():
                    continue

    def tell(self, number: signal.Signals) -> None:
        """Pass a signal on."""
        if number in (signal.SIGTERM, signal.SIGINT):
            self._stopping = True
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def finish(self) -> None:
        """No copy comes any more."""
        self.pulse()
        if self._writer is not None:
            with contextlib.suppress(OSError):
                self._writer.close()
        self._writer = None

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def _drop_writer(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        self._writer = None


async def run(
    given: Front,
    make: Callable[[Callable[[Copy], None], Room], tuple[Stage, Callable[[], asyncio.Protocol]]],
    say: Callable[[str], None],
) -> int:
    """Stand in the path until a signal; the exit code is the judging process's. Raises `UsageError`.

    `make(emit, room)` gives the stage and what makes its protocol for each connection.
    """
    room = Room(given.room)
    listening = _listen(given.host, given.port)
    judge = Judge(given.command, room, say)
    with listening:
        if not await judge.start():
            return judge.code if judge.code is not None and judge.code >= 0 else int(Exit.BUG)
        stage, protocol = make(judge.emit, room)
        stop = asyncio.Event()

        def on_signal(number: signal.Signals) -> None:
            if stop.is_set():
                judge.kill()
            judge.tell(number)
            stop.set()

        on_signals(on_signal)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, judge.tell, signal.SIGHUP)
        async with asyncio.TaskGroup() as group:
            door = Door(listening, protocol, group, say)
            host, port = listening.getsockname()[:2]
            say(f"listening on {f'[{host}]' if ':' in host else host}:{port}")
            watching = group.create_task(judge.watch())
            pulsing = group.create_task(_pulses(judge))
            await stop.wait()
            door.close()
            await stage.drain(given.drain_s)
            await judge.finish()
            pulsing.cancel()
            try:
                async with asyncio.timeout(given.drain_s + MORE_S):
                    await asyncio.shield(watching)
            except TimeoutError:
                judge.kill()
    return judge.code if judge.code is not None else int(Exit.BUG)


class Door:
    """Lets clients in, many at a time: uvloop's own server takes one a turn of the loop, so that under load new
    connections would wait for seconds.
    """

    def __init__(
        self,
        listening: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        group: asyncio.TaskGroup,
        say: Callable[[str], None],
    ) -> None:
        """`group` owns what it starts."""
        self._listening = listening
        self._protocol = protocol
        self._group = group
        self._say = say
        self._loop = asyncio.get_running_loop()
        self._said = False
        self._shut = False
        listening.listen(4096)
        self._loop.add_reader(listening, self._accept)

    def close(self) -> None:
        """Let nobody in any more: who comes now is refused and may go elsewhere."""
        self._shut = True
        self._loop.remove_reader(self._listening)
        self._listening.close()

    def _accept(self) -> None:
        for _ in range(ACCEPTED):
            try:
                client, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no file left: those who are in go on, the others wait
                if not self._said:
                    self._said = True
                    self._say(f"no further connection can be accepted ({error.strerror})")
                self._loop.remove_reader(self._listening)
                self._loop.call_later(FULL_S, self._again)
                return
            client.setblocking(False)
            self._group.create_task(self._enter(client))

    def _again(self) -> None:
        if not self._shut:
            self._loop.add_reader(self._listening, self._accept)

    async def _enter(self, client: socket.socket) -> None:
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(self._protocol, client)
        except OSError:
            client.close()


async def _pulses(judge: Judge) -> None:
    while True:
        await asyncio.sleep(PULSE_S)
        judge.pulse()


def _listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises `UsageError`."""
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.socket(found[0], found[1])
    except OSError as error:
        raise UsageError(f"--listen {host}:{port}: {error.strerror or error}") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(found[4])
    except OSError as error:
        listening.close()
        raise UsageError(f"--listen {host}:{port}: cannot listen there ({error.strerror})") from None
    listening.setblocking(False)
    return listening


def own_command() -> tuple[str, ...]:
    """This very command again, for the judging process."""
    return (sys.executable, "-m", "shadowdiff", *sys.argv[1:])
