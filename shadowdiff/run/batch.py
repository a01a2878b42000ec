"""Run one replay from start to verdict: folder, reachability, signals, reports, actions.

`pipeline.replay` is the middle; this is what stands around it.
"""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

import shadowdiff
from shadowdiff.act.guard import Guard
from shadowdiff.config import Config
from shadowdiff.errors import Exit, OutputError, TargetError, UsageError
from shadowdiff.gate import rules
from shadowdiff.model.comparison import Comparison
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.net.endpoint import Endpoint
from shadowdiff.net.pool import ConnectFailed, Pool
from shadowdiff.report import terminal
from shadowdiff.report.examples import Examples
from shadowdiff.run import pipeline
from shadowdiff.run.results import RunFolder
from shadowdiff.run.setup import Plan, plan
from shadowdiff.tape import TapeSink

T = TypeVar("T")
LATE_S = 0.1
GRACE_S = 3.0


class Interrupted:
    """Which signal asked to stop, if any."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None


def run(
    config: Config, logs: list[Path], out: Path | None, junitxml: Path | None, console: Any, verbose: bool = False
) -> Verdict:
    """Replay `logs`; returns the verdict, with everything written. Raises the errors of `errors`."""
    _raise_file_limit()
    folder_name = config.report.candidate or (logs[0].name.split(".")[0] if logs else "run")

    def warn(text: str) -> None:
        console.print(f"warning: {text}", markup=False)

    async def main() -> Verdict:
        ready = plan(config, logs, warn)
        folder = RunFolder(out, folder_name, junitxml)
        try:
            return await _run(ready, folder, logs, console, verbose)
        finally:
            ready.judging.close()
            await ready.transport.aclose()

    return run_loop(main)


def run_loop(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """asyncio on uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        with asyncio.Runner() as runner:
            return runner.run(main())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


async def _run(ready: Plan, folder: RunFolder, logs: list[Path], console: Any, verbose: bool) -> Verdict:
    config = ready.config
    await reachable(ready.endpoints, config.targets.proxy)
    folder.begin(ready.run, config, logs)
    tape = TapeSink(folder.path, store=config.report.store_bodies)
    tape.state(ready.counter.shard, [], False, "")
    examples = Examples()
    ready.sinks = [tape, examples]
    if verbose:
        ready.sinks.append(terminal.Mismatches(console))
    lag = _Lag()
    interrupted = Interrupted()
    live = terminal.Live(
        console,
        ready.counter.shard,
        lambda: ready.tee.in_flight,
        lambda: rules.interval(ready.counter.tally, ready.limits),
    )

    def after_each(comparison: Comparison) -> None:
        lag.add(comparison.timings.lag_s)
        live.tick()
        if tape.state_due:
            tape.state(ready.counter.shard, ready.counter.open_units, False, ready.tee.stopping)

    ready.after_each = after_each
    ready.finish = lambda verdict: _finish(verdict, ready, folder, lag, interrupted)
    _handle_signals(ready, interrupted)
    try:
        verdict = await pipeline.replay(ready)
    except BaseException:
        with suppress(OutputError):  # the first error is the one to report
            tape.state(ready.counter.shard, ready.counter.open_units, False, "broke off")
        raise
    finally:
        live.stop()
    complete = interrupted.signal is None
    tape.state(ready.counter.shard, ready.counter.open_units, complete, ready.tee.stopping)
    for sink in ready.sinks:
        sink.close(ready.counter.tally, verdict)
    folder.finish(verdict, ready.counter.shard, examples)
    terminal.show_verdict(console, verdict, str(folder.path))
    await Guard(folder.audit).act(verdict, ready.run)
    return verdict


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


class _Lag:
    """How late exchanges were sent against their due time."""

    def __init__(self) -> None:
        self.late = self.n = 0
        self.worst = 0.0

    def add(self, lag_s: float) -> None:
        self.n += 1
        self.late += lag_s > LATE_S
        self.worst = max(self.worst, lag_s)


def _finish(verdict: Verdict, ready: Plan, folder: RunFolder, lag: _Lag, interrupted: Interrupted) -> Verdict:
    config = ready.config
    notes = [*verdict.notes, *ready.notes, *_notes(ready, lag)]
    changes: dict[str, Any] = {}
    if interrupted.signal is not None:
        code = Exit.TERMINATED if interrupted.signal is signal.SIGTERM else Exit.INTERRUPTED
        changes = {
            "verdict": Status.ABORTED,
            "exit_code": int(code),
            "reason": f"interrupted by {interrupted.signal.name} after {ready.ledger.sent} exchanges; "
            f"so far: {verdict.reason}",
            "explanation": "",
        }
    return msgspec.structs.replace(
        verdict,
        service=config.report.service,
        candidate=config.report.candidate,
        config_hash=config.hash,
        tool_version=shadowdiff.__version__,
        started_at=folder.started_at,
        updated_at=datetime.now(UTC).isoformat(timespec="seconds"),
        report=str(folder.path / "report.html"),
        notes=tuple(notes),
        **changes,
    )


def _notes(ready: Plan, lag: _Lag) -> list[str]:
    notes = []
    if not ready.ledger.balances:
        notes.append("The ledger does not balance. This is a bug in shadowdiff; please report it with this file.")
    if ready.tee.stopping and ready.tee.stopping != "left":
        notes.append(f"Sending stopped: {ready.tee.stopping}.")
    if ready.paced and lag.late:
        notes.append(
            f"Could not keep pace: {lag.late} of {lag.n} exchanges went out over {LATE_S * 1000:.0f} ms late "
            f"(worst {lag.worst:.1f} s); raise --max-in-flight or lower the rate."
        )
    if ready.rewriter.isolated:
        places = ", ".join(f"{name} ×{count}" for name, count in sorted(ready.rewriter.isolated.items()))
        notes.append(f"Isolation rewrote client-supplied ids per target: {places}.")
    if ready.rewriter.stripped_credentials:
        notes.append(
            f"Authorization or Cookie was stripped from {ready.rewriter.stripped_credentials} exchanges "
            "(--forward-auth sends them)."
        )
    if ready.brake.throttled:
        notes.append(f"Targets asked for a pause {ready.brake.throttled} times (429 or overloaded); it was granted.")
    spread = {name: sorted(found) for name, found in getattr(ready.transport, "peers", {}).items() if len(found) > 1}
    for name, found in spread.items():
        notes.append(f"{name} was reached at {len(found)} addresses: {', '.join(found[:8])}.")
    races = getattr(ready.transport, "races", 0)
    if races:
        notes.append(f"{races} kept connections closed under a request; safe ones were sent once more.")
    if ready.learner.reasks:
        learnt = sum(len(found) for found in ready.learner.baseline.noise.values())
        notes.append(
            f"Blue was asked twice for {ready.learner.reasks} exchanges to learn its noise: {learnt} paths vary."
        )
    if ready.sessions.evicted:
        notes.append(f"{ready.sessions.evicted} sessions were closed early: too many open at once.")
    return notes


def _handle_signals(ready: Plan, interrupted: Interrupted) -> None:
    """The first signal drains for a moment, the second gives up at once."""
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        if interrupted.signal is not None:
            ready.tee.abort()
            return
        interrupted.signal = number
        ready.tee.stop(f"interrupted by {number.name}", GRACE_S)

    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, RuntimeError):
            loop.add_signal_handler(number, stop, number)


def _raise_file_limit() -> None:
    """Each connection is an open file; take what the system allows."""
    with suppress(ValueError, OSError):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
