"""Commit offsets and records together, once, whatever happens to the broker meanwhile.

A transaction that cannot be ended leaves its producer behind: a new one of the same name ends what was open, and the
group's committed offsets then tell whether it went through after all.
"""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from shadowdiff.net.kafka import client, producing

MOST_S = 8.0
"""For one step of a transaction."""
OPEN_MS = 10_000
"""A transaction of a process that died holds up who takes its partitions over, for so long."""
PATIENCE_S = 120.0
"""How long a broker may be away."""
T = TypeVar("T")


class Committer:
    """Owns the transactional producer of one consumer. All calls come from one thread."""

    def __init__(self, settings: Mapping[str, Any], name: str, consumer: Any) -> None:
        """`name` is this process's own among all that commit for a group."""
        self._settings = producing(settings) | {"transactional.id": name, "transaction.timeout.ms": OPEN_MS}
        self._consumer = consumer
        self._producer: Any = None
        self.patience_s = PATIENCE_S
        self._left: list[Any] = []
        """Producers that hang: letting go of one would hang too."""

    def start(self) -> None:
        """Make the producer; waits for a broker that restarts. Raises `KafkaException`."""
        made = client("Producer", self._settings)
        retrying(lambda: made.init_transactions(MOST_S), self.patience_s)
        self._producer = made

    def commit(self, topic: str, offsets: Mapping[int, int], records: Sequence[tuple[str, str, bytes]]) -> bool:
        """Whether `offsets` of `topic` (by partition) and `records` (topic, key, value) are committed, both or none.

        Raises `KafkaException` where no broker comes back.
        """
        from confluent_kafka import KafkaException, TopicPartition

        asked = [TopicPartition(topic, number, offset) for number, offset in offsets.items()]
        # here: while a partition is given up, the client lets no other thread at its consumer
        group = self._consumer.consumer_group_metadata()
        try:
            _guarded(lambda: self._transact(asked, group, records))
            return True
        except (KafkaException, TimeoutError):
            self._left.append(self._producer)
            self.start()
        if not asked:
            return False
        found = retrying(lambda: self._consumer.committed(asked, timeout=MOST_S), self.patience_s)
        return all(one.offset == offsets[one.partition] for one in found)

    def _transact(self, offsets: list[Any], group: Any, records: Sequence[tuple[str, str, bytes]]) -> None:
        producer = self._producer
        producer.begin_transaction()
        for topic, key, value in records:
            while True:
                try:
                    producer.produce(topic, value, key.encode("utf-8", "replace"))
                    break
                except BufferError:
                    producer.poll(0.05)
        if offsets:
            producer.send_offsets_to_transaction(offsets, group, MOST_S)
        producer.commit_transaction(MOST_S)


def retrying(call: Callable[[], T], most_s: float = PATIENCE_S) -> T:
    """What `call` returns once a broker that restarts lets it. Raises `KafkaException`."""
    from confluent_kafka import KafkaError, KafkaException

    until = time.monotonic() + most_s
    while True:
        try:
            return call()
        except KafkaException as error:
            problem = error.args[0]
            later = problem.retriable() or problem.code() == KafkaError._TIMED_OUT
            if not later or time.monotonic() > until:
                raise
            time.sleep(0.1)


def _guarded(call: Callable[[], T]) -> T:
    """What `call` returns. Raises `TimeoutError` where it does not return.

    librdkafka 2.16 waits for ever where the coordinator dies while offsets join a transaction, whatever its limit.
    """

    def start(run: Callable[[], None]) -> None:
        threading.Thread(target=run, name="shadowdiff kafka commit", daemon=True).start()

    return answered(call, start, 2 * MOST_S)


def answered(call: Callable[[], T], start: Callable[[Callable[[], None]], None], wait_s: float) -> T:
    """What `call` returns or raises where `start` runs it. Raises `TimeoutError` after `wait_s`."""
    answer: concurrent.futures.Future[T] = concurrent.futures.Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:
            answer.set_exception(error)

    start(run)
    return answer.result(wait_s)
