"""Results and captures into Kafka: `--results kafka://…`, `--record kafka://…` and `convert LOG kafka://…`.

Counts go out once a second under the key of their shard; they only grow, so a record that comes twice, or late,
changes nothing. Lines of the tape follow under the same key. A broker that is away holds up neither a run nor a relay
for long: records are lost then, which is said, and `--results` ends as an error, since a verdict would rest on less.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import msgspec

from shadowdiff import runinfo, tape
from shadowdiff.capture.jsonl import line_of
from shadowdiff.config import resolve
from shadowdiff.errors import OutputError, UsageError
from shadowdiff.model.comparison import Comparison
from shadowdiff.model.exchange import Exchange, Pair
from shadowdiff.model.tally import Shard, Tally
from shadowdiff.model.verdict import Verdict
from shadowdiff.net import kafka
from shadowdiff.run.partition import Snapshot
from shadowdiff.run.recording import redacted
from shadowdiff.run.shared import pack
from shadowdiff.settings import Config

TELL_S = 1.0
_NAME = re.compile(r"[A-Za-z0-9._-]{1,200}")


class Results:
    """A sink that publishes what one process counts. It belongs to `group`, whose shards are judged together."""

    def __init__(
        self,
        place: kafka.Place,
        settings: dict[str, Any],
        group: str,
        info: runinfo.RunInfo,
        shard: Callable[[], Shard],
        store: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`store` says which answers go out, as for the tape. Raises `UsageError` or `SourceError`."""
        self._place = place
        self._group = group
        self._shard = shard
        self._settings = info.resume_hash
        self._store = store
        self._clock = clock
        self._told = clock()
        self._writer = kafka.Writer(settings)
        self._writer.send(place.beside(kafka.TALLIES), f"{group}/run", msgspec.json.encode(info))

    def add(self, comparison: Comparison, pair: Pair) -> None:
        """Publish one line, and the counts where it is time. Raises `OutputError`."""
        line = tape.encode(comparison, pair, self._store)
        self._writer.send(self._place.beside(kafka.COMPARISONS), f"{self._group}/{self._shard().id}", line)
        if self._clock() - self._told >= TELL_S:
            self._tell(ended=False)

    def close(self, tally: Tally, verdict: Verdict | None) -> None:
        """The last counts, delivered. Raises `OutputError`."""
        self._tell(ended=tally.complete)
        left = self._writer.flush()
        if left or self._writer.failed:
            raise OutputError(f"--results: {left} records were not delivered ({self._writer.failed or 'no answer'})")

    def _tell(self, ended: bool) -> None:
        self._told = self._clock()
        if self._writer.failed:
            raise OutputError(f"--results: records cannot be delivered ({self._writer.failed})")
        shard = self._shard()
        snapshot = Snapshot(shard, shard.upto, self._settings, ended)
        self._writer.send(self._place.beside(kafka.TALLIES), f"{self._group}/{shard.id}", pack(snapshot))


class Records:
    """Exchanges as capture lines, keyed by session, so that the turns of one stay in order in one partition."""

    def __init__(self, place: kafka.Place, settings: dict[str, Any], warn: Callable[[str], None]) -> None:
        """Raises `UsageError`; what cannot be delivered later is warned of, once."""
        self._place = place
        self._warn = warn
        self._writer = kafka.Writer(settings)
        self._said = False
        self.count = 0

    def add(self, exchange: Exchange) -> None:
        """Queue one exchange, credentials redacted."""
        self.put(redacted(exchange))

    def put(self, exchange: Exchange) -> None:
        """Queue one exchange as it is."""
        self._writer.send(self._place.topic, exchange.session or exchange.id, line_of(exchange).rstrip(b"\n"))
        self.count += 1
        self._check()

    def flush(self) -> None:
        """See whether records arrive."""
        self._writer.flush(0.0)
        self._check()

    def close(self) -> None:
        """Wait for what is queued."""
        left = self._writer.flush()
        self._check(f"{left} records were not delivered" if left else "")

    @property
    def failed(self) -> str:
        """Why records were lost, empty where none was."""
        return self._writer.failed

    def _check(self, why: str = "") -> None:
        why = self._writer.failed or why
        if why and not self._said:
            self._said = True
            self._warn(f"{self._place.url}: records are lost ({why})")


def client_settings(config: Config, place: kafka.Place) -> dict[str, Any]:
    """What clients of `place` are made with, secrets resolved. Raises `UsageError`."""
    rules = msgspec.structs.replace(config.kafka, password=resolve(config.kafka.password, "kafka.password"))
    return kafka.settings_of(place, rules)


def named_group(config: Config, what: str, why: str) -> str:
    """The group that `what` is for. Raises `UsageError`."""
    name = config.kafka.group
    if not name:
        raise UsageError(f"{what}: name the group with --group; {why}")
    if not _NAME.fullmatch(name):
        raise UsageError(f"--group {name}: letters, digits, dots, dashes and underscores only")
    return name


def results(config: Config, info: runinfo.RunInfo, shard: Callable[[], Shard]) -> list[Results]:
    """The sink that `--results` asks for, if it does. Raises `UsageError` or `SourceError`."""
    if not config.kafka.results:
        return []
    named_group(config, "--results", "what one group counts is judged together")
    place = kafka.place_of(config.kafka.results)
    settings = client_settings(config, place)
    kafka.make_topics(place, settings, config.kafka.replicas)
    return [Results(place, settings, config.kafka.group, info, shard, config.report.store_bodies)]


def records(config: Config, topic: object, warn: Callable[[str], None]) -> Records:
    """Where captures go that are written to `topic`. Raises `UsageError`."""
    place = kafka.place_of(topic)
    return Records(place, client_settings(config, place), warn)
