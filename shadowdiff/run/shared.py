"""What a group of processes has counted together: one's own partitions and what the others say of theirs.

Snapshots travel packed (MessagePack, zstd) under the key of their shard, group/topic/partition.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec
import zstandard

from shadowdiff.errors import SourceError
from shadowdiff.model.comparison import Comparison
from shadowdiff.model.tally import Shard, Tally
from shadowdiff.run.partition import VERSION, Partition, Snapshot

MAX_UNPACKED = 256 << 20
T = TypeVar("T")


class Shared:
    """Stands where a counter does: pairs are counted in their partitions, and this is the sum."""

    def __init__(self, paired: bool) -> None:
        self.mine: dict[int, Partition] = {}
        self.others: dict[str, Snapshot] = {}
        self._paired = paired
        self._complete = False

    @property
    def tally(self) -> Tally:
        """All partitions."""
        shards = {snapshot.shard.id: snapshot.shard for snapshot in self.others.values()}
        shards |= {one.counter.shard.id: one.counter.shard for one in self.mine.values()}
        return Tally(shards=shards, paired=self._paired, complete=self._complete)

    @property
    def shard(self) -> Shard:
        """The sum of all partitions."""
        return self.tally.total()

    def ended(self, ends: Mapping[str, int]) -> int:
        """How many shards others have read and counted up to their `ends`."""
        found = (self.others.get(shard) for shard in ends)
        return sum(
            one is not None and one.ended and one.next >= end for one, end in zip(found, ends.values(), strict=True)
        )

    def completed(self) -> None:
        """Nothing more will be counted."""
        self._complete = True

    def heard(self, snapshot: Snapshot) -> None:
        """What another process says of a partition; the newest is right, also where it is less."""
        self.others[snapshot.shard.id] = snapshot

    # -- a counter's other side: nothing is counted as it is sent ----------------------------

    open_units: tuple[str, ...] = ()

    def opened(self, unit: str, alone: bool, route: str) -> None:
        """Counted with its partition."""

    def withdrawn(self, unit: str, alone: bool, route: str) -> None:
        """Counted with its partition."""

    def closed(self, name: str) -> None:
        """Counted with its partition."""

    def add(self, comparison: Comparison) -> Comparison:
        """Counted with its partition."""
        return comparison


def pack(snapshot: Snapshot) -> bytes:
    """The bytes of a snapshot."""
    return zstandard.compress(msgspec.msgpack.encode(snapshot))


def unpack(data: bytes, where: str) -> Snapshot:
    """A snapshot again. Raises `SourceError` for anything else."""
    try:
        raw = zstandard.ZstdDecompressor().decompress(data, max_output_size=MAX_UNPACKED)
        found = msgspec.msgpack.decode(raw, type=Snapshot)
    except (zstandard.ZstdError, msgspec.DecodeError, msgspec.ValidationError) as error:
        raise SourceError(f"{where}: holds no counts of ours ({error})") from None
    if found.v > VERSION:
        raise SourceError(f"{where}: version {found.v} is newer than {VERSION}; upgrade shadowdiff")
    return found


def decoded(data: bytes, kind: type[T], where: str) -> T:
    """A record of JSON as what it should be. Raises `SourceError` for anything else."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise SourceError(f"{where}: holds a record that is none of ours ({error})") from None
