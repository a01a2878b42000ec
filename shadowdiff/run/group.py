"""One member of a consumer group: records become exchanges, and settled pairs counts that are committed with offsets.

Every member sums up what all of them count, so that any may find that the verdict is reached, says so in the topic of
verdicts, and all stop. The run ends when the group has committed every partition up to where it ended at the start.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from shadowdiff import runinfo
from shadowdiff.capture.build import Builder, Unreadable
from shadowdiff.capture.kafka import Commit, Member, Record, Taken
from shadowdiff.errors import ShadowdiffError, UsageError
from shadowdiff.gate.count import Counter
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.exchange import INTERRUPTED, Exchange, Later, Pair
from shadowdiff.model.tally import Ledger, Tally
from shadowdiff.model.verdict import Verdict
from shadowdiff.net.kafka import COMPARISONS, TALLIES, VERDICTS, Place
from shadowdiff.run.partition import Partition
from shadowdiff.run.shared import Shared, decoded, pack, unpack

IDLE_S = 0.05
HURRY_S = 0.1
"""Between two commits that a mismatch asks for."""
HOLD_S = 2.0
"""A commit that takes longer than this holds sending up: what is not committed may have to be sent again."""
MAX_WAITING = 10_000
"""Records of a partition that wait for an earlier one; beyond it no more of it is sent."""
MOVED = "its session began in another process, with ids that its targets minted there"

Parse = Callable[[str, bytes], Exchange]


class Group:
    """Owns the partitions of this process: reading side, sink, and what the member asks."""

    def __init__(
        self,
        place: Place,
        name: str,
        builder: Builder,
        parse: Parse,
        counting: Callable[[str, Ledger], Counter],
        store: str,
    ) -> None:
        """`parse` makes the exchange of a record, `counting` the counter of a partition; `store` says which answers
        go out with the comparisons.
        """
        self._place = place
        self.name = name
        self._builder = builder
        self._parse = parse
        self._counting = counting
        self._store = store
        self._committed: dict[int, tuple[int, bool]] = {}
        self._lines: dict[int, list[bytes]] = {}
        """Lines that are in the commit that is under way."""
        self._asked_at = float("inf")
        """When the commit began that is under way."""
        self._hurried = 0.0
        self._introduced = False
        self._over = False
        self._say_verdict = False
        self.error: ShadowdiffError | None = None
        self.verdict: Verdict | None = None
        """A FAIL that some member has reached."""

    def begin(
        self,
        member: Member,
        shared: Shared,
        info: runinfo.RunInfo,
        minted: Callable[[str], bool],
        look: Callable[[], Verdict | None],
        stop: Callable[[str], None],
    ) -> None:
        """Before the member starts. `info` says how the run is judged, `minted` tells sessions with ids that only
        this process knows, `look` gives the verdict that ends the run, `stop` hears why nothing more is to be sent,
        of the gate's own stop an empty text.
        """
        self._member = member
        self.shared = shared
        self._info = info
        self._minted = minted
        self._look = look
        self._stop = stop

    # -- the reading side -------------------------------------------------------------------

    def stream(self) -> Iterator[Exchange | Later]:
        """Exchanges as records come; ends with the run."""
        while not self._over:
            record = self._next()
            if record is None:
                yield Later(IDLE_S)
                continue
            exchange = self._exchange(record)
            if exchange is not None:
                yield exchange

    def ahead(self, taken: int) -> int:
        """What was not sent stays in the topic and is nobody's yet."""
        return 0

    def notes(self) -> list[str]:
        """Who counted."""
        of = f"{len(self._member.ends)} partitions of {self._place.topic}"
        return [f"Counted by group {self.name}: {self._ended()} of {of} are read to their end."]

    def passed(self, exchange: Exchange, what: str, why: str) -> None:
        """An exchange that will not be compared."""
        found = self._find(exchange)
        if found is not None:
            found[0].passed(found[1], exchange, what, why)

    def moved(self, exchange: Exchange) -> bool:
        """Whether the exchange needs ids that only another process knew."""
        found = self._find(exchange)
        return found is not None and exchange.session in found[0].moved

    def _next(self) -> Record | None:
        records = self._member.records
        if not records or time.monotonic() - self._asked_at > HOLD_S:
            return None
        partition = self.shared.mine.get(records[0].partition)
        if partition is not None and partition.waiting >= MAX_WAITING:
            return None
        return records.popleft()

    def _exchange(self, record: Record) -> Exchange | None:
        partition = self.shared.mine.get(record.partition)
        if partition is None or partition.epoch != record.epoch:
            return None
        if record.value is None:
            partition.read_to(record.offset)
            return None
        where = f"{self._place.topic}/{record.partition}:{record.offset}"
        partition.took(record.offset)
        try:
            exchange = self._parse(where, record.value)
        except Unreadable as why:
            self._builder.unreadable(where, str(why))
            partition.unreadable(record.offset, str(why))
            return None
        return msgspec.structs.replace(exchange, seq=record.offset, source=where)

    def _find(self, exchange: Exchange) -> tuple[Partition, int] | None:
        place, _, offset = exchange.source.rpartition(":")
        partition = self.shared.mine.get(int(place.rpartition("/")[2]))
        return (partition, int(offset)) if partition is not None else None

    # -- a sink -----------------------------------------------------------------------------

    def add(self, comparison: Comparison, pair: Pair) -> None:
        """Count a settled pair with its partition; what a stop gave up stays in the topic."""
        found = self._find(pair.exchange)
        if found is None or comparison.why == INTERRUPTED:
            return
        found[0].compared(found[1], comparison, pair)
        moment = time.monotonic()
        if comparison.outcome is Outcome.MISMATCHED and moment - self._hurried > HURRY_S:
            self._hurried = moment
            self._member.hurry()
            self._decide()

    def close(self, tally: Tally, verdict: Verdict | None) -> None:
        """The member commits as it leaves."""

    def _decide(self) -> None:
        if self.verdict is None and (verdict := self._look()) is not None:
            self.verdict, self._say_verdict = verdict, True
            self._stop("")

    # -- what the member asks, on the event loop ---------------------------------------------

    def taken(self, partitions: list[Taken]) -> None:
        """Go on with these where the group had come. Raises `UsageError` for a group that counts differently."""
        for one in partitions:
            shard = self._key(one.partition)
            partition = Partition(shard, one.epoch, self._counting, self._info.resume_hash, self._store)
            if one.snapshot is not None:
                snapshot = unpack(one.snapshot, shard)
                if snapshot.settings != self._info.resume_hash:
                    raise UsageError(
                        f"--group {self.name}: it was begun with other settings; give them, or another --group"
                    )
                if snapshot.next != one.begin:
                    raise UsageError(
                        f"--group {self.name}: its offsets were moved by another hand (partition {one.partition}: "
                        f"{one.begin}, counted up to {snapshot.next}); give another --group"
                    )
                partition.restore(snapshot, one.end)
            elif one.begin:
                raise UsageError(
                    f"--group {self.name}: has offsets that are none of ours; give a --group that nothing else uses"
                )
            if one.begin >= one.end:
                partition.read_to(one.end)
            self.shared.mine[one.partition] = partition
            self.shared.others.pop(shard, None)
            self._committed[one.partition] = (partition.next, partition.ended)

    def given_up(self, partitions: list[int], lost: bool) -> Commit | None:
        """What is still to be committed of them."""
        leaving = {number: self.shared.mine.pop(number) for number in partitions if number in self.shared.mine}
        if lost or not leaving:
            return None
        for one in leaving.values():  # until its new owner says more
            self.shared.others[one.counter.shard.id] = one.snapshot(self._minted)
        return self._commit_of(leaving)

    def due(self) -> Commit | None:
        """What has been counted since the last commit."""
        self._decide()
        commit = self._commit_of(self.shared.mine)
        if commit is not None:
            self._asked_at = time.monotonic()
        return commit

    def committed(self, commit: Commit) -> None:
        """It is done."""
        self._asked_at = float("inf")
        self._lines.clear()
        for number, offset in commit.offsets.items():
            one = self.shared.mine.get(number)
            ended = one is not None and one.ended and one.next == offset
            self._committed[number] = (offset, ended)

    def refused(self, commit: Commit) -> None:
        """It is not done: lines of what is still ours go out with the next one."""
        self._asked_at = float("inf")
        for number, lines in self._lines.items():
            one = self.shared.mine.get(number)
            if one is not None:
                one.lines[:0] = lines
        self._lines.clear()
        self._introduced = False
        self._say_verdict = self.verdict is not None

    def heard(self, messages: list[tuple[str, str, bytes]]) -> None:
        """Counts and verdicts of all members."""
        own = {one.counter.shard.id for one in self.shared.mine.values()}
        for topic, key, value in messages:
            if topic == self._place.beside(VERDICTS) and key == self.name:
                if self.verdict is None:
                    self.verdict = decoded(value, Verdict, topic)
                    self._stop("")
            elif key.startswith(f"{self.name}/{self._place.topic}/") and key not in own:
                self.shared.heard(unpack(value, key))
        self._decide()

    def complete(self) -> bool:
        """Whether the group has counted every partition to its end, and said so."""
        return self._ended() == len(self._member.ends)

    def _ended(self) -> int:
        """Partitions that are committed up to where they ended when this process began."""
        ends = {self._key(number): end for number, end in self._member.ends.items() if number not in self.shared.mine}
        own = [self._committed[number] for number in self.shared.mine]
        return self.shared.ended(ends) + sum(ended for _, ended in own)

    def ended(self, error: ShadowdiffError | None) -> None:
        """Every partition is committed to its end, or the membership is over."""
        self.error = self.error or error
        self._over = True
        if error is not None:
            self._stop(str(error))

    def _key(self, number: int) -> str:
        return f"{self.name}/{self._place.topic}/{number}"

    def _commit_of(self, partitions: dict[int, Partition]) -> Commit | None:
        tallies, comparisons = self._place.beside(TALLIES), self._place.beside(COMPARISONS)
        commit = Commit({}, [])
        for number, one in partitions.items():
            one.finish()
            if (one.next, one.ended) == self._committed.get(number) and not one.lines:
                continue
            commit.offsets[number] = one.next
            commit.records.append((tallies, self._key(number), pack(one.snapshot(self._minted))))
            commit.records += [(comparisons, self._key(number), line) for line in one.lines]
            self._lines[number], one.lines = one.lines, []
        if self._say_verdict and self.verdict is not None:
            commit.records.append((self._place.beside(VERDICTS), self.name, msgspec.json.encode(self.verdict)))
            self._say_verdict = False
        if not commit.records:
            return None
        if not self._introduced:
            self._introduced = True
            commit.records.append((tallies, f"{self.name}/run", msgspec.json.encode(self._info)))
        return commit


class Staying:
    """Holds back, beside what `holder` does, the turns that another process would have to send."""

    def __init__(self, holder: Any, group: Group) -> None:
        self._holder = holder
        self._group = group

    def verdict(self, exchange: Exchange) -> tuple[str, str] | None:
        """(name in the ledger, why) of what is not sent."""
        held: tuple[str, str] | None = self._holder.verdict(exchange)
        return held or (("skipped", MOVED) if self._group.moved(exchange) else None)
