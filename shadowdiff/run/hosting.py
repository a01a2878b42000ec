"""A run of a service, from its plan to its last closed connection: what `tail`, `proxy` and `mirror` share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Any

from shadowdiff.config import Source
from shadowdiff.model.tally import Ledger
from shadowdiff.model.verdict import Verdict
from shadowdiff.report import terminal
from shadowdiff.run.inbox import Inbox
from shadowdiff.run.live import Live
from shadowdiff.run.results import RunFolder
from shadowdiff.run.service import Service, Settings, counting
from shadowdiff.run.setup import plan
from shadowdiff.run.takeover import Earlier, SentLog, rules_hash
from shadowdiff.tee.brake import Brake


async def host(
    source: Source,
    name: str,
    logs: Sequence[str],
    out: Path,
    given: Settings,
    reading: Callable[[Ledger], Live | Inbox],
    before: Earlier | None,
    fate: str,
    console: Any,
    verbose: bool,
    *,
    asks_blue: bool = True,
    brake: Brake | None = None,
    fed: Callable[[Any], AbstractAsyncContextManager[Callable[[], None]]] = lambda _: nullcontext(lambda: None),
) -> Verdict:
    """Plan the service `name` around what `reading` makes, run it, and let go of everything.

    `before` is what an earlier process left, and what it had in flight has that `fate`. `fed` holds open, around the
    run, what feeds the reading side, and gives what hears when traffic may come.
    """
    config = source.config
    sent = SentLog(out)
    ready = plan(
        config,
        [],
        terminal.warner(console),
        sending=sent.sent,
        live=reading,
        run_id=before.info.run if before else "",
        counting=counting(config, given.windows),
        asks_blue=asks_blue,
        brake=brake,
        stamp=rules_hash(config),
    )
    folder = RunFolder(out, name, None, before.info if before else None)
    try:
        service = Service(ready, folder, sent, given, source, console, verbose)
        async with fed(ready.reading) as ready_to:
            return await service.run(logs, before, fate, ready_to)
    finally:
        sent.close()
        ready.judging.close()
        await ready.transport.aclose()
