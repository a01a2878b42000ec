"""The configuration of a running service: watched, validated, tried on what was just seen, swapped, rolled back.

A file that cannot be used changes nothing: the rules in force go on, and the reason is said. What may change while
running are rules, thresholds, ignores, what is sampled and the rate; targets where service.reload_targets says so.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from shadowdiff.errors import ShadowdiffError, UsageError
from shadowdiff.settings import Config

HARMLESS = ("send.rate", "act.mode", "actions")
"""What no evidence rests on."""
KEPT = 5
"""Versions that can be rolled back to."""
BAD = 3
"""Refused versions in a row after which changes are looked at ever more rarely."""
FIRST_S, LONGEST_S = 10.0, 300.0
POLL_S = 30.0
"""A file system without notices is looked at this often."""
FREE = (
    "score.", "decode.", "gate.", "capture.allow_methods", "capture.allow", "capture.deny", "capture.sample",
    "capture.sample_by", "send.rate", "act.", "actions",
)  # fmt: skip
FIXED = ("gate.mode", "gate.unit", "gate.stop_on")
LIMITS = ("gate.max_divergence", "gate.alpha", "gate.beta", "gate.min_fail", "gate.min_pass", "gate.routes",
          "gate.must_cover")  # fmt: skip
"""What the evidence at hand can be read by anew; after any other change it begins anew."""


class Version(msgspec.Struct, frozen=True):
    """One configuration that was in force."""

    hash: str
    since: str
    changed: tuple[str, ...] = ()
    trial: str = ""


class Trial(msgspec.Struct, frozen=True):
    """What new rules make of the last pairs: how many there were, and how many outcomes would change."""

    pairs: int = 0
    changed: int = 0
    example: str = ""

    def __str__(self) -> str:
        if not self.pairs:
            return "no pairs to try it on yet"
        more = f", e.g. {self.example}" if self.example else ""
        return f"of the last {self.pairs} pairs {self.changed} would come out otherwise{more}"


class Change(msgspec.Struct, frozen=True):
    """A configuration that may be swapped in: `fresh` where evidence begins anew, `targets` where they change."""

    config: Config
    keys: tuple[str, ...]
    fresh: bool
    targets: bool


class Counts(msgspec.Struct):
    """For the metrics."""

    reloads: int = 0
    errors: int = 0
    seconds: float = 0.0


class Reloader:
    """Owns which configuration is in force."""

    def __init__(
        self,
        config: Config,
        path: Path | None,
        load: Callable[[], Config],
        *,
        prepare: Callable[[Change], Awaitable[Trial]],
        swap: Callable[[Change], None],
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`load` reads file and options anew. `prepare` builds what a change needs and tries it (raising
        `ShadowdiffError` where it cannot), `swap` puts the prepared in force at once.
        """
        self.config = config
        self.path = path
        self._load = load
        self._prepare = prepare
        self._swap = swap
        self._say = say
        self._clock = clock
        self._configs: deque[Config] = deque([config], KEPT)
        self.versions: deque[Version] = deque([Version(config.hash, _stamp())], KEPT)
        self.counts = Counts()
        self.error = ""
        """Why the last version was refused, empty when it was not."""
        self._seen = self._read()
        self._bad = 0
        self._quiet_until = 0.0
        self._lock = asyncio.Lock()

    async def watch(self) -> None:
        """Look at the file whenever something happens around it."""
        if self.path is None:
            return
        from watchfiles import awatch

        folders = {self.path.parent.resolve(), self.path.resolve().parent}
        while True:
            try:
                # a ConfigMap swaps a link beside the file, so its folder is watched
                timeout = int(POLL_S * 1000)
                changes = awatch(*folders, recursive=False, debounce=300, rust_timeout=timeout, yield_on_timeout=True)
                async for _ in changes:
                    await self.look()
                return
            except (OSError, RuntimeError) as error:
                self._say(f"{self.path}: cannot be watched ({error}); it is looked at every {POLL_S:g} s")
                await asyncio.sleep(POLL_S)
                await self.look()

    async def look(self, asked: bool = False) -> bool:
        """Take the file as it is now, if it changed; whether something else is in force then.

        `asked` (SIGHUP) says so even when nothing changed, and does not wait after bad versions.
        """
        async with self._lock:
            now = self._read()
            if now == self._seen and not asked:
                return False
            if self._clock() < self._quiet_until and not asked:
                return False
            self._seen = now
            if self.path is None:
                self._say("there is no config file to read again (-c FILE)")
                return False
            return await self._take(self._load)

    async def roll_back(self, wanted: str = "") -> Version:
        """Put an earlier version in force, the one before by default. Raises `UsageError`.

        The file stays as it is, and is taken again only once it changes.
        """
        async with self._lock:
            earlier = [config for config in self._configs if config.hash != self.config.hash]
            if wanted:
                earlier = [config for config in earlier if config.hash == wanted]
            if not earlier:
                raise UsageError(f"no version {wanted or 'before this one'} is kept (the last {KEPT} are)")
            self._seen = self._read()
            before = self.config.hash
            await self._take(lambda: earlier[-1])
            if self.config.hash == before:
                raise UsageError(self.error)
            return self.versions[-1]

    async def _take(self, load: Callable[[], Config]) -> bool:
        begun = self._clock()
        try:
            change = change_of(self.config, load())
            if not change.keys:
                self._say(f"config {self.config.hash}: read again, nothing has changed")
                self.error = ""
                return False
            trial = await self._prepare(change)
        except ShadowdiffError as error:
            self._refused(str(error))
            return False
        old, self.config = self.config, change.config
        self._swap(change)
        self._configs.append(change.config)
        self.versions.append(Version(change.config.hash, _stamp(), change.keys, str(trial)))
        self.counts.reloads += 1
        self.counts.seconds = self._clock() - begun
        self._bad, self._quiet_until, self.error = 0, 0.0, ""
        effect = "evidence begins anew" if change.fresh else "the evidence is read by the new limits"
        self._say(f"config {old.hash} → {change.config.hash}: {', '.join(change.keys)} changed; {effect}; {trial}")
        return True

    def _refused(self, why: str) -> None:
        self.counts.errors += 1
        self.error = why
        self._bad += 1
        text = f"config refused: {why}; {self.config.hash} goes on"
        if self._bad >= BAD:
            wait = min(FIRST_S * 2 ** (self._bad - BAD), LONGEST_S)
            self._quiet_until = self._clock() + wait
            text += f" ({self._bad} bad versions in a row: the next is looked at in {wait:g} s, or on SIGHUP)"
        self._say(text)

    def _read(self) -> bytes:
        try:
            return self.path.read_bytes() if self.path is not None else b""
        except OSError:
            return b"\0"


