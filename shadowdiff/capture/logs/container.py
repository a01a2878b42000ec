"""Container logs: docker's json-file and the CRI format, unwrapped and read as what they wrap.

Lines over 16 KiB are written in parts: docker's end without a newline, CRI marks them P until an F.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from shadowdiff import plugins
from shadowdiff.capture.build import Builder, Unreadable
from shadowdiff.capture.files import lines
from shadowdiff.capture.lineformat import line_format
from shadowdiff.model.exchange import Exchange

CRI = re.compile(rb"^\d{4}-\d\d-\d\dT\S+ (stdout|stderr) ([FP])(?::\S+)? ?")
MAX_JOINED = 4 << 20


class _Docker(msgspec.Struct):
    log: str
    stream: str = "stdout"


_docker = msgspec.json.Decoder(_Docker).decode
_BY_LINE = frozenset({"jsonl", "jsonlog", "access", "envoy", "alb", "batch", "curl"})
Reader = Callable[[str, bytes], Exchange]


class ContainerLogSource:
    """Reads one container log; the wrapped format is told line by line."""

    def __init__(self, path: Path, builder: Builder, post: str = "") -> None:
        self._path = path
        self._builder = builder
        self._post = post
        self._readers: dict[str, Reader] = {}

    def stream(self) -> Iterator[Exchange]:
        """Every request in file order; other lines of the application are counted as unreadable."""
        name = self._path.name
        for number, line in unwrap(lines(self._path, self._builder.notice)):
            try:
                yield self._reader(line)(f"{name}:{number}", line)
            except Unreadable as why:
                self._builder.unreadable(f"{self._path}:{number}", str(why))

    def _reader(self, line: bytes) -> Reader:
        kind = line_format(line)
        if kind is None or kind not in _BY_LINE:
            raise Unreadable("a container log line that holds no request")
        if kind not in self._readers:
            source = plugins.build("sources", kind, path=self._path, builder=self._builder, post=self._post)
            self._readers[kind] = source.one
        return self._readers[kind]


def unwrap(wrapped: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """(number of the first part, whole inner line), parts joined per stream; what is not wrapped passes as it is."""
    open_parts: dict[bytes, tuple[int, list[bytes]]] = {}
    for number, line in wrapped:
        part, stream, whole = piece(line)
        begun, parts = open_parts.pop(stream, (number, []))
        parts.append(part)
        if whole or sum(map(len, parts)) > MAX_JOINED:
            inner = b"".join(parts).rstrip(b"\r\n")
            if inner.strip():
                yield begun, inner
        else:
            open_parts[stream] = (begun, parts)
    for begun, parts in open_parts.values():
        yield begun, b"".join(parts).rstrip(b"\r\n")


def is_wrapped(line: bytes) -> bool:
    """Whether a line is docker's or CRI's wrapping."""
    if CRI.match(line):
        return True
    if not line.startswith(b'{"log":'):
        return False
    try:
        _docker(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def piece(line: bytes) -> tuple[bytes, bytes, bool]:
    """(what a wrapped line holds, its stream, whether the line it is a part of ends here)."""
    match = CRI.match(line)
    if match:
        return line[match.end() :], match[1], match[2] == b"F"
    try:
        entry = _docker(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return line, b"", True
    return entry.log.encode("utf-8", "replace"), entry.stream.encode(), entry.log.endswith("\n")
