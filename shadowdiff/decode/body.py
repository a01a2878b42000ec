"""Undo content encodings, pick a decoder by priority, and fall back to plain text or bytes.

In:  a whole Response. Out: a Document. A broken or bombed encoding is said in the document, not by an
exception: the raw bytes are compared instead.
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import brotli
import msgspec
import zstandard

from shadowdiff.contracts import Decoder
from shadowdiff.model.exchange import Document, Response

MAX_DECODED = 32 << 20
"""What an encoded answer may unpack to; beyond it, it is bytes to us. 1 MiB of it is kept by default."""
_HEAD = 512
_RECORD = b"\x1e"
_BINARY = ("image/", "audio/", "video/", "font/", "application/octet-stream", "application/pdf", "application/zip")


class Decoding:
    """Decodes responses with the registered decoders."""

    def __init__(self, decoders: Sequence[Decoder], max_decoded: int = MAX_DECODED) -> None:
        self._decoders = tuple(decoders)
        self._cap = max_decoded

    def document(self, response: Response) -> Document:
        """The document in `response`. Never raises for what a target sent."""
        if not response.body:
            return Document(kind="empty")
        body, note, unreadable, whole = unpack(response, max(self._cap, 32 * len(response.body)))
        if not whole:
            return Document(kind="binary", value=len(body), note=note)
        if body[:1] == _RECORD:
            body = body.replace(_RECORD, b"")  # a JSON text sequence (RFC 7464): without its marks, a value a line
        head = body[:_HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")
        best: Decoder | None = None
        highest = -1.0
        for decoder in self._decoders:
            fits = decoder.priority(response, head)
            if fits > highest:
                best, highest = decoder, fits
        if best is None or highest < 0:
            return Document(kind="binary", value=len(body), note=note, unreadable=unreadable)
        document = best.decode(response, body)
        if note:
            note = f"{document.note}; {note}".strip("; ")
            document = msgspec.structs.replace(document, note=note, unreadable=unreadable)
        return document


class PlainText:
    """Anything that is text, and the last resort for bytes."""

    def priority(self, response: Response, head: bytes) -> float:
        """Lowest of all, for any answer."""
        return 0.0

    def decode(self, response: Response, body: bytes) -> Document:
        """Text by the declared charset, else UTF-8; bytes that are no text become a binary document."""
        kind = (response.header("content-type") or "").lower()
        if kind.startswith(_BINARY) or b"\0" in body[:1024]:
            return Document(kind="binary", value=len(body))
        return Document(kind="text", text=to_text(body, kind))


def to_text(body: bytes, content_type: str = "") -> str:
    """The text as a client sees it: by the declared charset; without one UTF-8, else GB18030 where that fits.

    What does not fit becomes U+FFFD, which is a defect the judge reports: a wrong label is what users see.
    """
    charset = ""
    if "charset=" in content_type:
        named = content_type.split("charset=", 1)[1].split(";")[0].strip("\"' ")
        try:
            charset = codecs.lookup(named).name
        except LookupError:
            charset = ""
    if not charset:
        try:
            return body.decode("utf-8").removeprefix("\ufeff")
        except UnicodeDecodeError:
            charset = "gb18030" if _is_gb18030(body) else "utf-8"
    return body.decode("gb18030" if charset in ("gbk", "gb2312") else charset, "replace").removeprefix("\ufeff")


def _is_gb18030(body: bytes) -> bool:
    """Whether bytes that are no UTF-8 read as Chinese: they decode, and nearly all of it is common characters."""
    try:
        text = body[: 1 << 16].decode("gb18030", "ignore" if len(body) > 1 << 16 else "strict")
    except UnicodeDecodeError:
        return False
    odd = [char for char in text if ord(char) > 127]
    known = sum(
        "\u4e00" <= char <= "\u9fa5" or "\u3000" <= char <= "\u303f" or "\uff00" <= char <= "\uffef" for char in odd
    )
    return len(odd) >= 2 and known >= 0.9 * len(odd)


class Unpacked(NamedTuple):
    """A body after every Content-Encoding was undone, at most as long as was asked (`whole` says whether it fits)."""

    body: bytes
    note: str = ""
    unreadable: str = ""
    """The encoding that is none."""
    whole: bool = True


def unpack(response: Response, cap: int) -> Unpacked:
    """Encodings are undone last to first. The kept part of a longer answer may break anywhere: its sender's fault is
    not told from it.
    """
    body, note = response.body, ""
    encodings = response.header("content-encoding")
    if not encodings:
        return Unpacked(body)
    for name in reversed([part.strip().lower() for part in encodings.split(",")]):
        if name in ("", "identity"):
            continue
        try:
            body, ended = _UNPACK[name](body, cap)
        except KeyError:
            return Unpacked(body, f"content-encoding {name[:20]} is unknown; raw bytes compared", name[:20])
        except (zlib.error, brotli.error, zstandard.ZstdError, EOFError) as error:
            return Unpacked(
                body, f"broken {name} ({str(error)[:60]}); raw bytes compared", "" if response.truncated else name
            )
        if not ended and len(body) >= cap:
            return Unpacked(body, f"{name} unpacks to over {cap >> 20} MiB; raw bytes compared", whole=False)
        if not ended:
            note = f"{name} ends early"
    return Unpacked(body, note)


def _gzip(body: bytes, cap: int) -> tuple[bytes, bool]:
    out, data = b"", body
    while data:
        stream = zlib.decompressobj(wbits=31)
        out += stream.decompress(data, cap - len(out))
        if not stream.eof:
            return out, False
        data = stream.unused_data.lstrip(b"\0")
    return out, True


def _deflate(body: bytes, cap: int) -> tuple[bytes, bool]:
    """zlib-wrapped by the standard; some servers send raw deflate."""
    try:
        stream = zlib.decompressobj()
        return stream.decompress(body, cap), stream.eof
    except zlib.error:
        stream = zlib.decompressobj(wbits=-15)
        return stream.decompress(body, cap), stream.eof


def _brotli(body: bytes, cap: int) -> tuple[bytes, bool]:
    stream = brotli.Decompressor()
    out = bytearray(stream.process(body, output_buffer_limit=cap))
    while not stream.is_finished() and not stream.can_accept_more_data() and len(out) < cap:
        out += stream.process(b"", output_buffer_limit=cap - len(out))
    return bytes(out[:cap]), stream.is_finished() and len(out) <= cap


def _zstd(body: bytes, cap: int) -> tuple[bytes, bool]:
    out = (
        zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(body, read_across_frames=True).read(cap + 1)
    )
    if len(out) > cap:
        return out[:cap], False
    frame = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
    frame.decompress(body)  # the reader does not tell a cut frame from a whole one; its output is known to be small
    return out, frame.eof


_UNPACK = {
    "gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate, "br": _brotli, "zstd": _zstd,
}  # fmt: skip
