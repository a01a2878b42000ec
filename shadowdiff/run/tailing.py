"""Follow logs as a sidecar: compare what comes, survive a kill without counting a line twice.

The run folder is that of a replay, with `tail.json` (where every log was left) beside the tape. A second start on the
same folder goes on: what is on the tape is counted from there, what was in flight is sent again and listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shadowdiff import units
from shadowdiff.capture.tail import STDIN, Follower
from shadowdiff.config import Source
from shadowdiff.errors import UsageError
from shadowdiff.model.tally import Ledger
from shadowdiff.model.verdict import Verdict
from shadowdiff.run import live as lines
from shadowdiff.run import saved
from shadowdiff.run.around import run_loop
from shadowdiff.run.captures import builder_of
from shadowdiff.run.live import Checkpoint, Live
from shadowdiff.run.results import RunFolder
from shadowdiff.run.service import Service, counting, settings
from shadowdiff.run.setup import plan
from shadowdiff.run.takeover import Earlier, SentLog, earlier, rules_hash, same_service
from shadowdiff.settings import Config


def run(source: Source, patterns: Sequence[str], out: Path, from_start: bool, console: Any, verbose: bool) -> Verdict:
    """Follow `patterns` until a signal, --duration, --limit or the end of stdin. Raises the errors of `errors`."""
    config = source.config
    if config.send.loop != 1 or config.send.speed or config.sessions.handover:
        raise UsageError("--loop, --speed and --handover are for replay; tail takes lines as they come")
    given = settings(config)
    before = _before(config, patterns, out)
    left = lines.read_checkpoint(out) if before is not None else None
    if before is not None and left is None:
        raise UsageError(f"--out {out}: its {lines.FILE} cannot be read; name another folder")

    def warn(text: str) -> None:
        console.print(f"warning: {text}", markup=False)

    def reading(ledger: Ledger) -> Live:
        follower = Follower(
            patterns,
            marks=left.marks if left else (),
            from_start=from_start,
            lost=lambda where, why: warn(f"{where}: {why}"),
        )
        for path in follower.missing:
            warn(f"{path}: is not there yet; it is read from its start when it comes")
        if left is not None and before is not None:
            _recount(ledger, left, before)
        return Live(
            follower,
            builder_of(config, ledger, warn, before.seq if before else 0),
            ledger,
            named=config.capture.format or ("jsonl" if config.capture.post else ""),
            post=config.capture.post,
            max_backlog=units.size(config.capture.max_backlog, "capture.max_backlog"),
            done=set(before.places) if before else None,
            passed=left.passed if left else None,
        )

    async def main() -> Verdict:
        sent = SentLog(out)
        run_id = before.info.run if before else ""
        ready = plan(
            config, [], warn, None, sent.sent, reading, run_id, counting(config, given.windows),
            stamp=rules_hash(config),
        )  # fmt: skip
        folder = RunFolder(out, "tail", None, before.info if before else None)
        try:
            service = Service(ready, folder, sent, given, source, console, verbose)
            return await service.run(patterns, before, "are sent again (resent.txt)")
        finally:
            sent.close()
            ready.judging.close()
            await ready.transport.aclose()

    return run_loop(main)


def _before(config: Config, patterns: Sequence[str], out: Path) -> Earlier | None:
    """What an earlier process left in `out`. Raises `UsageError` where it followed something else."""
    before = earlier(out, [str(Path(p)) for p in patterns], same_service(config), lines.FILE)
    if before is not None and STDIN in patterns:
        raise UsageError(f"--out {out}: stdin cannot be read again; name another folder")
    return before


def _recount(ledger: Ledger, left: Checkpoint, before: Earlier) -> None:
    """Lines before the marks that were held back, and those that are on the tape, were read."""
    for name, count in left.passed.items():
        if name in saved.READING_SIDE:
            setattr(ledger, name, count)
            ledger.read += count
    ledger.read += len(before.places)
