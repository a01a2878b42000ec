"""What an earlier process of a service left in its folder, and the log that tells what it had in flight."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from shadowdiff import runinfo, tape
from shadowdiff.errors import OutputError, UsageError
from shadowdiff.model.exchange import INTERRUPTED, Exchange
from shadowdiff.model.tally import Ledger
from shadowdiff.run.reload import LIMITS, flat, reloadable
from shadowdiff.run.resume import PACE, listed, rewrite, write_list
from shadowdiff.run.saved import READING_SIDE
from shadowdiff.settings import Config, digest

SENT = "sent.log"
TOLD = ("service.", "otel.")
"""Tables that say how it answers and what it tells, not what it compares."""
KEPT_FIXED = ("gate.mode", "gate.unit", "targets.twin")
JUDGED = ("score.", "decode.", "gate.", "control.")
TRIM = 10_000
"""Exchanges sent after which the log is written anew."""


class Earlier(msgspec.Struct):
    """`places` are compared and on the tape, `open` were in flight; `seq` is the highest number on the tape."""

    info: runinfo.RunInfo
    places: set[str]
    open: list[str]
    seq: int = 0
    rules: set[str] = set()
    """Hashes of the rules that its lines were judged by."""

    def note(self, fate: str) -> str:
        """What was found. `fate` says what becomes of what was in flight."""
        text = f"Going on: {len(self.places)} exchanges were compared before"
        if self.open:
            text += f"; {len(self.open)} were in flight and {fate}: {listed(self.open)}"
        return text + "."

    def recount(self, ledger: Ledger, passed: Mapping[str, int]) -> None:
        """What was held back by then (`passed`, by ledger name) and what is on the tape was read."""
        for name, count in passed.items():
            if name in READING_SIDE:
                setattr(ledger, name, count)
                ledger.read += count
        ledger.read += len(self.places)


def earlier(out: Path, logs: list[str], settings: str, checkpoint: str) -> Earlier | None:
    """What `out` holds of this service, None when nothing; its tape keeps one line an exchange.

    `logs` and `settings` (a hash) must be those of then, and the file `checkpoint` must be there: else `UsageError`.
    """
    try:
        info = runinfo.info(out) if out.is_dir() else None
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be read ({error.strerror}); name a folder you may write") from None
    if info is None:
        return None
    if not (out / checkpoint).exists():
        raise UsageError(f"--out {out}: holds another run; name another folder")
    if info.logs != logs or info.resume_hash != settings:
        raise UsageError(f"--out {out}: was made from other logs or with other settings; name another folder")
    found = Earlier(info, set(), [])

    def stays(line: tape.Line) -> bool:
        place = line.get("source") or line["id"]
        found.seq = max(found.seq, line["seq"])
        if line.get("why") == INTERRUPTED or place in found.places:
            return False
        found.places.add(place)
        found.rules.add(line.get("config", ""))
        return True

    rewrite(out, out / "comparisons.jsonl", stays)
    log = out / SENT
    sent = log.read_text("utf-8", "replace").split("\n") if log.exists() else []
    found.open = list(dict.fromkeys(place for place in sent if place and place not in found.places))
    write_list(out / "resent.txt", found.open, append=True)
    return found


def same_service(config: Config) -> str:
    """A hash over what must not change between two starts: all but what may be reloaded, its pace, how it answers."""
    free = tuple(f"send.{name}" for name in PACE)
    return digest(
        {
            key: value
            for key, value in flat(config).items()
            if not key.startswith(TOLD)
            and key not in free
            and (key in KEPT_FIXED or not reloadable(key, config.service.reload_targets))
        }
    )


def rules_hash(config: Config) -> str:
    """A hash over what decides the outcome of a pair: evidence judged by other rules is no evidence."""
    return digest(
        {
            key: value
            for key, value in flat(config).items()
            if key.startswith(JUDGED) and key not in (*LIMITS, "gate.stop_on")
        }
    )


class SentLog:
    """`sent.log`: the places of what went out, so that after a kill what was in flight can be named."""

    def __init__(self, folder: Path) -> None:
        """Raises `UsageError` for a folder that cannot be written."""
        self._path = folder / SENT
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("ab", buffering=0)
            self._path.chmod(0o600)
        except OSError as error:
            raise UsageError(f"--out {folder}: cannot be written ({error.strerror})") from None
        self._count = 0

    def sent(self, exchange: Exchange) -> None:
        """An exchange goes out. Raises `OutputError`."""
        self._count += 1
        self._write(f"{exchange.source}\n")

    def trim(self, open_: Collection[str]) -> None:
        """Keep only what is still open, now and then: the file must not grow with the traffic."""
        if self._count < TRIM and (open_ or not self._count):
            return
        self._file.truncate(0)
        self._write("".join(f"{place}\n" for place in open_))
        self._count = 0

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, text: str) -> None:
        try:
            self._file.write(text.encode())
        except OSError as error:
            raise OutputError(f"{self._path}: cannot be written ({error.strerror})") from None
