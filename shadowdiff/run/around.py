"""What stands around every run: the loop, reachability, signals, the progress line, and the end."""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from shadowdiff.act.guard import Guard, stop_failed
from shadowdiff.errors import Exit, TargetError, UsageError
from shadowdiff.gate import rules
from shadowdiff.model.tally import Shard
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.net.endpoint import Endpoint
from shadowdiff.net.pool import ConnectFailed, Pool
from shadowdiff.report import terminal
from shadowdiff.report.material import Material
from shadowdiff.report.words import Words
from shadowdiff.run.ci import tell
from shadowdiff.run.results import RunFolder, clean
from shadowdiff.run.setup import Plan
from shadowdiff.settings import Config

T = TypeVar("T")
GRACE_S = 3.0
"""How long a batch that was asked to stop waits for what is in the air."""


def run_loop(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """asyncio on uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        with asyncio.Runner() as runner:
            return runner.run(main())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


async def reachable(endpoints: list[Endpoint], proxy: str) -> None:
    """Connect once to each target before anything is sent.

    Raises `UsageError` for what is the caller's to fix (a TLS name, HTTP/2 only) and `TargetError` when
    blue or the twin cannot be reached. A green that is down is a finding, not an error.
    """
    if proxy:
        return
    for endpoint in endpoints:
        pool = Pool(endpoint, 1)
        try:
            pool.give(await pool.open())
        except ConnectFailed as failed:
            if failed.config:
                raise UsageError(f"--{endpoint.name}: {failed.detail}") from None
            if endpoint.name != "green":
                raise TargetError(
                    f"--{endpoint.name} cannot be reached: {failed.detail}; is it up, and is the URL right?"
                ) from None
        finally:
            pool.close()
            await asyncio.sleep(0)  # sockets close in the next turn of the loop


def on_signals(stop: Callable[[signal.Signals], None]) -> None:
    """Call `stop` for SIGINT and SIGTERM."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, RuntimeError):
            loop.add_signal_handler(number, stop, number)


def on_hangup(reread: Callable[[], object]) -> None:
    """Call `reread` for SIGHUP."""
    with suppress(NotImplementedError, RuntimeError, AttributeError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reread)


def progress(console: Any, ready: Plan) -> terminal.Live:
    """The line that says how far the run is."""
    return terminal.Live(
        console,
        lambda: ready.counter.shard,
        lambda: ready.tee.in_flight,
        lambda: rules.interval(ready.counter.tally, ready.limits),
        Words(ready.config.report.lang),
    )


class Interrupted:
    """Which signal asked a batch to stop, if any."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def handle(self, stop: Callable[[str], None], give_up: Callable[[], None]) -> None:
        """The first signal calls `stop` with the reason, to drain for a moment; the second gives up at once."""

        def heard(number: signal.Signals) -> None:
            if self.signal is not None:
                give_up()
                return
            self.signal = number
            stop(f"interrupted by {number.name}")

        on_signals(heard)

    def stops(self, ready: Plan) -> None:
        """Signals end the run of this process: nothing is asked again, and the tee drains."""

        def stop(why: str) -> None:
            ready.confirm.abort()
            ready.tee.stop(why, GRACE_S)

        self.handle(stop, ready.tee.abort)

    def over(self, verdict: Verdict, sent: int) -> Verdict:
        """`verdict`, or that the run was aborted."""
        if self.signal is None:
            return verdict
        code = Exit.TERMINATED if self.signal is signal.SIGTERM else Exit.INTERRUPTED
        return msgspec.structs.replace(
            verdict, verdict=Status.ABORTED, exit_code=int(code), explanation="",
            reason=f"interrupted by {self.signal.name} after {sent} exchanges; so far: {verdict.reason}",
        )  # fmt: skip


async def conclude(
    verdict: Verdict, run: str, total: Shard, folder: RunFolder, config: Config, collected: Material, console: Any,
    guard: Guard,
) -> Verdict:  # fmt: skip
    """Write every report, show the verdict, act on it. Raises `ActionError`."""
    folder.finish(verdict, total, collected)
    terminal.show_causes(console, collected.causes, collected.words)
    terminal.show_verdict(console, verdict, str(folder.path), collected.words)
    page, summary = folder.path / "report.html", folder.path / "summary.md"
    tell(clean(verdict), config.report.tekton_results, report=page, summary=summary.read_text("utf-8"))
    stop_failed(verdict, await guard.act(clean(verdict), run))
    return verdict


def raise_file_limit() -> None:
    """Each connection is an open file; take what the system allows."""
    with suppress(ValueError, OSError):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def calm_collector() -> None:
    """What is alive now stays alive, and exchanges die young: frequent collections cost 4 µs a pair."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
