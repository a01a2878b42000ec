"""The judging process of `proxy` and `mirror`: copies in, green (and blue, for a mirror) asked, a verdict out.

It keeps its folder as `tail` does: started again on the same one it goes on counting. What was in flight when an
earlier process died cannot be sent again, since only the client had it; it is counted as dropped and listed.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from shadowdiff import units
from shadowdiff.capture.copies import Copy, Unpacker
from shadowdiff.config import Source
from shadowdiff.errors import Exit, UsageError
from shadowdiff.model.tally import Ledger
from shadowdiff.model.verdict import Verdict
from shadowdiff.net.kafka import is_kafka
from shadowdiff.report import terminal
from shadowdiff.run import inbox as feed
from shadowdiff.run.around import on_signals, run_loop
from shadowdiff.run.captures import builder_of
from shadowdiff.run.front import READY
from shadowdiff.run.hosting import host
from shadowdiff.run.inbox import Inbox
from shadowdiff.run.publishing import Records, records
from shadowdiff.run.recording import Recorder
from shadowdiff.run.service import settings
from shadowdiff.run.takeover import earlier, same_service
from shadowdiff.settings import Config
from shadowdiff.tee.breaker import Breaker
from shadowdiff.tee.rewrite import CREDENTIALS

FLUSH_S = 1.0


class Feed(asyncio.Protocol):
    """Bytes from the front process become messages."""

    def __init__(self, take: Callable[[Any], None], ended: Callable[[], None], warn: Callable[[str], None]) -> None:
        self._unpacker = Unpacker()
        self._take = take
        self._ended = ended
        self._warn = warn
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def ready(self) -> None:
        """Tell the front process that copies are awaited."""
        if self._transport is not None:
            self._transport.write(READY)

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._unpacker.feed(data):
                self._take(message)
        except ValueError as error:
            self._warn(f"the feed is damaged ({error}); it ends here")
            if self._transport is not None:
                self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._ended()


def judge(source: Source, name: str, out: Path, descriptor: int, console: Any, verbose: bool) -> Verdict:
    """Judge what `name` (proxy or mirror) copies, until it ends. Raises the errors of `errors`."""
    config = source.config
    live = name == "proxy"
    given = settings(config, name)
    if live and config.control.confirm:
        raise UsageError("--confirm asks blue again; in proxy mode blue is asked by its clients alone")
    before = earlier(out, [name], same_service(config), feed.FILE)
    left = feed.read_checkpoint(out) if before is not None else None
    breaker = Breaker()

    warn = terminal.warner(console)
    recorder = _recorder(config, warn)

    def reading(ledger: Ledger) -> Inbox:
        inbox = Inbox(
            builder_of(config, ledger, warn, before.seq if before else 0),
            ledger,
            max_bytes=units.size(config.service.max_queue, "service.max_queue"),
            held_back=lambda copy: live and _held_back(config, copy),
            resting=breaker.resting,
            left=left,
            known=[*before.places, *before.open] if before is not None else (),
            record=recorder.add if recorder is not None else lambda _: None,
        )
        if before is not None:
            before.recount(ledger, left.passed if left is not None else {})
            if before.open:
                inbox.lost(len(before.open), feed.LOST)
        return inbox

    return run_loop(
        lambda: host(
            source, name, [name], out, given, reading, before, "are lost (dropped)", console, verbose,
            asks_blue=not live, brake=breaker, fed=lambda inbox: _fed(descriptor, inbox, recorder, warn),
        )
    )  # fmt: skip


def record(config: Config, descriptor: int, console: Any) -> int:
    """Only record what the front process copies. Raises the errors of `errors`."""

    warn = terminal.warner(console)
    recorder = _recorder(config, warn)
    assert recorder is not None  # noqa: S101 - the command made sure
    ledger = Ledger()
    inbox = Inbox(builder_of(config, ledger, warn), ledger, max_bytes=0, record=recorder.add)

    async def main() -> int:
        over = asyncio.Event()

        def stop(number: signal.Signals) -> None:
            """The front process ends the feed."""

        on_signals(stop)
        async with _fed(descriptor, inbox, recorder, warn, over.set) as ready:
            ready()
            await over.wait()
        return int(Exit.PASS)

    code = run_loop(main)
    console.print(f"{config.service.record}: {recorder.count} exchanges recorded", markup=False, soft_wrap=True)
    return code


@asynccontextmanager
async def _fed(
    descriptor: int,
    inbox: Inbox,
    recorder: Recorder | Records | None,
    warn: Callable[[str], None],
    over: Callable[[], None] = lambda: None,
) -> AsyncIterator[Callable[[], None]]:
    """Feed `inbox` from the front process's socket while the body runs; yields what tells it to begin."""

    def ended() -> None:
        inbox.ended = True
        over()

    async def flushing(recorder: Recorder | Records) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            recorder.flush()

    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_connection(
        lambda: Feed(inbox.take, ended, warn), sock=socket.socket(fileno=descriptor)
    )
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(flushing(recorder)) if recorder is not None else None
            yield protocol.ready
            if task is not None:
                task.cancel()
    finally:
        transport.abort()
        if recorder is not None:
            recorder.close()
        with suppress(OSError):
            await asyncio.sleep(0)


def _recorder(config: Config, warn: Callable[[str], None]) -> Recorder | Records | None:
    if not config.service.record:
        return None
    if is_kafka(config.service.record):
        return records(config, config.service.record, warn)
    limit = units.size(config.service.record_limit, "service.record_limit")
    return Recorder(Path(config.service.record), limit, warn)


def _held_back(config: Config, copy: Copy) -> bool:
    """Whether green is asked without credentials that the client gave."""
    given = {name.lower() for name in config.targets.green_headers}
    carried = {name.lower() for name, _ in copy.headers} & CREDENTIALS
    return not config.send.forward_auth and bool(carried - given)
