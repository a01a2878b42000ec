"""Follow growing logs: by inode through rename, truncation, re-creation, late creation and symlink swaps.

In:  paths and patterns (or `-` for stdin). Out: whole lines, each with the place it stands at. Nothing blocks: `poll`
gives what is there. A half line is kept until its end comes. A rotated file is read to its end before it is let go.
"""

from __future__ import annotations

import glob
import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from shadowdiff.capture.progress import Line, Mark

STDIN = "-"
CHUNK = 256 << 10
MAX_LINE = 8 << 20
"""A line beyond this is cut here, and its reader will call it unreadable."""
RESCAN_S = 1.0
OLD_S = 5.0
"""How long a rotated file is still looked at: its writer may not have reopened yet."""
HEAD = 256
LOOK = 64
MAX_FILES = 1_000
PACKED = (".gz", ".zst", ".bz2", ".xz")


class _Left(NamedTuple):
    """A file that was left and has no successor yet."""

    identity: tuple[int, int]
    wrote_ns: int
    around: frozenset[tuple[str, int, bytes]]


class _File:
    """One open file."""

    def __init__(self, key: int, path: str, descriptor: int, offset: int, live: bool = True) -> None:
        stat = os.fstat(descriptor)
        self.key = key
        self.path = path
        self.descriptor = descriptor
        self.dev, self.ino = stat.st_dev, stat.st_ino
        self.offset = offset
        """Of the next byte to read."""
        self.partial = b""
        self.live = live
        """Whether it still stands at its path; a rotated one is drained."""
        self.grown_at = time.monotonic()
        self.head = ""
        self.head_size = 0
        self.name = f"{Path(path).name}@{self.ino:x}"
        self.around: frozenset[tuple[str, int, bytes]] = frozenset()
        """The files beside it as it was opened (name, inode, start): they are no successors of it."""

    def identify(self) -> None:
        """Remember how the file begins, as far as it has."""
        if self.head_size < HEAD:
            start = os.pread(self.descriptor, HEAD, 0)
            self.head, self.head_size = _digest(start), len(start)

    def restarted(self) -> bool:
        """Whether it was truncated: shorter than what was read, or, when it has grown again, beginning otherwise."""
        if os.fstat(self.descriptor).st_size < self.offset:
            return True
        return self.head_size > 0 and _digest(os.pread(self.descriptor, self.head_size, 0)) != self.head

    def read(self, limit: int) -> Iterator[Line]:
        data = os.pread(self.descriptor, limit, self.offset)
        return self.take(data) if data else iter(())

    def take(self, data: bytes) -> Iterator[Line]:
        """The whole lines that the next bytes of the file end."""
        self.grown_at = time.monotonic()
        self.offset += len(data)
        *whole, self.partial = (self.partial + data).split(b"\n")
        end = self.offset - len(self.partial) - sum(len(line) + 1 for line in whole)
        for line in whole:
            begin, end = end, end + len(line) + 1
            yield Line(f"{self.name}:{begin}", line.rstrip(b"\r"), self.key, begin, end)
        if len(self.partial) > MAX_LINE:
            begin = self.offset - len(self.partial)
            cut, self.partial = self.partial, b""
            yield Line(f"{self.name}:{begin}", cut, self.key, begin, self.offset)

    def rest(self) -> Iterator[Line]:
        """The last line of a file that ends without a line end."""
        if self.partial:
            begin = self.offset - len(self.partial)
            yield Line(f"{self.name}:{begin}", self.partial, self.key, begin, self.offset)
            self.partial = b""


