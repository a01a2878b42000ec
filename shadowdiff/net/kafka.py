"""Kafka as this project uses it: addresses, client settings, topics, and reading a topic to its end.

`kafka://broker:9092,other:9092/topic`. Beside a topic lie `<topic>.tallies` (what has been counted, by shard),
`<topic>.comparisons` (one settled exchange a record) and `<topic>.verdicts`. The client is confluent-kafka, an extra
that only this module imports; docs/decisions/0008 says why that one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from shadowdiff.errors import SourceError, UsageError
from shadowdiff.settings import KafkaRules

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message, Producer

SCHEME = "kafka://"
TIMEOUT_S = 8.0
FULL_S = 2.0
MAX_MESSAGE = 16 << 20
TALLIES, COMPARISONS, VERDICTS = "tallies", "comparisons", "verdicts"
QUIET = {"log_level": 2}
"""Its own lines on stderr only for what is critical; errors come to us."""


class Place(msgspec.Struct, frozen=True):
    """A topic and where its brokers are."""

    brokers: str
    topic: str

    @property
    def url(self) -> str:
        """How people name it."""
        return f"{SCHEME}{self.brokers}/{self.topic}"

    def beside(self, what: str) -> str:
        """The topic that holds `what` of this one."""
        return f"{self.topic}.{what}"


def is_kafka(text: object) -> bool:
    """Whether `text` names a topic."""
    return str(text).startswith((SCHEME, "kafka:/"))  # a Path has one of the slashes less


def place_of(text: object) -> Place:
    """The topic that `text` names. Raises `UsageError`."""
    rest = str(text).removeprefix(SCHEME).removeprefix("kafka:/")
    brokers, _, topic = rest.partition("/")
    if not brokers or not topic or "/" in topic:
        raise UsageError(f"{text}: write kafka://BROKER:PORT/TOPIC, several brokers with commas")
    return Place(",".join(one if ":" in one else f"{one}:9092" for one in brokers.split(",")), topic)


def settings_of(place: Place, rules: KafkaRules) -> dict[str, Any]:
    """What every client of `place` is made with. Raises `UsageError`."""
    secure = bool(rules.cacert or rules.cert or rules.tls)
    made: dict[str, Any] = {
        "bootstrap.servers": place.brokers,
        "client.id": "shadowdiff",
        "security.protocol": ("SASL_" if rules.sasl else "") + ("SSL" if secure else "PLAINTEXT"),
        "socket.connection.setup.timeout.ms": 10_000,
        **QUIET,
    }
    for key, value in (
        ("ssl.ca.location", rules.cacert), ("ssl.certificate.location", rules.cert), ("ssl.key.location", rules.key),
        ("sasl.mechanisms", rules.sasl), ("sasl.username", rules.user), ("sasl.password", rules.password),
    ):  # fmt: skip
        if value:
            made[key] = value
    if rules.sasl and not rules.user:
        raise UsageError("kafka.sasl: needs kafka.user and kafka.password")
    return made | dict(rules.options)


def client(kind: str, settings: Mapping[str, Any]) -> Any:
    """A `Consumer`, `Producer` or `AdminClient`. Raises `UsageError` where the extra or a setting is wrong."""
    try:
        import confluent_kafka
        from confluent_kafka.admin import AdminClient
    except ImportError:
        raise UsageError("kafka://: install the extra, e.g. pip install 'shadowdiff-gate[kafka]'") from None
    made = {"Consumer": confluent_kafka.Consumer, "Producer": confluent_kafka.Producer, "AdminClient": AdminClient}
    try:
        return made[kind](dict(settings))
    except confluent_kafka.KafkaException as error:
        raise UsageError(f"kafka: {reason(error)}; see the kafka table of the configuration") from None


def reason(error: Any) -> str:
    """What a client's exception says, in one line."""
    first = error.args[0] if getattr(error, "args", ()) else error
    return str(first.str() if hasattr(first, "str") else first)


def partitions_of(place: Place, settings: Mapping[str, Any]) -> list[int]:
    """The partitions of a topic. Raises `SourceError` where there is none, or no broker answers."""
    from confluent_kafka import KafkaException

    admin = client("AdminClient", settings)
    try:
        found = admin.list_topics(timeout=TIMEOUT_S).topics.get(place.topic)  # asked for by name it would be made
    except KafkaException as error:
        raise SourceError(f"kafka://{place.brokers}: no broker answers ({reason(error)})") from None
    if found is None or found.error is not None:
        raise SourceError(f"{place.url}: there is no such topic")
    return sorted(found.partitions)


