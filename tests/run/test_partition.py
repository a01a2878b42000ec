"""One partition: whatever order answers come in and however often it moves, it counts as one process would in order."""

from __future__ import annotations

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowdiff.errors import SourceError
from shadowdiff.gate.count import Counter
from shadowdiff.model.comparison import Outcome
from shadowdiff.model.exchange import Exchange
from shadowdiff.model.tally import Shard, Tally
from shadowdiff.run.partition import Partition, Snapshot
from shadowdiff.run.shared import Shared, pack, unpack
from shadowdiff.testing import comparison_of, exchange_of, pair_of

KINDS = [*Outcome, "unreadable", "filtered", "warmup"]


def partition() -> Partition:
    return Partition("g/t/0", 1, lambda shard, ledger: Counter(shard, ledger), "s", "none")


def exchange(number: int, session: int) -> Exchange:
    name = f"s{session}" if session else None
    return exchange_of(id=f"r{number}", seq=number, session=name, captured_at=1000.0 * number, source=f"t/0:{number}")


def settle(one: Partition, number: int, kind: object, session: int) -> None:
    asked = exchange(number, session)
    if kind == "unreadable":
        one.unreadable(number, "no JSON")
    elif isinstance(kind, Outcome):
        comparison = comparison_of(kind, number, id=asked.id, session=asked.session, unit="?", route=asked.route)
        pair = msgspec.structs.replace(pair_of("a", "b"), exchange=asked)
        one.compared(number, comparison, pair)
    else:
        one.passed(number, asked, str(kind), "why")


def lines(one: Partition) -> list[tuple]:
    found = [orjson.loads(line) for line in one.lines]
    return [(line["id"], line["outcome"], line["unit"], line.get("turn")) for line in found]


RECORDS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 4)), min_size=1, max_size=80)


@settings(max_examples=80)
@given(RECORDS, st.randoms(use_true_random=False), st.integers(1, 6))
def test_any_order_and_any_moves_count_as_one_process_in_order(records, rng, moves: int) -> None:
    straight = partition()
    for number, (kind, session) in enumerate(records):
        straight.took(number)
        settle(straight, number, kind, session)
    straight.read_to(len(records))
    straight.finish()

    one, committed, kept = partition(), 0, []
    stops = sorted(rng.randrange(len(records) + 1) for _ in range(moves))
    for stop in [*stops, len(records)]:
        taken = list(range(committed, max(stop, committed)))
        for number in taken:
            one.took(number)
        done = (
            rng.sample(taken, rng.randrange(len(taken) + 1)) if stop < len(records) else rng.sample(taken, len(taken))
        )
        for number in done:
            settle(one, number, *records[number])
        kept += lines(one)
        snapshot = unpack(pack(one.snapshot(lambda _: False)), "here")
        one, committed = partition(), snapshot.next  # it moves: what was not counted is read again
        one.restore(snapshot, len(records) + 1)
    one.read_to(len(records))
    one.finish()
    assert one.next == len(records) and one.ended
    assert one.counter.shard == straight.counter.shard
    assert kept == lines(straight)


def test_a_settled_pair_waits_for_every_record_before_it() -> None:
    one = partition()
    for number in range(3):
        one.took(number)
    settle(one, 2, Outcome.MATCHED, 0)
    settle(one, 1, Outcome.MATCHED, 0)
    assert (one.next, one.counter.shard.ledger.sent, one.waiting) == (0, 0, 3)
    settle(one, 0, Outcome.MISMATCHED, 0)
    assert (one.next, one.counter.shard.ledger.sent, one.waiting) == (3, 3, 0)
    settle(one, 1, Outcome.MISMATCHED, 0)  # an answer to what was sent before the partition moved
    assert one.counter.shard.ledger.sent == 3


def test_sessions_with_ids_minted_elsewhere_are_named_when_they_move() -> None:
    one = partition()
    for number, session in enumerate((1, 2)):
        one.took(number)
        settle(one, number, Outcome.MATCHED, session)
    moved = one.snapshot(lambda session: session == "s2")
    assert moved.minted == ["s2"]
    other = partition()
    other.restore(moved, 10)
    assert other.moved == {"s2"} and not other.ended
    assert other.snapshot(lambda _: False).minted == ["s2"]  # also when it moves on


def test_a_topic_that_has_grown_is_not_at_its_end() -> None:
    one = partition()
    one.took(0)
    settle(one, 0, Outcome.MATCHED, 1)
    one.read_to(1)
    one.finish()
    moved = one.snapshot(lambda _: False)
    grown, same = partition(), partition()
    grown.restore(moved, 2)
    same.restore(moved, 1)
    assert (grown.ended, same.ended) == (False, True)


def test_what_is_no_snapshot_is_refused_with_its_place() -> None:
    with pytest.raises(SourceError, match=r"tallies \(x\): holds no counts of ours"):
        unpack(b"garbage", "tallies (x)")
    newer = pack(Snapshot(Shard("a"), 0, "s", v=99))
    with pytest.raises(SourceError, match="version 99 is newer"):
        unpack(newer, "tallies")


def test_the_sum_takes_the_newest_of_each_shard_and_own_ones_live() -> None:
    shared = Shared(paired=False)
    shared.heard(Snapshot(Shard("g/t/1", upto=5), 5, "s"))
    shared.heard(Snapshot(Shard("g/t/1", upto=4), 4, "s", ended=True))
    one = partition()
    shared.mine[0] = one
    one.took(0)
    settle(one, 0, Outcome.MATCHED, 0)
    assert shared.shard.upto == 5 and isinstance(shared.tally, Tally)
    assert shared.ended({"g/t/1": 4}) == 1 and shared.ended({"g/t/1": 5}) == 0