class Follower:
    """Follows every file that its patterns name."""

    def __init__(
        self,
        patterns: Sequence[str],
        *,
        marks: Sequence[Mark] = (),
        from_start: bool = False,
        lost: Callable[[str, str], None] = lambda *_: None,
    ) -> None:
        """`marks` say where an earlier follower left its files; without one a file that is there already is read from
        its end, or from its start with `from_start`. `lost` hears of half lines that a truncation took (place, why).
        """
        self._patterns = [p for p in patterns if p != STDIN]
        self._lost = lost
        self._at: dict[str, _File] = {}
        self._old: list[_File] = []
        self._left: dict[str, _Left] = {}
        self._keys = 0
        self._scanned = float("-inf")
        self._stdin = _stdin(self._next_key()) if STDIN in patterns else None
        self.ended = False
        """Whether nothing more can come: only stdin was followed, and it is closed."""
        self._known = {mark.path for mark in marks}
        self.missing = [p for p in self._patterns if not glob.has_magic(p) and not Path(p).exists()]
        self.gone = [mark.path for mark in marks if not self._resume(mark)]
        """Files of an earlier run that were not found again, under any name beside their own."""
        self._scan(from_start)

    @property
    def files(self) -> Mapping[int, _File]:
        """Open files by key."""
        known = {file.key: file for file in (*self._at.values(), *self._old)}
        return known | ({self._stdin.key: self._stdin} if self._stdin is not None else {})

    def poll(self) -> list[Line]:
        """What has come since, at most about CHUNK bytes a file."""
        now = time.monotonic()
        if now - self._scanned >= RESCAN_S:
            self._scan(True)
            self._scanned = now
        found: list[Line] = []
        for file in list(self._old):
            self._drain(file, found, now)
        for path, file in list(self._at.items()):
            self._follow(path, file, found)
        if self._stdin is not None:
            self._read_stdin(self._stdin, found)
        return found

    def backlog(self) -> int:
        """Bytes that are written and not read."""
        total = 0
        for file in (*self._at.values(), *self._old):
            total += max(0, os.fstat(file.descriptor).st_size - file.offset)
        return total

    def marks(self, standing: Mapping[int, int]) -> list[Mark]:
        """Where each file is to be read on from: at `standing` (by key), else behind what was read."""
        out = []
        for file in (*self._at.values(), *self._old):
            file.identify()
            offset = standing.get(file.key, file.offset - len(file.partial))
            out.append(Mark(file.path, file.dev, file.ino, file.head, file.head_size, offset))
        return out

    def close(self) -> None:
        """Close every file."""
        for file in (*self._at.values(), *self._old):
            os.close(file.descriptor)
        self._at.clear()
        self._old.clear()

    def _next_key(self) -> int:
        self._keys += 1
        return self._keys

    def _scan(self, from_start: bool) -> None:
        """Open what is new; notice what was replaced."""
        named = [p for pattern in self._patterns for p in (_named(pattern) or [pattern])]
        for path in dict.fromkeys([*named, *self._at]):
            stat = _stat(path)
            file = self._at.get(path)
            if file is not None and (stat is None or (stat.st_dev, stat.st_ino) != (file.dev, file.ino)):
                self._retire(path, file)
                self._succeed(path)
            elif file is None and stat is not None and path in self._left:
                self._succeed(path)
            elif file is None and stat is not None and len(self._at) < MAX_FILES:
                self._open(path, 0 if from_start or path in self._known else None)

    def _retire(self, path: str, file: _File) -> None:
        """A file that no longer stands at its path is read to its end."""
        del self._at[path]
        file.path, file.live, file.grown_at = path, False, time.monotonic()
        self._old.append(file)
        self._left[path] = _Left((file.dev, file.ino), os.fstat(file.descriptor).st_mtime_ns, file.around)

    def _succeed(self, path: str) -> None:
        """Go on at `path` with the file that stands there now; until there is one, this is asked again.

        Files that came and went there since the last one was left lie beside it and were written after it.
        """
        last = self._left[path]
        if self._open(path, 0) is None:
            return
        del self._left[path]
        read = {last.identity, *((file.dev, file.ino) for file in (*self._at.values(), *self._old))}
        found = []
        for beside in _beside(path):
            stat = _stat(beside)
            if stat is None or beside == path or beside.endswith(PACKED) or stat.st_mtime_ns < last.wrote_ns:
                continue
            if (stat.st_dev, stat.st_ino) not in read and _look(beside) not in last.around:
                found.append((stat.st_mtime_ns, beside))
        for _, beside in sorted(found):
            file = self._open(beside, 0)
            if file is not None:
                self._retire(beside, file)
                del self._left[beside]
                file.path = path

    def _open(self, path: str, offset: int | None) -> _File | None:
        """Open a file at `offset`, None for its end."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        if not Path(path).is_file():
            os.close(descriptor)
            return None
        size = os.fstat(descriptor).st_size
        file = _File(self._next_key(), path, descriptor, size if offset is None else offset)
        file.identify()
        file.around = frozenset(look for beside in _beside(path) if (look := _look(beside)) is not None)
        self._at[path] = file
        return file

    def _resume(self, mark: Mark) -> bool:
        """Find the file of a mark, at its path or beside it under a rotated name; whether it was found."""
        for path in dict.fromkeys([mark.path, *_beside(mark.path)]):
            stat = _stat(path)
            if stat is None or (stat.st_dev, stat.st_ino) != (mark.dev, mark.ino):
                continue
            file = self._open(path, mark.offset)
            if file is None:
                return False
            if _digest(os.pread(file.descriptor, mark.head_size, 0)) != mark.head or stat.st_size < mark.offset:
                file.offset = 0  # the same file, truncated and begun anew
            if path != mark.path:
                self._retire(path, file)
                self._left[mark.path] = self._left.pop(path)
                file.path = mark.path
                self._succeed(mark.path)
            return True
        return False

    def _follow(self, path: str, file: _File, found: list[Line]) -> None:
        if file.restarted():
            if file.partial:
                self._lost(f"{file.name}:{file.offset - len(file.partial)}", "half a line was truncated away")
            del self._at[path]
            fresh = _File(self._next_key(), path, file.descriptor, 0)
            fresh.name = f"{fresh.name}~{fresh.key}"
            self._at[path] = file = fresh
        file.identify()
        found.extend(file.read(CHUNK))

    def _drain(self, file: _File, found: list[Line], now: float) -> None:
        before = len(found)
        found.extend(file.read(CHUNK))
        if len(found) == before and now - file.grown_at >= OLD_S:
            found.extend(file.rest())
            os.close(file.descriptor)
            self._old.remove(file)

    def _read_stdin(self, file: _File, found: list[Line]) -> None:
        try:
            data = os.read(file.descriptor, CHUNK)
        except BlockingIOError:
            return
        if not data:
            found.extend(file.rest())
            self._stdin = None
            self.ended = not self._patterns
            return
        found.extend(file.take(data))


def _named(pattern: str) -> list[str]:
    return sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - patterns may be absolute


def _beside(path: str) -> list[str]:
    """Files whose names begin as that of `path`: rotated ones, as a rule."""
    return sorted(map(str, Path(path).parent.glob(f"{glob.escape(Path(path).name)}*")))


def _stat(path: str) -> os.stat_result | None:
    try:
        return Path(path).stat()
    except OSError:
        return None


def _stdin(key: int) -> _File:
    descriptor = sys.stdin.fileno()
    os.set_blocking(descriptor, False)
    file = _File(key, STDIN, descriptor, 0)
    file.name = "stdin"
    return file


def _look(path: str) -> tuple[str, int, bytes] | None:
    """What tells a file from another that comes to have its name and inode."""
    if not Path(path).is_file():
        return None
    try:
        with Path(path).open("rb", buffering=0) as file:
            return path, os.fstat(file.fileno()).st_ino, file.read(LOOK)
    except OSError:
        return None


def _digest(start: bytes) -> str:
    return hashlib.blake2b(start, digest_size=12).hexdigest()