def make_topics(place: Place, settings: Mapping[str, Any], replicas: int) -> None:
    """Make what lies beside a topic where it is missing. Raises `SourceError`."""
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import NewTopic

    compacted = {"cleanup.policy": "compact", "max.message.bytes": str(MAX_MESSAGE)}
    wanted = [
        NewTopic(place.beside(TALLIES), 1, replicas, config=compacted),
        NewTopic(place.beside(VERDICTS), 1, replicas, config=compacted),
        NewTopic(place.beside(COMPARISONS), 1, replicas, config={"max.message.bytes": str(MAX_MESSAGE)}),
    ]
    admin = client("AdminClient", settings)
    known = admin.list_topics(timeout=TIMEOUT_S).topics
    missing = [topic for topic in wanted if topic.topic not in known]
    for future in admin.create_topics(missing).values() if missing else ():
        try:
            future.result(TIMEOUT_S)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise SourceError(f"kafka://{place.brokers}: topics cannot be made ({reason(error)})") from None


class Reader:
    """Reads whole topics of one partition each, from their beginning, what is committed only."""

    def __init__(self, settings: Mapping[str, Any], *topics: str) -> None:
        from confluent_kafka import OFFSET_BEGINNING, TopicPartition

        self._consumer: Consumer = client(
            "Consumer",
            {
                **settings, "group.id": "shadowdiff-reader", "enable.auto.commit": False,
                "isolation.level": "read_committed", "enable.partition.eof": True, "auto.offset.reset": "earliest",
                "fetch.message.max.bytes": MAX_MESSAGE,
            },
        )  # fmt: skip
        self._topics = set(topics)
        self._consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING) for topic in topics])

    def ready(self, wait_s: float = 0.0) -> list[Message]:
        """What has come since; waits so long for the first."""
        return [message for message in self._consumer.consume(500, wait_s) if message.error() is None]

    def rest(self, timeout_s: float = TIMEOUT_S) -> Iterator[Message]:
        """Everything up to where the topics end now. Raises `SourceError` where no broker answers in time."""
        from confluent_kafka import KafkaException, TopicPartition

        until = time.monotonic() + timeout_s
        try:
            ends = {
                topic: self._consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=timeout_s)[1]
                for topic in self._topics
            }
        except KafkaException as error:
            raise SourceError(f"kafka: {reason(error)}") from None
        open_ones = {topic for topic, end in ends.items() if end > 0}
        while open_ones:
            for message in self._consumer.consume(500, 0.2):
                if message.error() is None:
                    until = time.monotonic() + timeout_s
                    yield message
            for topic in list(open_ones):
                position = self._consumer.position([TopicPartition(topic, 0)])[0].offset
                if position >= ends[topic]:
                    open_ones.discard(topic)
            if open_ones and time.monotonic() > until:
                raise SourceError(f"kafka: {', '.join(sorted(open_ones))} cannot be read to the end")

    def close(self) -> None:
        """Leave."""
        self._consumer.close()


class Writer:
    """Hands records over, in order, each at least once and never twice (an idempotent producer)."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._producer: Producer = client("Producer", producing(settings) | {"enable.idempotence": True})
        self.failed = ""
        """The first thing that could not be delivered."""

    def send(self, topic: str, key: str, value: bytes) -> None:
        """Queue one record; waits a while where the queue is full. Nothing more is taken after a failure."""
        until = time.monotonic() + FULL_S
        while not self.failed:
            try:
                self._producer.produce(topic, value, key.encode("utf-8", "replace"), on_delivery=self._delivered)
                break
            except BufferError:
                if time.monotonic() > until:
                    self.failed = "the queue is full"
                self._producer.poll(0.05)
        self._producer.poll(0)

    def flush(self, wait_s: float = TIMEOUT_S) -> int:
        """Wait for what is queued; how many records are still in the queue."""
        return int(self._producer.flush(wait_s))

    def _delivered(self, error: Any, _: object) -> None:
        if error is not None:
            self.failed = self.failed or str(error.str())


def producing(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What producers have beside: small batches soon, large records."""
    return {**settings, "linger.ms": 20, "message.max.bytes": MAX_MESSAGE, "compression.type": "lz4"}
