"""Judge what a group has counted into Kafka, wherever its processes run: once, or until it is decided.

Reads `<topic>.tallies` as committed, the newest counts of every shard, and adds them up; with an output folder also
the comparisons, as a run folder like any other. A FAIL that is reached while processes still run is said in
`<topic>.verdicts`, and they stop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from shadowdiff import plugins, runinfo
from shadowdiff.errors import SourceError, UsageError
from shadowdiff.gate.limits import Limits
from shadowdiff.model.tally import Tally
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.net import kafka
from shadowdiff.run.partition import Snapshot
from shadowdiff.run.saved import limits_of, named
from shadowdiff.run.shared import decoded, unpack

EVERY_S = 0.5


class Topic:
    """What is known of the groups that count into one topic."""

    def __init__(self, place: kafka.Place, settings: dict[str, Any], group: str = "") -> None:
        """`group` may be left out where there is one. Raises `SourceError` where no broker answers."""
        kafka.partitions_of(kafka.Place(place.brokers, place.beside(kafka.TALLIES)), settings)
        self.place = place
        self._settings = settings
        self._wanted = group
        self._reader = kafka.Reader(settings, place.beside(kafka.TALLIES), place.beside(kafka.VERDICTS))
        self._snapshots: dict[str, dict[str, Snapshot]] = {}
        self._infos: dict[str, runinfo.RunInfo] = {}
        self._verdicts: dict[str, Verdict] = {}

    def read(self) -> None:
        """Take everything up to now. Raises `SourceError`."""
        self._take(self._reader.rest())

    def poll(self, wait_s: float) -> None:
        """Take what comes."""
        self._take(self._reader.ready(wait_s))

    @property
    def group(self) -> str:
        """The group asked about. Raises `SourceError` where nothing was counted, `UsageError` where it is unclear."""
        names = sorted(self._infos.keys() | self._snapshots.keys())
        if self._wanted or len(names) == 1:
            name = self._wanted or names[0]
            if name in names:
                return name
            raise SourceError(
                f"{self.place.url}: group {name!r} has counted nothing; known: {', '.join(names) or 'none'}"
            )
        if not names:
            raise SourceError(f"{self.place.url}: nothing has been counted yet")
        raise UsageError(f"{self.place.url}: several groups have counted; name one with --group: {', '.join(names)}")

    @property
    def info(self) -> runinfo.RunInfo | None:
        """How the group's run was made."""
        return self._infos.get(self.group)

    @property
    def tally(self) -> Tally:
        """What the group has counted; complete where every shard has ended, and every partition is among them."""
        found = self._snapshots.get(self.group, {})
        info = self.info
        whole = all(snapshot.ended for snapshot in found.values()) and len(found) >= self._shards(info)
        return Tally(
            {snapshot.shard.id: snapshot.shard for snapshot in found.values()}, bool(info and info.paired), whole
        )

    def judge(self, limits: Limits | None = None) -> Verdict:
        """The verdict on it, under the group's own settings unless `limits` are given."""
        info, tally = self.info, self.tally
        used = limits or limits_of(info)
        verdict: Verdict = plugins.build("gates", used.mode, limits=used).judge(tally)
        reached = self._verdicts.get(self.group)
        if reached is not None and reached.verdict is Status.FAIL and limits is None:
            if verdict.verdict is not Status.FAIL:
                verdict = reached
        elif not tally.complete:
            verdict = _unfinished(verdict)
        return named(verdict, info)

    def wait(
        self,
        limits: Limits | None,
        wait_s: float,
        say: Callable[[str], None],
        newest: list[Verdict],
        clock: Callable[[], float] = time.monotonic,
    ) -> Verdict:
        """The verdict once everything is counted or a FAIL is reached, which every process is then told; or the last
        one at the deadline. Meanwhile `newest` holds the last one.
        """
        until, said = clock() + wait_s, ""
        while True:
            try:
                verdict, over = self.judge(limits), self.tally.complete
                state = f"{verdict.verdict}: {verdict.reason}"
                newest[:] = [verdict]
            except SourceError as error:
                if clock() >= until:
                    raise
                verdict, over, state = None, False, str(error)
            if verdict is not None and (over or verdict.verdict is Status.FAIL or clock() >= until):
                if verdict.verdict is Status.FAIL and not over:
                    self.tell(verdict)
                return verdict
            if state != said:
                say(state)
                said = state
            self.poll(min(EVERY_S, max(0.0, until - clock())))

    def tell(self, verdict: Verdict) -> None:
        """Say `verdict` to every process of the group."""
        writer = kafka.Writer(self._settings)
        writer.send(self.place.beside(kafka.VERDICTS), self.group, msgspec.json.encode(verdict))
        writer.flush()

    def folder(self, out: Path) -> None:
        """Write what was counted as a run folder: comparisons, and how they were made. Raises `UsageError`."""
        group, total = self.group, self.tally.total()
        reader = kafka.Reader(self._settings, self.place.beside(kafka.COMPARISONS))
        try:
            out.mkdir(parents=True, exist_ok=True)
            with (out / "comparisons.jsonl").open("wb") as file:
                for message in reader.rest():
                    if (message.key() or b"").decode("utf-8", "replace").startswith(f"{group}/"):
                        file.write((message.value() or b"").rstrip(b"\n") + b"\n")
            (out / "comparisons.jsonl").chmod(0o600)
            state = runinfo.State(group, total.ledger, [], self.tally.complete)
            runinfo.write_whole(out / "state.json", msgspec.json.encode(state))
            if self.info is not None:
                runinfo.write_whole(out / "run.json", msgspec.json.encode(self.info))
        except OSError as error:
            raise UsageError(f"--out {out}: cannot be written ({error.strerror})") from None
        finally:
            reader.close()

    def close(self) -> None:
        """Leave."""
        self._reader.close()

    def _shards(self, info: runinfo.RunInfo | None) -> int:
        """How many shards there must be: a partition each, where the topic itself was replayed."""
        if info is None or not any(kafka.is_kafka(log) for log in info.logs):
            return 1
        return len(kafka.partitions_of(self.place, self._settings))

    def _take(self, messages: Iterable[Any]) -> None:
        for message in messages:
            key = (message.key() or b"").decode("utf-8", "replace")
            value = message.value() or b""
            if message.topic() == self.place.beside(kafka.VERDICTS):
                self._verdicts[key] = decoded(value, Verdict, f"{self.place.url}.verdicts")
                continue
            group, _, rest = key.partition("/")
            if rest == "run":
                self._infos[group] = decoded(value, runinfo.RunInfo, f"{self.place.url}.tallies")
            elif rest:
                snapshot = unpack(value, f"{self.place.url} ({key})")
                self._snapshots.setdefault(group, {})[rest] = snapshot


def _unfinished(verdict: Verdict) -> Verdict:
    """What is not counted yet may be the slow part, which is often the bad one."""
    note = "not everything is counted yet"
    verdict = msgspec.structs.replace(verdict, notes=(*verdict.notes, note))
    if verdict.verdict is not Status.PASS:
        return verdict
    return msgspec.structs.replace(
        verdict, verdict=Status.INCONCLUSIVE, exit_code=3,
        reason=f"not everything is counted yet, so it cannot pass; so far {verdict.reason}",
    )  # fmt: skip
