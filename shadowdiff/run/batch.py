"""Run one replay from start to verdict: folder, reachability, signals, reports, actions.

`pipeline.replay` is the middle; this is what stands around it.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from shadowdiff.errors import Exit, OutputError
from shadowdiff.model.comparison import Comparison
from shadowdiff.model.exchange import Exchange
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.report import terminal
from shadowdiff.report.words import Words
from shadowdiff.run import pipeline, saved
from shadowdiff.run.actions import guard_of
from shadowdiff.run.around import conclude, on_signals, progress, raise_file_limit, reachable, run_loop
from shadowdiff.run.gathered import follow, material
from shadowdiff.run.journal import Journal
from shadowdiff.run.notes import finished
from shadowdiff.run.results import RunFolder
from shadowdiff.run.resume import kept, same_run
from shadowdiff.run.setup import Plan, plan
from shadowdiff.run.telemetry import tracing
from shadowdiff.settings import Config
from shadowdiff.tape import TapeSink

GRACE_S = 3.0


class Interrupted:
    """Which signal asked to stop, if any."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None


def run(
    config: Config,
    logs: list[Path],
    out: Path | None,
    junitxml: Path | None,
    console: Any,
    verbose: bool = False,
    resume: bool = False,
) -> Verdict:
    """Replay `logs`; returns the verdict, with everything written. Raises the errors of `errors`."""
    raise_file_limit()
    _calm_collector()
    folder_name = config.report.candidate or (logs[0].name.split(".")[0] if logs else "run")

    words = Words(config.report.lang)
    warn = terminal.warner(console, words)
    earlier = kept(config, logs, out) if resume else None

    async def main() -> Verdict:
        journal: Journal | None = None

        def sending(exchange: Exchange) -> None:
            if journal is not None:
                journal.sent(exchange.seq)

        ready = plan(config, logs, warn, earlier, sending)
        folder = RunFolder(out, folder_name, junitxml, earlier.info if earlier else None)
        journal = Journal(folder.path)
        try:
            return await _run(ready, folder, logs, console, verbose)
        finally:
            journal.close()
            ready.judging.close()
            await ready.transport.aclose()

    return run_loop(main)


async def _run(ready: Plan, folder: RunFolder, logs: list[Path], console: Any, verbose: bool) -> Verdict:
    config, words = ready.config, Words(ready.config.report.lang)
    guard = guard_of(config, folder.audit, lambda text: console.print(words.said(text), markup=False))
    await reachable(ready.endpoints, config.targets.proxy)
    folder.begin(ready.run, config, logs, same_run(config))
    collected = follow(material(config), ready.counter.tally, ready.limits)
    if folder.resumed:
        saved.count(folder.path / "comparisons.jsonl", ready.counter, collected)
    tape = TapeSink(
        folder.path,
        store=config.report.store_bodies,
        append=folder.resumed,
        soon=asyncio.get_running_loop().call_soon,
    )
    tape.state(ready.counter.shard, [], False, "")
    ready.sinks = [tape, collected, *tracing(config, terminal.warner(console, words))]
    if verbose:
        ready.sinks.append(terminal.Mismatches(console, words))
    ready.confirm.settled = folder.confirmed(collected)
    interrupted = Interrupted()
    live = progress(console, ready)

    def after_each(comparison: Comparison) -> None:
        live.tick()
        if tape.state_due:
            tape.state(ready.counter.shard, ready.counter.open_units, False, ready.tee.stopping)

    ready.after_each = after_each
    ready.finish = lambda verdict: _finish(verdict, ready, folder, interrupted)
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
    return await conclude(verdict, ready, folder, collected, console, guard)


def _finish(verdict: Verdict, ready: Plan, folder: RunFolder, interrupted: Interrupted) -> Verdict:
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
    return msgspec.structs.replace(finished(verdict, ready, folder), **changes)


def _handle_signals(ready: Plan, interrupted: Interrupted) -> None:
    """The first signal drains for a moment, the second gives up at once."""

    def stop(number: signal.Signals) -> None:
        if interrupted.signal is not None:
            ready.tee.abort()
            return
        interrupted.signal = number
        ready.confirm.abort()
        ready.tee.stop(f"interrupted by {number.name}", GRACE_S)

    on_signals(stop)


def _calm_collector() -> None:
    """What is alive now stays alive, and exchanges die young: frequent collections cost 4 µs a pair."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
