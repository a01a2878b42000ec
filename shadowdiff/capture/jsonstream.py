"""Cut a large JSON document into the raw bytes of its elements, holding one element at a time.

In:  a binary reader and the keys that lead to an array. Out: each element's bytes, unparsed, so that an
element that is no valid JSON loses only itself. Why not ijson: docs/decisions/0004.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from shadowdiff.capture.build import Builder
from shadowdiff.capture.files import BROKEN_PACK, open_capture
from shadowdiff.errors import SourceError

CHUNK = 1 << 20
MAX_ELEMENT = 256 << 20
"""An element beyond this ends the reading: nothing that large can be one exchange."""

_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_NEXT = re.compile(_STRING + rb"|[{}\[\]\"]", re.DOTALL)
_SCALAR = re.compile(rb"[^\s,\[\]{}\"]+")
_SPACE = re.compile(rb"[\s,]*")


class Cut(Exception):
    """The document ends, or goes astray, inside an element; what came before it was whole."""


def elements(reader: BinaryIO, *keys: str) -> Iterator[bytes]:
    """The raw elements of the array at `keys`, or of the top-level array, or each top-level value after another.

    Raises `Cut` when the document breaks off, and `KeyError` when there is no such array.
    """
    text = _Text(reader)
    for key in keys:
        text.into(key)
    if text.peek() == b"[":
        text.skip(1)
        yield from _items(text, b"]")
    elif keys:
        raise KeyError("/".join(keys))
    else:
        yield from _items(text, b"")


def each_element(path: Path, builder: Builder, what: str, *keys: str) -> Iterator[bytes]:
    """`elements` of a capture; a cut document counts as one unreadable record behind what was whole.

    Raises `SourceError` when there is no list at `keys`: the file is no `what`.
    """
    with open_capture(path) as reader:
        number = -1
        try:
            for number, raw in enumerate(elements(reader, *keys)):  # noqa: B007 - told where it breaks off
                yield raw
        except KeyError:
            raise SourceError(f"{path}: no {what} document: it has no list at {'.'.join(keys)}") from None
        except (Cut, *BROKEN_PACK) as error:
            builder.unreadable(f"{path}:[{number + 1}]", f"the {what} document breaks off ({error})")


def _items(text: _Text, end: bytes) -> Iterator[bytes]:
    while True:
        found = text.peek()
        if found == end:
            return
        if not found:
            raise Cut("the document ends inside its list")
        yield text.value()


class _Text:
    """A window over the document that moves forward only."""

    def __init__(self, reader: BinaryIO) -> None:
        self._reader = reader
        self._buffer = b""
        self._at = 0
        self._want = CHUNK

    def peek(self) -> bytes:
        """The next byte that is neither blank nor comma; empty at the end."""
        while True:
            match = _SPACE.match(self._buffer, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at : self._at + 1]
            if not self._more():
                return b""

    def skip(self, count: int) -> None:
        """Move on."""
        self._at += count

    def into(self, key: str) -> None:
        """Stand before the value of `key` in the object that begins here. Raises `KeyError`."""
        if self.peek() != b"{":
            raise KeyError(key)
        self.skip(1)
        while (found := self.peek()) != b"}":
            if found != b'"':
                raise KeyError(key)
            name = self.value()
            if self.peek() != b":":
                raise KeyError(key)
            self.skip(1)
            if name[1:-1] == key.encode():
                self.peek()
                return
            self.value()
        raise KeyError(key)

    def value(self) -> bytes:
        """The raw value that begins here."""
        start = self.peek()
        if start in (b"{", b"["):
            return self._nested()
        while True:
            pattern = _NEXT if start == b'"' else _SCALAR
            match = pattern.match(self._buffer, self._at)
            if match is None:
                raise Cut(f"{start!r} where a value should stand")
            whole = start != b'"' or len(match[0]) > 1
            if whole and (match.end() < len(self._buffer) or not self._more()):
                self._at += len(match[0])
                return match[0]
            if not whole and not self._more():
                raise Cut("the document ends inside a string")

    def _nested(self) -> bytes:
        depth, at = 0, self._at
        while True:
            for match in _NEXT.finditer(self._buffer, at):
                first = match[0][:1]
                if first == b'"' and len(match[0]) == 1:
                    at = match.start()  # a string that is not whole yet
                    break
                at = match.end()
                if first in (b"{", b"["):
                    depth += 1
                elif first in (b"}", b"]"):
                    depth -= 1
                    if not depth:
                        raw = self._buffer[self._at : at]
                        self._at = at
                        return raw
            shift = self._at
            if not self._more():
                raise Cut("the document ends inside an element")
            at -= shift

    def _more(self) -> bool:
        """Read on, dropping what lies behind; larger pieces while one element goes on, so that work stays linear."""
        left = len(self._buffer) - self._at
        if left > MAX_ELEMENT:
            raise Cut(f"an element is larger than {MAX_ELEMENT >> 20} MiB")
        self._want = max(CHUNK, left)
        piece = self._reader.read(self._want)
        self._buffer = self._buffer[self._at :] + piece
        self._at = 0
        return bool(piece)
