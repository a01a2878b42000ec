"""Which exchanges have been sent: one bit each in a mapped file, so that `kill -9` loses none of them.

The kernel keeps the pages of a mapped file when the process dies; only a crash of the machine can lose
them. Bit n stands for exchange number n in reading order.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path

from shadowdiff.errors import OutputError

STEP = 4 << 10
"""Bytes the file begins with and grows by at least: 32,768 exchanges."""


class Bits:
    """A growing set of small integers, an eighth of a byte each."""

    def __init__(self, data: bytes = b"") -> None:
        self._bytes = bytearray(data)

    def add(self, number: int) -> None:
        """Put `number` in."""
        index = number >> 3
        if index >= len(self._bytes):
            self._bytes.extend(bytes(index + STEP - len(self._bytes)))
        self._bytes[index] |= 1 << (number & 7)

    def __contains__(self, number: int) -> bool:
        index = number >> 3
        return index < len(self._bytes) and bool(self._bytes[index] >> (number & 7) & 1)

    def __len__(self) -> int:
        return int.from_bytes(self._bytes, "little").bit_count()


class Journal:
    """Owns `sent.map` in a run folder, or a worker's `sent-<n>.map`."""

    def __init__(self, folder: Path, worker: int | None = None) -> None:
        """Opens or creates the file. Raises `OutputError`."""
        self._folder = folder
        name = "sent.map" if worker is None else f"sent-{worker}.map"
        try:
            self._file = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)
            self._size = max(STEP, os.fstat(self._file).st_size)
            _reserve(self._file, self._size)
            self._map = mmap.mmap(self._file, self._size)
        except OSError as error:
            raise OutputError(f"{folder}: sent.map cannot be written ({error.strerror}); free some space") from None

    def before(self) -> Bits:
        """What earlier attempts of this run have sent."""
        return Bits(self._map[:])

    def sent(self, number: int) -> None:
        """Exchange `number` is about to be sent."""
        index = number >> 3
        if index >= self._size:
            self._grow(index)
        self._map[index] |= 1 << (number & 7)

    def close(self) -> None:
        """Unmap and close."""
        self._map.close()
        os.close(self._file)

    def _grow(self, index: int) -> None:
        size = max(2 * self._size, (index // STEP + 1) * STEP)
        try:
            _reserve(self._file, size)
            self._map.close()
            self._map = mmap.mmap(self._file, size)
        except OSError as error:
            raise OutputError(f"{self._folder}: sent.map cannot grow ({error.strerror}); free some space") from None
        self._size = size


def _reserve(file: int, size: int) -> None:
    """Make the file that large with its blocks: writing into a hole on a full disk would kill the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        os.ftruncate(file, size)
