"""What a target can do wrong on the wire: one entry a fault, each a server on loopback.

Every request of a run meets it; an answer that is whole is the one a healthy target gives.
"""

from __future__ import annotations

import contextlib
import gzip
import itertools
import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from shadowdiff.testing import RESET, CannedServer, Piece, answer, chunked
from tests.servers.certificates import issued
from tests.servers.nginx import free_port

Script = Callable[[bytes, bytes], "Iterator[Piece] | list[Piece]"]
LATE = 30.0
"""Longer than any deadline of the runs."""


def healthy(head: bytes, body: bytes = b"") -> bytes:
    """What a sound target says; a question for a chat gets a stream."""
    path = head.split(b" ", 2)[1].decode()
    if path.startswith("/chat"):
        return chunked(events(path), "Content-Type: text/event-stream")
    text = json.dumps({"path": path, "say": "the kettle holds two litres " * 8}).encode()
    return answer(text, "200 OK", "Content-Type: application/json")


def events(path: str) -> list[bytes]:
    """A chat answer in the form most services speak."""
    words = f"The answer to {path} is that the kettle holds two litres".split()
    said = [{"choices": [{"index": 0, "delta": {"content": f"{word} "}}]} for word in words]
    said.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return [b"data: " + json.dumps(one).encode() + b"\n\n" for one in said] + [b"data: [DONE]\n\n"]


def _streaming(pieces: list[bytes], done: bool = True) -> bytes:
    whole = chunked(pieces, "Content-Type: text/event-stream")
    return whole if done else whole.removesuffix(b"0\r\n\r\n")


class Fault(msgspec.Struct, frozen=True):
    """One way to fail. `outcome` is what a pair comes to when green does it; then the exit codes of a replay in which
    green, blue or the twin does it, and of a proxy.
    """

    name: str
    script: Script | None = None
    outcome: str = "mismatched"
    replay: tuple[int, int, int] = (1, 4, 3)
    proxy: tuple[int, int, int] = (1, 4, 3)
    place: str = "canned"
    chat: bool = False


SOUND = ("matched", (0, 0, 0), (0, 0, 0))
ABSENT = (1, 4, 4)
UNLIKE = (1, 1, 3)
"""Blue's own answer is whole, and differs."""
BLIND = (1, 3, 3)
"""Blue's answer is unreadable to clients, and nothing is said against green for it."""
BUSY = (1, 3, 3)
LEFT = (1, 3, 3)
"""Behind a proxy clients give up on such a blue before its answer ends."""


def _then(*pieces: Piece) -> Script:
    return lambda head, body: list(pieces)


def _cut(at: float, *after: Piece) -> Script:
    """A whole answer up to a share of its bytes."""

    def script(head: bytes, body: bytes) -> list[Piece]:
        whole = healthy(head)
        return [whole[: int(len(whole) * at)], *after]

    return script


def _bytewise(head: bytes, body: bytes) -> Iterator[Piece]:
    for byte in healthy(head):
        yield bytes([byte])
        yield 1.0


def _endless(start: bytes, piece: bytes, pause: float = 0.0) -> Script:
    def script(head: bytes, body: bytes) -> Iterator[Piece]:
        yield start
        while True:
            yield piece
            if pause:
                yield pause

    return script


def _length(change: int) -> Script:
    def script(head: bytes, body: bytes) -> list[Piece]:
        start, _, rest = healthy(head).partition(b"\r\n\r\n")
        said = f"Content-Length: {len(rest)}".encode()
        return [start.replace(said, f"Content-Length: {len(rest) + change}".encode()) + b"\r\n\r\n" + rest, None]

    return script


def _dressed(change: Callable[[bytes], bytes], *headers: str) -> Script:
    """The healthy body through `change`, with more headers."""

    def script(head: bytes, body: bytes) -> list[Piece]:
        whole = healthy(head).partition(b"\r\n\r\n")[2]
        return [answer(change(whole), "200 OK", "Content-Type: application/json", *headers)]

    return script


def _events(change: Callable[[list[bytes]], list[bytes]], done: bool = True, *after: Piece) -> Script:
    def script(head: bytes, body: bytes) -> list[Piece]:
        return [_streaming(change(events(head.split(b" ", 2)[1].decode())), done), *after]

    return script


def _bursts() -> Script:
    """Five answers in ten are a 503, in a row."""
    count = itertools.count()

    def script(head: bytes, body: bytes) -> list[Piece]:
        return [answer(b"busy", "503 Service Unavailable")] if next(count) % 10 < 5 else [healthy(head)]

    return script


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ERROR = b'data: {"error": {"message": "the model fell over", "type": "server_error"}}\n\n'
BOMB = gzip.compress(bytes(200 << 20), 9)

