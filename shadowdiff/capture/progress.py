"""Where followed files stand: the place of each line, and up to where every line of a file is settled.

Lines settle in any order; a mark may only pass those before which all are done, so that a restart from it loses none.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import msgspec


class Line(NamedTuple):
    """One line, and its place: `file` is a key of `Follower.files`, `end` the offset behind it."""

    where: str
    data: bytes
    file: int
    end: int


class Mark(msgspec.Struct):
    """Where one file was left: identity, a hash of its first `head_size` bytes, and the offset of the next line."""

    path: str
    dev: int
    ino: int
    head: str
    head_size: int
    offset: int


class Progress:
    """Which lines of each file are settled. They settle in any order; a mark may only pass what all are done with."""

    def __init__(self) -> None:
        self._open: dict[int, deque[list[object]]] = {}
        self._entries: dict[tuple[int, int], list[object]] = {}
        self.upto: dict[int, int] = {}
        """By file, the offset behind the last line before which all are settled."""
        self.passed: dict[str, int] = {}
        """Lines behind the marks, by what became of them."""

    def began(self, line: Line) -> None:
        """A line was taken."""
        entry: list[object] = [line.end, None]
        self._entries[line.file, line.end] = entry
        self._open.setdefault(line.file, deque()).append(entry)

    def settled(self, file: int, end: int, what: str) -> None:
        """A line is done: compared (`sent`), or held back, by its name in the ledger."""
        entry = self._entries.pop((file, end), None)
        if entry is None:
            return
        entry[1] = what
        waiting = self._open[file]
        while waiting and waiting[0][1] is not None:
            offset, kind = waiting.popleft()
            self.upto[file] = int(str(offset))
            self.passed[str(kind)] = self.passed.get(str(kind), 0) + 1

    @property
    def waiting(self) -> int:
        """Lines taken and not settled."""
        return len(self._entries)
