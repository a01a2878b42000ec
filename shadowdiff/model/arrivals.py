"""When the chunks of a stream came: 16 bytes each, where a tuple of tuples takes 130.

Thousands of streams are open at a time, and each event of each is remembered until its pair is judged.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Any, overload

Arrival = tuple[int, float]


class Arrivals(Sequence[Arrival]):
    """(offset in body, seconds since sent) of each chunk, in order. Grows by `add` alone."""

    __slots__ = ("_offsets", "_seconds")

    def __init__(self, given: Sequence[Arrival] = ()) -> None:
        self._offsets = array("Q", [offset for offset, _ in given])
        self._seconds = array("d", [seconds for _, seconds in given])

    def add(self, offset: int, seconds: float) -> None:
        """One more chunk."""
        self._offsets.append(offset)
        self._seconds.append(seconds)

    def __len__(self) -> int:
        return len(self._offsets)

    def __iter__(self) -> Iterator[Arrival]:
        return zip(self._offsets, self._seconds, strict=True)

    @overload
    def __getitem__(self, at: int) -> Arrival: ...
    @overload
    def __getitem__(self, at: slice) -> list[Arrival]: ...
    def __getitem__(self, at: int | slice) -> Arrival | list[Arrival]:
        if isinstance(at, slice):
            return list(zip(self._offsets[at], self._seconds[at], strict=True))
        return self._offsets[at], self._seconds[at]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return Arrivals, (tuple(self),)

    def __repr__(self) -> str:
        return f"Arrivals({list(self)!r})"
