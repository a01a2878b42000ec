"""Which exchanges of a log a worker sends: whole sessions, by hash.

Every worker reads the whole log, places every exchange in its session and gives it its place in the schedule, so that
routes, units, limits and due times are those of one process; it sends only its own.
"""

from __future__ import annotations

import zlib

import msgspec

from shadowdiff.model.exchange import Exchange


class Share(msgspec.Struct, frozen=True):
    """Worker `number` (from 0) out of `of`."""

    number: int = 0
    of: int = 1

    def holds(self, exchange: Exchange) -> bool:
        """Whether a placed exchange is this worker's; turns of one session always are together."""
        return zlib.crc32((exchange.session or exchange.id).encode("utf-8", "replace")) % self.of == self.number

    def part(self, amount: int) -> int:
        """This worker's part of `amount`; the parts of all workers add up to it."""
        return amount // self.of + (self.number < amount % self.of)


WHOLE = Share()
