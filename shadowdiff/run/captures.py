"""The reading side of a run: name formats, open sources, order, repeat and shuffle what they hold.

In:  the configuration and log paths. Out: one iterator of exchanges in sending order, and what holds some back.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from shadowdiff import plugins, units
from shadowdiff.capture.build import Builder, Dialogs
from shadowdiff.capture.files import head
from shadowdiff.capture.order import Ordering
from shadowdiff.capture.routes import Router
from shadowdiff.capture.sniff import sniff
from shadowdiff.errors import UsageError
from shadowdiff.model.exchange import Exchange
from shadowdiff.model.tally import Ledger
from shadowdiff.settings import Config
from shadowdiff.tee.hold import Holder
from shadowdiff.tee.session import Sessions
from shadowdiff.tee.share import WHOLE, Share

MAX_SHUFFLED = 500_000
_CHUNK = re.compile(r"(.*_)(\d+)(\.gor(?:\.gz|\.zst)?)")


class Reading:
    """The logs of a run as one stream; `notes` tells what reading them needed."""

    def __init__(
        self,
        config: Config,
        logs: Sequence[Path],
        ledger: Ledger,
        warn: Callable[[str], None],
        share: Share = WHOLE,
        shuffle: int = 0,
    ) -> None:
        """`shuffle` seeds the order of `--stop-on any`, which all workers must share. Raises `UsageError` or
        `SourceError` for what cannot be read, before anything is sent.
        """
        self._ledger = ledger
        self._share = share
        self._shuffle = config.send.seed or shuffle
        builder = builder_of(config, ledger, warn, silent=share.number > 0)
        self._config = config
        self._sources = sources(config, formats(config, logs), builder)
        self._ordering = Ordering(config.capture.sort_window)
        self._loop = config.send.loop
        if self._loop == 0 and not config.send.duration and not config.send.limit:
            raise UsageError("--loop 0 never ends; bound it with --duration or --limit")

    def stream(self) -> Iterator[Exchange]:
        """Every exchange in sending order."""
        exchanges = self._passes()
        if self._config.gate.stop_on == "any":
            return shuffled(exchanges, self._config.sessions.by, self._shuffle)
        return exchanges

    def ahead(self, taken: int) -> int:
        """Exchanges read, to be sorted or shuffled, that nobody took: a stop came first.

        With other workers beside this one nobody knows whose they are, and they count as not read.
        """
        waiting = self._ledger.read - self._ledger.unreadable - taken
        if self._share.of == 1:
            return waiting
        self._ledger.read -= waiting
        return 0

    def notes(self) -> list[str]:
        """What was put in order."""
        order = self._ordering
        if not order.moved:
            return []
        late = f"; {order.late} were further off than --sort-window and went as they came" if order.late else ""
        return [f"{order.moved} exchanges stood out of time order in the log and were sorted{late}."]

    def _passes(self) -> Iterator[Exchange]:
        number, shift = 1, 0.0
        while True:
            span = _Span()
            for exchange in self._ordering(self._once()):
                span.add(exchange)
                yield exchange if number == 1 else again(exchange, number, shift)
            number += 1
            if number > self._loop > 0 or not span.n:
                return
            shift += span.length

    def _once(self) -> Iterator[Exchange]:
        for source in self._sources:
            yield from source.stream()


class _Span:
    """From the first captured time to the last, and one mean gap more: when a repeat may begin."""

    def __init__(self) -> None:
        self.n = 0
        self._low = float("inf")
        self._high = float("-inf")

    def add(self, exchange: Exchange) -> None:
        self.n += 1
        if exchange.captured_at is not None:
            self._low = min(self._low, exchange.captured_at)
            self._high = max(self._high, exchange.captured_at)

    @property
    def length(self) -> float:
        span = self._high - self._low
        return span + span / max(1, self.n - 1) if span > 0 else 0.0


def again(exchange: Exchange, number: int, shift: float) -> Exchange:
    """`exchange` in repeat `number`: an id, a session and a time of its own."""
    at = exchange.captured_at
    return msgspec.structs.replace(
        exchange,
        id=f"{exchange.id}~{number}",
        unit=f"{exchange.unit}~{number}",
        session=None if exchange.session is None else f"{exchange.session}~{number}",
        captured_at=None if at is None else at + shift,
    )


def builder_of(
    config: Config, ledger: Ledger, warn: Callable[[str], None], begun: int = 0, silent: bool = False
) -> Builder:
    """What makes exchanges, from the capture settings; see `Builder` for the last two."""
    given = config.capture.dialogs
    dialogs = Dialogs(path=given.path, body=given.body, turns=given.turns)
    return Builder(ledger, Router(config.capture.routes, config.capture.route_by), warn, dialogs, begun, silent)


def holder(config: Config) -> Holder:
    """What is held back, from the capture settings."""
    capture = config.capture
    return Holder(
        allow_methods=capture.allow_methods,
        allow=capture.allow,
        deny=capture.deny,
        sample=units.percent(capture.sample, "capture.sample (--sample)"),
        sample_by=capture.sample_by,
        incomplete=capture.send_incomplete,
        seed=config.send.seed,
    )


def formats(config: Config, logs: Sequence[Path]) -> list[tuple[Path, str]]:
    """Each log with its format: as told by --format or --post, else sniffed.

    Raises `SourceError` for a file that is missing, unreadable or foreign, before anything is sent.
    """
    told = config.capture.format or ("jsonl" if config.capture.post else "")
    named = []
    for path in chunk_order(logs):
        if told:
            head(path, 1)
        named.append((path, told or sniff(path)))
    return named


def chunk_order(logs: Sequence[Path]) -> list[Path]:
    """`logs` as given, but for GoReplay's numbered chunks: a shell puts _10 before _2."""
    found = [_CHUNK.fullmatch(path.name) for path in logs]
    if len(logs) < 2 or not all(found):
        return list(logs)
    key = {path: (str(path.parent), m[1], int(m[2])) for path, m in zip(logs, found, strict=True) if m}
    return sorted(logs, key=lambda path: key[path])


def sources(config: Config, named: Sequence[tuple[Path, str]], builder: Builder) -> list[Any]:
    """One source a log of `formats`."""
    return [
        plugins.build(
            "sources", "jsonl" if name == "empty" else name, path=path, builder=builder, post=config.capture.post
        )
        for path, name in named
    ]


def shuffled(exchanges: Iterator[Exchange], session_by: str, seed: int) -> Iterator[Exchange]:
    """Whole sessions in random order: a log in time order is no random sample (DESIGN, --stop-on any)."""
    finder = Sessions(session_by, lambda _: None)
    groups: dict[str, list[Exchange]] = {}
    for number, exchange in enumerate(exchanges):
        if number == MAX_SHUFFLED:
            raise UsageError(
                f"--stop-on any shuffles the whole log in memory and takes at most {MAX_SHUFFLED} exchanges; "
                "use --stop-on fail, or --sample"
            )
        placed = finder.place(exchange)
        groups.setdefault(placed.session or f"\0{exchange.id}", []).append(exchange)
    order = list(groups)
    random.Random(seed or None).shuffle(order)
    for key in order:
        yield from groups[key]
