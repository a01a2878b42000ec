"""Two Python clients of Kafka on one broker: `python bench/kafka_clients.py` (needs `pip install aiokafka`, Java, Maven).

CPU of our side, µs a record, to read a topic of 1 KB records from its beginning and to write as many, and per
transaction that sends offsets and one record. Rounds alternate; minimum of three.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.servers.kafka import Broker, broker

COUNT, ROUNDS, TRANSACTIONS = 100_000, 3, 50
BODY = b'{"v":1,"id":"r1","target":"/api/items/1","headers":[["Accept","application/json"]]}'.ljust(1000)


def spent() -> float:
    """User and system seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def confluent(kafka: Broker, turn: int) -> tuple[float, float, float]:
    """(read, write, transaction) in seconds of CPU."""
    from confluent_kafka import Consumer, Producer, TopicPartition

    topic = kafka.topic(f"c{turn}").rpartition("/")[2]
    begun = spent()
    producer = Producer({"bootstrap.servers": kafka.address, "linger.ms": 20})
    for _ in range(COUNT):
        while True:
            try:
                producer.produce(topic, BODY, b"key")
                break
            except BufferError:
                producer.poll(0.05)
    producer.flush()
    wrote = spent() - begun
    begun, seen = spent(), 0
    consumer = Consumer({"bootstrap.servers": kafka.address, "group.id": f"g{turn}", "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    while seen < COUNT:
        seen += len([m.value() for m in consumer.consume(500, 1.0)])
    read = spent() - begun
    made = Producer({"bootstrap.servers": kafka.address, "transactional.id": f"c{turn}"})
    made.init_transactions()
    begun = spent()
    for n in range(TRANSACTIONS):
        made.begin_transaction()
        made.produce(topic, BODY)
        made.send_offsets_to_transaction([TopicPartition(topic, 0, n + 1)], consumer.consumer_group_metadata())
        made.commit_transaction()
    done = spent() - begun
    consumer.close()
    return read, wrote, done


def aiokafka(kafka: Broker, turn: int) -> tuple[float, float, float]:
    """The same."""
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

    topic = kafka.topic(f"a{turn}").rpartition("/")[2]

    async def main() -> tuple[float, float, float]:
        begun = spent()
        producer = AIOKafkaProducer(bootstrap_servers=kafka.address, linger_ms=20)
        await producer.start()
        waiting = [await producer.send(topic, BODY, b"key") for _ in range(COUNT)]
        await producer.flush()
        await asyncio.gather(*waiting)
        await producer.stop()
        wrote = spent() - begun
        begun, seen = spent(), 0
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=kafka.address, group_id=f"h{turn}", auto_offset_reset="earliest"
        )
        await consumer.start()
        while seen < COUNT:
            got = await consumer.getmany(timeout_ms=1000, max_records=500)
            seen += sum(len([m.value for m in batch]) for batch in got.values())
        read = spent() - begun
        made = AIOKafkaProducer(bootstrap_servers=kafka.address, transactional_id=f"a{turn}")
        await made.start()
        begun = spent()
        for n in range(TRANSACTIONS):
            async with made.transaction():
                await made.send(topic, BODY)
                await made.send_offsets_to_transaction({TopicPartition(topic, 0): n + 1}, f"h{turn}")
        done = spent() - begun
        await made.stop()
        await consumer.stop()
        return read, wrote, done

    return asyncio.run(main())


def main() -> None:
    """Print the table."""
    clients: dict[str, Callable[[Broker, int], tuple[float, float, float]]] = {
        "confluent-kafka": confluent,
        "aiokafka": aiokafka,
    }
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in clients}
    with broker() as kafka:
        for turn in range(ROUNDS):
            for name, run in clients.items():
                found[name].append(run(kafka, turn))
                time.sleep(0.5)
    print("| client | read µs | write µs | transaction µs |\n|---|---|---|---|")
    for name, rounds in found.items():
        read, wrote, done = (min(column) for column in zip(*rounds, strict=True))
        print(f"| {name} | {1e6 * read / COUNT:.1f} | {1e6 * wrote / COUNT:.1f} | {1e6 * done / TRANSACTIONS:.0f} |")


if __name__ == "__main__":
    main()
