"""Run one replay from start to verdict: folder, reachability, signals, reports, actions.

`pipeline.replay` is the middle; this is what stands around it. With `--workers` the middle is `workers.lead`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shadowdiff.act.guard import Guard
from shadowdiff.errors import UsageError
from shadowdiff.model.exchange import Exchange
from shadowdiff.model.verdict import Verdict
from shadowdiff.report import terminal
from shadowdiff.report.words import Words
from shadowdiff.run.actions import guard_of
from shadowdiff.run.around import (
    Interrupted,
    calm_collector,
    conclude,
    progress,
    raise_file_limit,
    reachable,
    run_loop,
)
from shadowdiff.run.attempt import attempt
from shadowdiff.run.gathered import follow, material
from shadowdiff.run.journal import Journal
from shadowdiff.run.notes import finished
from shadowdiff.run.publishing import results
from shadowdiff.run.results import RunFolder, confirming
from shadowdiff.run.resume import kept, run_of, same_run
from shadowdiff.run.setup import Plan, plan
from shadowdiff.settings import Config

MAX_WORKERS = 256


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
    calm_collector()
    name = config.report.candidate or (logs[0].name.split(".")[0] if logs else "run")
    words = Words(config.report.lang)
    warn = terminal.warner(console, words)
    several = _several(config, logs)
    before = run_of(config, logs, out) if resume else None
    earlier = kept(config, logs, out) if resume and not several else None

    async def main() -> Verdict:
        journal: Journal | None = None

        def sending(exchange: Exchange) -> None:
            if journal is not None:
                journal.sent(exchange.seq)

        ready = plan(config, logs, warn, earlier, sending, run_id=before.run if before else "")
        folder = RunFolder(out, name, junitxml, before)
        guard = guard_of(config, folder.audit, lambda text: console.print(words.said(text), markup=False))
        try:
            await reachable(ready.endpoints, config.targets.proxy)
            folder.begin(ready.run, config, logs, same_run(config))
            if several:
                from shadowdiff.run.workers import lead

                return await lead(ready, folder, logs, console, guard, verbose)
            journal = Journal(folder.path)
            return await _alone(ready, folder, console, verbose, guard)
        finally:
            if journal is not None:
                journal.close()
            ready.judging.close()
            await ready.transport.aclose()

    return run_loop(main)


def _several(config: Config, logs: list[Path]) -> bool:
    """Whether there are workers. Raises `UsageError` where there cannot be as many."""
    count = config.send.workers
    if not 1 <= count <= MAX_WORKERS:
        raise UsageError(f"--workers {count}: between 1 and {MAX_WORKERS} processes")
    if count > config.send.max_in_flight:
        raise UsageError(f"--workers {count}: each needs one exchange in the air; raise --max-in-flight")
    odd = [path for path in logs if path.exists() and not path.is_file()] if count > 1 else []
    if odd:
        raise UsageError(f"--workers: each reads the whole log, and {odd[0]} can be read once; write it to a file")
    return count > 1


async def _alone(ready: Plan, folder: RunFolder, console: Any, verbose: bool, guard: Guard) -> Verdict:
    collected = follow(material(ready.config), ready.counter.tally, ready.limits)
    ready.confirm.settled = confirming(folder.path, collected)
    interrupted = Interrupted()
    interrupted.stops(ready)
    ready.finish = lambda verdict: interrupted.over(finished(verdict, ready, folder), ready.ledger.sent)
    live = progress(console, ready)
    try:
        verdict = await attempt(
            ready,
            folder.path,
            collected,
            console,
            resumed=folder.resumed,
            verbose=verbose,
            each=lambda _: live.tick(),
            interrupted=lambda: interrupted.signal is not None,
            more=results(ready.config, folder.info, lambda: ready.counter.shard),
        )
    finally:
        live.stop()
    total = ready.counter.shard
    return await conclude(verdict, ready.run, total, folder, ready.config, collected, console, guard)
