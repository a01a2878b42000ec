"""Go on where a stopped run left off: every exchange is counted once, open sessions start again.

In:  a run folder and the same log, and which worker's share of it. Settled comparisons are kept and counted;
those of sessions that were cut, and those given up by the stop itself, are taken out of the tape and sent again. What
was sent before is told from `sent.map`, and what is sent twice is listed in `resent.txt` (`sent-<n>.map` and
`resent-<n>.txt` of a worker).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import orjson

from shadowdiff import runinfo, tape
from shadowdiff.errors import OutputError, UsageError
from shadowdiff.model.exchange import INTERRUPTED, Exchange
from shadowdiff.model.tally import Ledger
from shadowdiff.run.captures import Reading, holder
from shadowdiff.run.journal import Bits, Journal
from shadowdiff.settings import Config, KafkaRules, Sending, Service, digest
from shadowdiff.tee.session import Sessions
from shadowdiff.tee.share import WHOLE, Share

MAX_LISTED = 20
PACE = ("limit", "duration", "budget", "rate", "speed", "max_gap", "max_in_flight")
"""How fast and how long is sent may change between attempts; what is compared, and how, may not."""


class Resumed(msgspec.Struct):
    """What was settled before, and what goes out once more. `again` are ids that were in flight."""

    count: int = 0
    sessions: int = 0
    turns: int = 0
    again: list[str] = []

    def plus(self, other: Resumed | None) -> Resumed:
        """The sum of two workers'."""
        if other is None:
            return self
        return Resumed(
            self.count + other.count, self.sessions + other.sessions, self.turns + other.turns,
            self.again + other.again,
        )  # fmt: skip

    def note(self) -> str:
        """What was kept and what is sent again."""
        parts = [f"Resumed: {self.count} exchanges were settled before"]
        if self.sessions:
            parts.append(f"{self.sessions} cut sessions start again from their first turn ({self.turns} turns)")
        if self.again:
            parts.append(f"{len(self.again)} were in flight and are sent again: {listed(self.again)}")
        return "; ".join(parts) + "."


class Kept(msgspec.Struct):
    """What earlier attempts have settled. `done` are exchange numbers."""

    info: runinfo.RunInfo
    done: Bits
    resumed: Resumed = msgspec.field(default_factory=Resumed)


def same_run(config: Config) -> str:
    """A hash over everything that must not change between the attempts of one run."""
    free = {name: getattr(Sending(), name) for name in PACE}
    send = msgspec.structs.replace(config.send, **free)
    fixed = msgspec.structs.replace(config, send=send, service=Service(), kafka=KafkaRules())
    return digest(fixed)


def kept(config: Config, logs: Sequence[Path], folder: Path | None, share: Share = WHOLE) -> Kept | None:
    """What `folder` holds of a worker's share of this run, None when it holds nothing yet. Raises `UsageError` for
    another run's.
    """
    info = run_of(config, logs, folder)
    if info is None or folder is None:
        return None
    worker = share.number if share.of > 1 else None
    path = runinfo.comparisons(folder, worker)
    settled, begun = Bits(), set[str]()
    for line in tape.read(path) if path.exists() else ():
        if line.get("why") != INTERRUPTED:
            settled.add(line["seq"])
            if "session" in line:
                begun.add(line["session"])
    found = Kept(info, Bits())
    cut: set[str] = set()
    if begun:
        open_ones = (exchange.session for exchange in _sendable(config, logs, share) if exchange.seq not in settled)
        cut = {session for session in open_ones if session is not None and session in begun}
    again = found.resumed
    again.sessions = len(cut)
    _filter(path, found, cut)
    journal = Journal(folder, worker)
    before = journal.before()
    journal.close()
    twice: list[str] = []
    if len(before) > again.count:
        for exchange in _sendable(config, logs, share):
            if exchange.seq in before and exchange.seq not in found.done:
                twice.append(exchange.id)
                if exchange.session in cut:
                    again.turns += 1
                else:
                    again.again.append(exchange.id)
    write_list(path.with_name(path.name.replace("comparisons", "resent").replace(".jsonl", ".txt")), twice)
    return found


def run_of(config: Config, logs: Sequence[Path], folder: Path | None) -> runinfo.RunInfo | None:
    """What `folder` says of this run, None when it holds nothing yet. Raises `UsageError` for another run's."""
    if folder is None:
        raise UsageError("--resume: name the run folder with --out")
    info = runinfo.info(folder) if folder.is_dir() else None
    if info is None:
        return None
    if info.logs != [str(path) for path in logs]:
        raise UsageError(
            f"--resume: {folder} was made from {', '.join(info.logs)}; give the same logs, or another --out"
        )
    if info.resume_hash != same_run(config):
        raise UsageError(
            f"--resume: {folder} was made with other settings; only how fast and how long to send may change "
            f"({', '.join('--' + name.replace('_', '-') for name in PACE)})"
        )
    return info


def _sendable(config: Config, logs: Sequence[Path], share: Share) -> Iterator[Exchange]:
    """Every exchange of the log that a worker would send and count, placed in its session."""
    sessions, hold = Sessions(config.sessions.by, lambda _: None), holder(config)
    stream = Reading(config, logs, Ledger(), lambda _: None).stream()
    uncounted = config.sessions.handover
    return filter(
        lambda exchange: (
            share.holds(exchange) and hold.verdict(exchange) is None and (not uncounted or exchange.turn > uncounted)
        ),
        map(sessions.place, stream),
    )


def _filter(path: Path, found: Kept, cut: set[str]) -> None:
    """Take out of the tape what is sent again."""

    def stays(line: tape.Line) -> bool:
        if line.get("why") == INTERRUPTED or line.get("session") in cut or line["seq"] in found.done:
            return False
        found.done.add(line["seq"])
        found.resumed.count += 1
        return True

    rewrite(path.parent, path, stays)


def rewrite(folder: Path, path: Path, stays: Callable[[tape.Line], bool]) -> None:
    """Write the tape `path` anew with the lines that stay; a torn last line goes too. Raises `OutputError`."""
    fresh = path.with_suffix(".tmp")
    try:
        with fresh.open("wb") as out:
            fresh.chmod(0o600)
            for line in tape.read(path) if path.exists() else ():
                if stays(line):
                    out.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        fresh.replace(path)
    except OSError as error:
        raise OutputError(f"{folder}: results cannot be written ({error.strerror}); free some space") from None


def write_list(path: Path, names: Sequence[str], append: bool = False) -> None:
    """A name a line. Raises `OutputError`."""
    try:
        with path.open("a" if append else "w", encoding="utf-8") as out:
            out.writelines(f"{name}\n" for name in names)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); free some space") from None


def listed(names: Sequence[str]) -> str:
    """The first of `names`, and how many more there are."""
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more