def change_of(old: Config, new: Config) -> Change:
    """What differs. Raises `UsageError` for what only a restart can change."""
    before, after = flat(old), flat(new)
    keys = tuple(sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key)))
    targets = [key for key in keys if key.startswith("targets.")]
    fixed = [key for key in keys if key in FIXED or not reloadable(key, targets=True)]
    if targets and not old.service.reload_targets:
        raise UsageError(f"{', '.join(targets)}: changes only where service.reload_targets = true")
    if {"targets.twin"} & set(targets) and bool(old.targets.twin) != bool(new.targets.twin):
        fixed.append("targets.twin")
    if fixed:
        raise UsageError(f"{', '.join(fixed)}: changes only with a restart")
    fresh = any(key not in (*LIMITS, *HARMLESS) for key in keys)
    return Change(new, keys, fresh, bool(targets))


def reloadable(key: str, targets: bool) -> bool:
    """Whether a setting may change while running; those of `targets` only where that is allowed."""
    return key.startswith((*FREE, "targets.") if targets else FREE)


def flat(config: Config) -> dict[str, Any]:
    """Dotted keys of two levels: a table and its settings, lists and inner tables whole."""
    return {
        f"{table}.{key}" if isinstance(values, dict) else table: value
        for table, values in msgspec.to_builtins(config).items()
        for key, value in (values.items() if isinstance(values, dict) else [("", values)])
    }


def _stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
