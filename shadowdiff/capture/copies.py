"""Copies of live exchanges on their way from the process in the traffic's path to the one that judges.

A message is its length (4 bytes, big endian) and msgpack: `Copy` for an exchange, `Pulse` for counts. Counts are
totals since the sender began, so that a lost pulse loses nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec

from shadowdiff.model.exchange import BodyState, Headers

_LENGTH = struct.Struct(">I")
MAX_MESSAGE = 64 << 20


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """What blue answered. `size` counts all bytes of the body, `digest` is given where not all are kept.

    Times are seconds since the request was complete; `ended` is how it ended: "" whole, else what went wrong.
    """

    status: int
    headers: Headers
    body: bytes
    size: int
    digest: str
    events: tuple[tuple[int, float], ...]
    first_byte_s: float
    total_s: float
    ended: str = ""


class Copy(msgspec.Struct, array_like=True, frozen=True, tag=True):
    """One exchange. `number` counts from 1 in the life of the sender, `at` is epoch seconds of its first byte."""

    number: int
    at: float
    method: str
    target: str
    headers: Headers
    body: bytes
    state: BodyState
    peer: str
    answer: Answer | None = None
    client_left: bool = False


class Pulse(msgspec.Struct, array_like=True, frozen=True, tag=True):
    """Totals of a sender: its name, copies made, and what could not be copied."""

    sender: str
    made: int = 0
    dropped: int = 0
    blind: int = 0
    """Connections that could not be read as HTTP/1.1; they were relayed all the same."""
    upgraded: int = 0


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Copy | Pulse)


def pack(message: Copy | Pulse) -> bytes:
    """The bytes of one message."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


class Unpacker:
    """Messages from bytes as they come."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[Copy | Pulse]:
        """The messages that `data` completes. Raises `ValueError` for bytes that no sender of ours wrote."""
        self._data += data
        start = 0
        while len(self._data) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._data, start)
            if length > MAX_MESSAGE:
                raise ValueError(f"a message of {length} bytes")
            end = start + _LENGTH.size + length
            if len(self._data) < end:
                break
            try:
                yield _decoder.decode(memoryview(self._data)[start + _LENGTH.size : end])
            except msgspec.DecodeError as error:
                raise ValueError(str(error)) from None
            start = end
        del self._data[:start]
