"""Where followed files stand: the place of each line, and up to where every line of a file is settled.

Lines settle in any order; a mark may only pass those before which all are done, so that a restart from it loses none.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import msgspec


class Line(NamedTuple):
    """One line, and its place: `file` is a key of `Follower.files`, `begin` and `end` the offsets around it."""

    where: str
    data: bytes
    file: int
    begin: int
    end: int


class Mark(msgspec.Struct):
    """Where one file was left: identity, a hash of its first `head_size` bytes, and the offset of the next line."""

    path: str
    dev: int
    ino: int
    head: str
    head_size: int
    offset: int


class _Entry(msgspec.Struct):
    begin: int
    what: str = ""


class Progress:
    """Which lines of each file are settled."""

    def __init__(self) -> None:
        self._open: dict[int, deque[_Entry]] = {}
        self._entries: dict[tuple[int, int], _Entry] = {}
        self.passed: dict[str, int] = {}
        """Lines behind the marks, by what became of them."""

    def began(self, line: Line) -> None:
        """A line was read."""
        entry = self._entries[line.file, line.begin] = _Entry(line.begin)
        self._open.setdefault(line.file, deque()).append(entry)

    def settled(self, line: Line, what: str) -> None:
        """A line is done: compared (`sent`), or held back, by its name in the ledger."""
        entry = self._entries.pop((line.file, line.begin), None)
        if entry is None:
            return
        entry.what = what
        waiting = self._open[line.file]
        while waiting and waiting[0].what:
            kind = waiting.popleft().what
            self.passed[kind] = self.passed.get(kind, 0) + 1
        if not waiting:
            del self._open[line.file]

    @property
    def standing(self) -> dict[int, int]:
        """By file, where its first line begins that is not settled; files without one are not named."""
        return {file: waiting[0].begin for file, waiting in self._open.items()}

    @property
    def waiting(self) -> int:
        """Lines read and not settled."""
        return len(self._entries)
