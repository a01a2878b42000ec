"""A member of a consumer group, on a thread of its own: records in, what was counted of them out.

Offsets and what was counted up to them go out in one transaction, so that after any crash, rebalance or restart of a
broker both stand at the same record. Partitions are taken and given up one by one (cooperative-sticky). The rest of
the process is asked and told through `Owner`, always on its event loop.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import msgspec

from shadowdiff.errors import ShadowdiffError, SourceError
from shadowdiff.net.kafka import TALLIES, Place, Reader, client, partitions_of, reason
from shadowdiff.net.transactions import Committer, answered, retrying

COMMIT_S, COMMIT_MOST_S = 0.5, 5.0
"""Between two commits: ten times what the last one took, within these."""
DONE_S = 0.5
HIGH, LOW = 4_000, 1_000
"""Records waiting to be sent, at which fetching pauses and goes on."""
OWNER_S = 60.0
LEAVING_S = 15.0
T = TypeVar("T")


class Record(msgspec.Struct, frozen=True):
    """One record of the topic; a `value` of None says that its partition has been read to the end. `epoch` tells what
    was fetched for another time that the partition was ours.
    """

    partition: int
    offset: int
    value: bytes | None
    epoch: int


class Taken(msgspec.Struct, frozen=True):
    """A partition that is now ours: where to go on, where it ends, and the last snapshot, if there is one."""

    partition: int
    begin: int
    end: int
    snapshot: bytes | None
    epoch: int


class Commit(msgspec.Struct):
    """What belongs together: offsets by partition, and records as (topic, key, value)."""

    offsets: dict[int, int]
    records: list[tuple[str, str, bytes]]


class Owner(Protocol):
    """Who counts. Every method is called on the event loop."""

    def taken(self, partitions: list[Taken]) -> None:
        """These are ours from now on."""
        ...

    def given_up(self, partitions: list[int], lost: bool) -> Commit | None:
        """These are not ours any more: what is still to be committed of them, nothing where they are `lost`."""
        ...

    def due(self) -> Commit | None:
        """What is to be committed now."""
        ...

    def committed(self, commit: Commit) -> None:
        """It is done."""
        ...

    def refused(self, commit: Commit) -> None:
        """It is not done, and what is still ours will come again."""
        ...

    def heard(self, messages: list[tuple[str, str, bytes]]) -> None:
        """(topic, key, value) of what all members say."""
        ...

    def complete(self) -> bool:
        """Whether the group has counted every partition to its end."""
        ...

    def ended(self, error: ShadowdiffError | None) -> None:
        """Every partition is committed to its end, or the membership is over."""
        ...


class Member(threading.Thread):
    """Owns consumer, transactional producer and the reader of what others count."""

    def __init__(
        self,
        place: Place,
        settings: Mapping[str, Any],
        group: str,
        name: str,
        owner: Owner,
        loop: asyncio.AbstractEventLoop,
        topics: tuple[str, ...],
    ) -> None:
        """`name` is this process's own among all; `topics` are listened to beside. Raises `SourceError` and
        `UsageError`.
        """
        super().__init__(name="shadowdiff kafka", daemon=True)
        self._place = place
        self._settings = settings
        self._group = group
        self._owner = owner
        self._loop = loop
        self.records: deque[Record] = deque()
        self._halt = threading.Event()
        self._hurry = threading.Event()
        self._consumer = client(
            "Consumer",
            {
                **settings, "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest",
                "isolation.level": "read_committed", "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": 10_000, "enable.partition.eof": True, "fetch.message.max.bytes": 16 << 20,
            },
        )  # fmt: skip
        self._committer = Committer(settings, f"{group}-{name}", self._consumer)
        self._others = Reader(settings, *topics)
        self.ends = {number: self._watermark(number) for number in partitions_of(place, settings)}
        """By partition, where the run ends."""
        self._mine: set[int] = set()
        self._epochs: dict[int, int] = {}
        self._paused = False

    def hurry(self) -> None:
        """Commit as soon as possible."""
        self._hurry.set()

    def stop(self) -> None:
        """Commit what is counted and leave the group; a broker that is away is not waited for long."""
        self._committer.patience_s = LEAVING_S
        self._halt.set()

    # -- on the thread ----------------------------------------------------------------------

    def run(self) -> None:
        """Until told to stop."""
        error: ShadowdiffError | None = None
        try:
            self._committer.start()
            self._consumer.subscribe(
                [self._place.topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )
            self._turns()
        except ShadowdiffError as known:
            error = known
        except concurrent.futures.CancelledError:
            pass
        except Exception as problem:
            error = SourceError(f"{self._place.url}: {reason(problem)}")
        finally:
            self._consumer.close()
            self._others.close()
            self._tell(self._owner.ended, error)

    def _turns(self) -> None:
        next_commit = next_look = time.monotonic() + COMMIT_S
        while True:
            halted = self._halt.is_set()
            self._fetch()
            now = time.monotonic()
            if now >= next_commit or halted or self._hurry.is_set():
                self._hurry.clear()
                job = self._ask(self._owner.due)
                if job is not None:
                    self._commit(job)
                next_commit = time.monotonic() + pause_after(time.monotonic() - now)
            said = [_said(message) for message in self._others.ready()]
            if said:
                self._tell(self._owner.heard, said)
            if halted:
                return
            if now >= next_look and not self.records:
                next_look = time.monotonic() + DONE_S
                if self._ask(self._owner.complete):
                    self._tell(self._owner.heard, [_said(message) for message in self._others.rest()])
                    self._tell(self._owner.ended, None)
                    next_look = float("inf")

    def _fetch(self) -> None:
        from confluent_kafka import KafkaError

        if self._paused and len(self.records) < LOW:
            self._consumer.resume(self._consumer.assignment())
            self._paused = False
        elif not self._paused and len(self.records) > HIGH:
            self._consumer.pause(self._consumer.assignment())
            self._paused = True
        for message in self._consumer.consume(2_000, 0.05):
            error = message.error()
            number, offset = message.partition(), message.offset()
            if error is not None and error.fatal():
                raise SourceError(f"kafka: {error.str()}")
            if number not in self._mine:
                continue
            if error is None and offset < self.ends[number]:
                self.records.append(Record(number, offset, message.value() or b"", self._epochs[number]))
            elif error is None or (error.code() == KafkaError._PARTITION_EOF and offset >= self.ends[number]):
                self.records.append(Record(number, self.ends[number], None, self._epochs[number]))

    def _watermark(self, number: int) -> int:
        from confluent_kafka import KafkaException, TopicPartition

        try:
            low, high = self._consumer.get_watermark_offsets(TopicPartition(self._place.topic, number), timeout=15)
        except KafkaException as error:
            raise SourceError(f"{self._place.url}: {reason(error)}") from None
        return int(high) if high > low else 0

    # -- partitions come and go -------------------------------------------------------------

    def _on_assign(self, consumer: Any, partitions: list[Any]) -> None:
        if not partitions:
            return
        found = retrying(lambda: consumer.committed(partitions, timeout=15))
        snapshots = self._snapshots({one.partition for one in found})
        taken = []
        for one in found:
            begin = max(0, one.offset)
            number = one.partition
            self._epochs[number] = self._epochs.get(number, 0) + 1
            taken.append(Taken(number, begin, self.ends[number], snapshots.get(number), self._epochs[number]))
        self._mine |= {one.partition for one in taken}
        self._ask(lambda: self._owner.taken(taken))
        for one in found:
            if one.offset < 0:
                one.offset = -2  # the beginning
        consumer.incremental_assign(found)
        if self._paused:
            consumer.pause(found)

    def _on_revoke(self, consumer: Any, partitions: list[Any]) -> None:
        self._leave(consumer, partitions, lost=False)

    def _on_lost(self, consumer: Any, partitions: list[Any]) -> None:
        self._leave(consumer, partitions, lost=True)

    def _leave(self, consumer: Any, partitions: list[Any], lost: bool) -> None:
        numbers = [one.partition for one in partitions]
        self._mine.difference_update(numbers)
        job = self._ask(lambda: self._owner.given_up(numbers, lost))
        if job is not None:
            self._commit(job)
        if partitions and not self._halt.is_set():
            consumer.incremental_unassign(partitions)

    def _snapshots(self, wanted: set[int]) -> dict[int, bytes]:
        """The last committed snapshot of each partition, read after its offset was known to be stable."""
        reader = Reader(self._settings, self._place.beside(TALLIES))
        keys = {f"{self._group}/{self._place.topic}/{number}": number for number in wanted}
        found: dict[int, bytes] = {}
        try:
            for message in reader.rest():
                _, key, value = _said(message)
                if key in keys and value:
                    found[keys[key]] = value
        finally:
            reader.close()
        return found

    def _commit(self, job: Commit) -> None:
        done = self._committer.commit(self._place.topic, job.offsets, job.records)
        self._ask(lambda: self._owner.committed(job) if done else self._owner.refused(job))

    # -- the other side ---------------------------------------------------------------------

    def _ask(self, call: Callable[[], T]) -> T:
        """The answer of the event loop."""
        return answered(call, self._post, OWNER_S)

    def _tell(self, call: Callable[..., None], *given: Any) -> None:
        def run() -> None:
            try:
                call(*given)
            except ShadowdiffError as error:
                self._owner.ended(error)

        self._post(run)

    def _post(self, run: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(run)
        except RuntimeError:  # the loop is closed: nobody wants to know any more
            raise concurrent.futures.CancelledError from None


def pause_after(took_s: float) -> float:
    """Seconds from a commit that took so long to the next."""
    return min(max(COMMIT_S, 10 * took_s), COMMIT_MOST_S)


def _said(message: Any) -> tuple[str, str, bytes]:
    """(topic, key, value) of a record."""
    return message.topic(), (message.key() or b"").decode("utf-8", "replace"), message.value() or b""
