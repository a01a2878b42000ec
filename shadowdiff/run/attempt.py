"""One process's way through its share of a log: the tape beside it, and what the reports are made of.

What an earlier attempt settled is counted first; whatever breaks off, the tape and its checkpoint stay readable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from shadowdiff import runinfo
from shadowdiff.contracts import Sink
from shadowdiff.errors import OutputError
from shadowdiff.model.comparison import Comparison
from shadowdiff.model.verdict import Verdict
from shadowdiff.report import terminal
from shadowdiff.report.material import Material
from shadowdiff.report.words import Words
from shadowdiff.run import pipeline, saved
from shadowdiff.run.setup import Plan
from shadowdiff.run.telemetry import tracing
from shadowdiff.tape import TapeSink


async def attempt(
    ready: Plan,
    folder: Path,
    collected: Material,
    console: Any,
    *,
    worker: int | None = None,
    resumed: bool = False,
    verbose: bool = False,
    each: Callable[[Comparison], None] = lambda _: None,
    interrupted: Callable[[], bool] = lambda: False,
    more: Sequence[Sink] = (),
) -> Verdict:
    """The verdict on this share. `each` hears of every settled pair; a run that was `interrupted` is not complete.
    `more` sinks hear what the tape hears.
    """
    counter, config = ready.counter, ready.config
    if resumed:
        saved.count(runinfo.comparisons(folder, worker), counter, collected)
    tape = TapeSink(
        folder,
        worker=worker,
        store=config.report.store_bodies,
        append=resumed,
        soon=asyncio.get_running_loop().call_soon,
    )
    tape.state(counter.shard, [], False, "")
    words = Words(config.report.lang)
    said: Sequence[Sink] = [terminal.Mismatches(console, words)] if verbose else []
    ready.sinks = [tape, collected, *tracing(config, terminal.warner(console, words)), *said, *more]

    def after_each(comparison: Comparison) -> None:
        each(comparison)
        if tape.state_due:
            tape.state(counter.shard, counter.open_units, False, ready.tee.stopping)

    ready.after_each = after_each
    try:
        verdict = await pipeline.replay(ready)
    except BaseException:
        with suppress(OutputError):  # the first error is the one to report
            tape.state(counter.shard, counter.open_units, False, "broke off")
        raise
    tape.state(counter.shard, counter.open_units, not interrupted(), ready.tee.stopping)
    for sink in ready.sinks:
        sink.close(counter.tally, verdict)
    return verdict
