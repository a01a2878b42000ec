"""Open a capture whatever it is packed in, and walk its lines by number.

Input: a path, plain, gzip or zstd (told by magic bytes, not by name), with or without a UTF-8 BOM.
Output: a binary reader, or (line number, line) pairs. A gzip stream that was cut by a killed writer
gives what decompresses, then `Cut` is noted rather than raised.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import zstandard

from shadowdiff.errors import SourceError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer as Buffer

MAX_LINE = 64 << 20
BROKEN_PACK = (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError)
"""What reading a cut or damaged pack raises."""
_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"


def open_capture(path: Path) -> BinaryIO:
    """A reader over the unpacked bytes of `path`, past any BOM.

    Raises `SourceError` when the file is missing, a folder, or not readable by us.
    """
    try:
        raw = path.open("rb")
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file; give the path of a captured log") from None
    except IsADirectoryError:
        raise SourceError(f"{path}: is a folder; name the log files in it") from None
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None
    head = raw.peek(4)[:4]
    reader: BinaryIO = raw
    if head.startswith(_GZIP):
        raw.close()  # a GzipFile around a file object would leave it open
        reader = cast(BinaryIO, gzip.open(path, "rb"))  # noqa: SIM115 - the caller closes it
    elif head.startswith(_ZSTD):
        reader = cast(BinaryIO, io.BufferedReader(_Zstd(raw), 1 << 16))
    return _past_bom(reader)


def lines(path: Path, on_cut: Callable[[str], None] | None = None) -> Iterator[tuple[int, bytes]]:
    """(line number from 1, line without its line end) for every line that is not blank.

    `on_cut` is told when a packed stream ends early; the lines before it are kept. A line over
    64 MiB is given up to that length and its rest is passed over.
    """
    with open_capture(path) as reader:
        number = 0
        while True:
            try:
                line = reader.readline(MAX_LINE)
                if len(line) == MAX_LINE and not line.endswith(b"\n"):
                    while (more := reader.readline(MAX_LINE)) and not more.endswith(b"\n"):
                        pass
            except BROKEN_PACK as error:
                if on_cut:
                    on_cut(f"{path}: packed data ends early after line {number} ({error})")
                return
            if not line:
                return
            number += 1
            line = line.rstrip(b"\r\n")
            if line and not line.isspace():
                yield number, line


def head(path: Path, size: int = 1 << 16) -> bytes:
    """The first bytes of the unpacked file, for sniffing; a broken pack gives what there is."""
    with open_capture(path) as reader:
        try:
            return reader.read(size)
        except BROKEN_PACK:
            return b""


def beside(folder: Path, name: str) -> bytes | None:
    """The content of a file that a capture names, only from inside the capture's folder; None where there is none."""
    try:
        base = folder.resolve()
        path = (base / name).resolve()
        return path.read_bytes() if path.is_relative_to(base) and path.is_file() else None
    except (OSError, ValueError):  # a name no file can have
        return None


def _past_bom(reader: BinaryIO) -> BinaryIO:
    buffered = reader if hasattr(reader, "peek") else io.BufferedReader(cast(io.RawIOBase, reader))
    try:
        if buffered.peek(3)[:3] == _BOM:
            buffered.read(3)
    except BROKEN_PACK:
        pass  # the reading loop meets the same error and reports it
    return buffered


class _Zstd(io.RawIOBase):
    """Unpacks zstd frames and raises EOFError for a cut one, which zstandard's own reader passes over in silence."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._open = False
        self._out = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        while not self._out:
            packed = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
                self._open = False
            packed = packed or self._raw.read(1 << 13)
            if not packed:
                if self._open:
                    raise EOFError("cut inside a zstd frame")
                return 0
            self._open = True
            self._out = self._frame.decompress(packed)
            if self._frame.eof and not self._frame.unused_data:
                self._open = False
        view = memoryview(buffer).cast("B")
        count = min(len(view), len(self._out))
        view[:count] = self._out[:count]
        self._out = self._out[count:]
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()