FAULTS = (
    Fault("refuses the connection", place="nowhere", replay=ABSENT, proxy=ABSENT),
    Fault("has no name in DNS", place="nameless", replay=ABSENT, proxy=ABSENT),
    Fault("resets before any byte", _then(RESET)),
    Fault("closes before any byte", _then(None)),
    Fault("resets inside the headers", _then(HEAD[:30], 0.05, RESET)),
    Fault("closes inside the headers", _then(HEAD[:30], None)),
    Fault("resets inside the body", _cut(0.7, 0.05, RESET)),
    Fault("closes inside the body", _cut(0.7, None)),
    Fault("resets after a whole answer", lambda h, b: [healthy(h), 0.05, RESET], *SOUND),
    Fault("closes after a whole answer", lambda h, b: [healthy(h), None], *SOUND),
    Fault("hangs before the headers", _then(LATE), proxy=LEFT),
    Fault("hangs inside the headers", _then(HEAD[:30], LATE), proxy=LEFT),
    Fault("hangs after the headers", _then(HEAD + b"Content-Length: 9\r\n\r\n", LATE), proxy=LEFT),
    Fault("hangs inside the body", _cut(0.7, LATE), proxy=LEFT),
    Fault("sends one byte a second", _bytewise, proxy=LEFT),
    Fault("sends a body without end", _endless(HEAD + b"\r\n", b"y" * 60_000), proxy=LEFT),
    Fault("sends headers without end", _endless(HEAD, b"X-More: and more\r\n" * 200)),
    Fault("sends a header of 100 MB", lambda h, b: itertools.chain([HEAD + b"X-Big: "], itertools.repeat(b"z" * 100_000, 1000), [b"\r\n\r\n{}"])),
    Fault("says a length too long, and closes", _length(50)),
    Fault("says a length too short", _length(-50), replay=UNLIKE, proxy=UNLIKE),
    Fault("says a chunk size that is none", _then(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n0\r\n\r\n")),
    Fault("says a chunk size beyond all bounds", _then(HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nhi\r\n")),
    Fault("says both a length and chunks", _then(HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")),
    Fault("sends 200 early hints first", lambda h, b: [b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" * 200 + healthy(h)], *SOUND),
    Fault("sends early hints without end", _endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" * 100, 0.001)),
    Fault("answers twice", lambda h, b: [healthy(h) + answer(b"another")], *SOUND),
    Fault("says something that is no HTTP", _then(b"\x16\x03\x01 220 mail ready\r\n" * 5, None)),
    Fault("sends a gzip bomb of 200 MB", _then(answer(BOMB, "200 OK", "Content-Type: application/json", "Content-Encoding: gzip")), replay=UNLIKE, proxy=UNLIKE),
    Fault("says gzip and sends none", _dressed(lambda body: body, "Content-Encoding: gzip"), replay=BLIND, proxy=BLIND),
    Fault("sends UTF-8 that is none", _dressed(lambda body: body.replace(b"kettle", b"k\xff\xfettle")), replay=UNLIKE, proxy=UNLIKE),
    Fault("sends an error inside a stream", _events(lambda said: [*said[:4], ERROR, said[-1]]), chat=True, replay=UNLIKE, proxy=UNLIKE),
    Fault("ends a stream without its end mark", _events(lambda said: said[:-2]), chat=True, replay=UNLIKE, proxy=UNLIKE),
    Fault("closes inside a stream", _events(lambda said: said[:5], False, None), chat=True),
    Fault("falls silent inside a stream", _events(lambda said: said[:5], False, LATE), chat=True, proxy=LEFT),
    Fault("shows an expired certificate", place="expired", outcome="", replay=(2, 2, 2), proxy=(2, 4, 2)),
    Fault("shows a certificate nobody signed", place="unsigned", outcome="", replay=(2, 2, 2), proxy=(2, 4, 2)),
    Fault("shows a certificate for another name", place="misnamed", outcome="", replay=(2, 2, 2), proxy=(2, 4, 2)),
    Fault("speaks plain HTTP where TLS is asked", place="plain", replay=ABSENT, proxy=ABSENT),
    Fault("answers 429 with Retry-After", _then(answer(b"slow down", "429 Too Many Requests", "Retry-After: 1")), replay=BUSY, proxy=BUSY),
    Fault("answers 503 in bursts", _bursts(), replay=BUSY, proxy=BUSY),
)  # fmt: skip


@contextlib.contextmanager
def played(fault: Fault, folder: Path) -> Iterator[str]:
    """The URL of a target that does it."""
    if fault.place == "nowhere":
        yield f"http://127.0.0.1:{free_port()}"
    elif fault.place == "nameless":
        yield "http://no-such-name.invalid:80"
    elif fault.place == "plain":
        with CannedServer(lambda head, body: [healthy(head)]) as server:
            yield f"https://127.0.0.1:{server.port}"
    elif fault.place in ("expired", "unsigned", "misnamed"):
        with CannedServer(lambda head, body: [healthy(head)], ssl=certificate(folder, fault.place)) as server:
            yield f"https://localhost:{server.port}"
    else:
        assert fault.script is not None
        with CannedServer(fault.script) as server:
            yield server.url


def authority(folder: Path) -> Path:
    """The certificate of an authority that clients are told to trust; its key lies beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "ca.pem"
    if not path.exists():
        issued(folder, "ca", "Test authority")
    return path


def certificate(folder: Path, kind: str) -> ssl.SSLContext:
    """A server's context whose certificate is wrong in one way."""
    authority(folder)
    name = "other.example" if kind == "misnamed" else "localhost"
    signer = "" if kind == "unsigned" else "ca"
    return issued(folder, kind, name, signer, days=-1 if kind == "expired" else 30)
