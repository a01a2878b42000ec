"""Members of a group against a real broker: what the client does while partitions come and go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka import Producer

from shadowdiff.capture.kafka import COMMIT_S, Commit, Member, Taken, pause_after
from shadowdiff.errors import ShadowdiffError
from shadowdiff.net.kafka import TALLIES, Place, make_topics, place_of
from tests.servers.kafka import Broker

pytestmark = pytest.mark.real


class Leaving:
    """An owner that has something to commit for every partition it gives up."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.mine: set[int] = set()
        self.done: list[str] = []

    def taken(self, partitions: list[Taken]) -> None:
        self.mine |= {one.partition for one in partitions}

    def given_up(self, partitions: list[int], lost: bool) -> Commit | None:
        self.mine -= set(partitions)
        return (
            Commit(dict.fromkeys(partitions, 3), [(self._place.beside(TALLIES), "k", b"v")]) if partitions else None
        )

    def due(self) -> Commit | None:
        return None

    def committed(self, commit: Commit) -> None:
        self.done.append("committed")

    def refused(self, commit: Commit) -> None:
        self.done.append("refused")

    def heard(self, messages: list[tuple[str, str, bytes]]) -> None:
        pass

    def complete(self) -> bool:
        return False

    def ended(self, error: ShadowdiffError | None) -> None:
        if error is not None:
            self.done.append(str(error))


async def until(what: Callable[[], object], seconds: float = 40) -> None:
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.05)


def test_what_is_counted_of_partitions_given_up_is_committed_before_another_has_them(kafka: Broker) -> None:
    place = place_of(kafka.topic("shared", 4))
    settings = {"bootstrap.servers": place.brokers, "log_level": 2}
    make_topics(place, settings, 1)
    producer = Producer(settings)
    for number in range(4):
        for _ in range(5):
            producer.produce(place.topic, b"{}", partition=number)
    assert producer.flush(20) == 0

    async def joined() -> tuple[Leaving, Leaving]:
        first, second = Leaving(place), Leaving(place)
        members = []
        try:
            for name, owner in (("a", first), ("b", second)):
                member = await asyncio.to_thread(
                    Member, place, settings, "g", name, owner, asyncio.get_running_loop(), (place.beside(TALLIES),)
                )
                member.start()
                members.append(member)
                await until(lambda owner=owner: owner.mine)
            await until(lambda: first.done and len(second.mine) == 2)
            assert (first.mine | second.mine, len(first.mine)) == ({0, 1, 2, 3}, 2)
            return first, second
        finally:
            for member in members:
                member.stop()
                await asyncio.to_thread(member.join)

    with ThreadPoolExecutor() as threads:  # the browser of other tests leaves its loop running in this one
        first, second = threads.submit(asyncio.run, joined()).result()
    assert set(first.done) == set(second.done) == {"committed"}


def test_one_slow_commit_does_not_put_off_the_next_for_a_minute() -> None:
    assert pause_after(0.0) == COMMIT_S
    assert pause_after(0.2) == 2.0
    assert pause_after(16.0) <= 5.0
