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
from shadowdiff.report import terminal
from shadowdiff.run import live as lines
from shadowdiff.run.around import run_loop
from shadowdiff.run.captures import builder_of
from shadowdiff.run.hosting import host
from shadowdiff.run.live import Live
from shadowdiff.run.service import settings
from shadowdiff.run.takeover import Earlier, earlier, same_service
from shadowdiff.settings import Config


def run(source: Source, patterns: Sequence[str], out: Path, from_start: bool, console: Any, verbose: bool) -> Verdict:
    """Follow `patterns` until a signal, --duration, --limit or the end of stdin. Raises the errors of `errors`."""
    config = source.config
    given = settings(config, "tail")
    before = _before(config, patterns, out)
    left = lines.read_checkpoint(out) if before is not None else None
    if before is not None and left is None:
        raise UsageError(f"--out {out}: its {lines.FILE} cannot be read; name another folder")

    warn = terminal.warner(console)

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
            before.recount(ledger, left.passed)
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

    fate = "are sent again (resent.txt)"
    return run_loop(lambda: host(source, "tail", patterns, out, given, reading, before, fate, console, verbose))


def _before(config: Config, patterns: Sequence[str], out: Path) -> Earlier | None:
    """What an earlier process left in `out`. Raises `UsageError` where it followed something else."""
    before = earlier(out, [str(Path(p)) for p in patterns], same_service(config), lines.FILE)
    if before is not None and STDIN in patterns:
        raise UsageError(f"--out {out}: stdin cannot be read again; name another folder")
    return before
