"""Raw HTTP/1.x messages as capture tools store them: any line ends, chunked framing, lengths that lie.

In:  the bytes of one message. Out: start line, headers, body, and whether the body is whole.
"""

from __future__ import annotations

import msgspec

from shadowdiff.model.exchange import BodyState, Headers


class Message(msgspec.Struct, frozen=True):
    """One parsed message; `start` is its request or status line."""

    start: str
    headers: Headers
    body: bytes
    state: BodyState

    def header(self, name: str) -> str | None:
        """The first value of `name` (lower case), or None."""
        return next((value for key, value in self.headers if key.lower() == name), None)


def parse(raw: bytes) -> Message | None:
    """The message in `raw`, or None when it has no start line. The bytes are trusted over Content-Length."""
    head, body = split(raw)
    lines = head.replace(b"\r\n", b"\n").split(b"\n")
    start = lines[0].decode("utf-8", "surrogateescape").strip()
    if not start:
        return None
    headers: list[tuple[str, str]] = []
    for line in lines[1:]:
        if line[:1] in (b" ", b"\t") and headers:  # obs-fold
            headers[-1] = (headers[-1][0], headers[-1][1] + " " + line.strip().decode("latin-1"))
            continue
        name, colon, value = line.partition(b":")
        if colon and name.strip():
            headers.append((name.strip().decode("latin-1"), value.strip().decode("latin-1")))
    message = Message(start, tuple(headers), body, BodyState.PRESENT if body else BodyState.EMPTY)
    if "chunked" in (message.header("transfer-encoding") or "").lower():
        body, whole = dechunk(body)
        state = BodyState.TRUNCATED if not whole else BodyState.PRESENT if body else BodyState.EMPTY
        return msgspec.structs.replace(message, body=body, state=state)
    length = message.header("content-length") or ""
    if length.isdecimal() and len(length) < 12 and int(length) != len(body):
        short = int(length) > len(body)
        state = BodyState.TRUNCATED if short else message.state
        return msgspec.structs.replace(message, body=body[: int(length)], state=state)
    return message


def split(raw: bytes) -> tuple[bytes, bytes]:
    """(head, body) at the first blank line, CRLF or bare LF."""
    crlf, lf = raw.find(b"\r\n\r\n"), raw.find(b"\n\n")
    if crlf >= 0 and (lf < 0 or crlf < lf):
        return raw[:crlf], raw[crlf + 4 :]
    if lf >= 0:
        return raw[:lf], raw[lf + 2 :]
    return raw, b""


def dechunk(body: bytes) -> tuple[bytes, bool]:
    """(payload, whether the last chunk was there)."""
    out: list[bytes] = []
    position = 0
    while True:
        end = body.find(b"\n", position)
        if end < 0:
            return b"".join(out), False
        size_text = body[position:end].split(b";")[0].strip()
        try:
            size = int(size_text, 16)
        except ValueError:
            return b"".join(out), False
        if size == 0:
            return b"".join(out), True
        begin = end + 1
        out.append(body[begin : begin + size])
        if len(out[-1]) < size:
            return b"".join(out), False
        position = begin + size
        if body[position : position + 2] == b"\r\n":
            position += 2
        elif body[position : position + 1] == b"\n":
            position += 1
