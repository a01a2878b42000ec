"""What an earlier process of a service left in its folder, and the log that tells what it had in flight."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

import msgspec

from shadowdiff import runinfo, tape
from shadowdiff.errors import OutputError, UsageError
from shadowdiff.model.exchange import INTERRUPTED, Exchange
from shadowdiff.run.reload import LIMITS
from shadowdiff.run.resume import PACE, listed, rewrite, write_list
from shadowdiff.settings import Capture, Config, Decode, GateRules, ScoreRules, Sending, Service, Targets

SENT = "sent.log"
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
    """A hash over what must not change between two starts: all but what may be reloaded, and how it answers."""
    free = {name: getattr(Sending(), name) for name in PACE}
    filters = ("allow_methods", "allow", "deny", "sample", "sample_by")
    given = {name: getattr(Capture(), name) for name in filters}
    gate = GateRules(mode=config.gate.mode, unit=config.gate.unit)
    fixed = msgspec.structs.replace(
        config,
        send=msgspec.structs.replace(config.send, **free),
        capture=msgspec.structs.replace(config.capture, **given),
        targets=Targets(twin=config.targets.twin) if config.service.reload_targets else config.targets,
        service=Service(),
        score=ScoreRules(),
        decode=Decode(),
        gate=gate,
    )
    return hashlib.sha256(msgspec.json.encode(fixed, order="sorted")).hexdigest()[:12]


def rules_hash(config: Config) -> str:
    """A hash over what decides the outcome of a pair: evidence judged by other rules is no evidence."""
    judged = msgspec.to_builtins((config.score, config.decode, config.gate, config.control), order="sorted")
    for key in LIMITS:
        judged[2].pop(key.removeprefix("gate."))
    judged[2].pop("stop_on")
    return hashlib.sha256(msgspec.json.encode(judged)).hexdigest()[:12]


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
