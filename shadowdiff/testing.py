"""For plugin authors and our own tests: factories, fake targets on loopback, conformance checks.

    from shadowdiff.testing import check_scorer, pair_of
    check_scorer(MyScorer())

A check raises `AssertionError` with one sentence that says which promise is broken.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import pickle
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from shadowdiff import plugins
from shadowdiff.contracts import Action, Baseline, Decoder, Gate, Scorer, Sink, Source
from shadowdiff.decode.body import Decoding
from shadowdiff.model.comparison import Comparison, Outcome, Score
from shadowdiff.model.exchange import Document, Exchange, Failure, Observation, Pair, Request, Response, Role
from shadowdiff.model.tally import Shard, Tally
from shadowdiff.model.verdict import Status, Verdict

ODD_BODIES: tuple[bytes, ...] = (
    b"", b" ", b"\0", b"\xff\xfe\xfd", b"{", b"[", b"null", b"{}", b'{"a":1}', b'{"a":NaN}', b'{"a":1e999}',
    b'{"a":"\\ud800"}', b"[" * 5000, b"data: {}\n\n", b"data:\r\n\r", b":\n\n", b"data: [DONE]\n\n",
    b'data: {"choices":[{"delta":{"content":1}}]}\n\n', b'data: {"choices":null}\n\n', b"<html", b"<!doctype html><p>",
    "你好，世界".encode(), "你好".encode("gbk"), b"\xe4\xbd", b"a" * 100_000, b'{"choices":[1,{"message":[]}]}',
    b'{"object":"chat.completion","choices":[{"message":{"tool_calls":[{"index":"x"}]}}]}',
)  # fmt: skip


def request_of(method: str = "GET", target: str = "/", body: bytes = b"", **headers: str) -> Request:
    """A request; header names take `_` for `-`."""
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Request(method=method, target=target, headers=pairs, body=body)


def exchange_of(request: Request | None = None, **fields: Any) -> Exchange:
    """An exchange around `request`, on route `GET /` unless told."""
    request = request or request_of()
    defaults: dict[str, Any] = {"id": "x1", "seq": 1, "route": f"{request.method} {request.path}", "unit": "x1"}
    return Exchange(request=request, **(defaults | fields))


def response_of(body: bytes | str = b"", status: int = 200, content_type: str = "", **headers: str) -> Response:
    """A whole answer."""
    raw = body.encode() if isinstance(body, str) else body
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    if content_type:
        pairs = (("Content-Type", content_type), *pairs)
    return Response(status=status, headers=pairs, body=raw, size=len(raw))


def observed(role: Role, answer: Response | Failure) -> Observation:
    """What a target did: an answer or a failure, 10 ms."""
    if isinstance(answer, Failure):
        return Observation(role=role, failure=answer, detail="by the test", total_s=0.01)
    return Observation(role=role, response=answer, first_byte_s=0.005, total_s=0.01)


def decoding() -> Decoding:
    """All built-in decoders."""
    ours = [name for name, plugin in plugins.registered("decoders").items() if plugin.ours]
    return Decoding([plugins.build("decoders", name) for name in ours])


def pair_of(
    blue: Response | Failure | str | bytes,
    green: Response | Failure | str | bytes,
    twin: Response | Failure | str | bytes | None = None,
    exchange: Exchange | None = None,
) -> Pair:
    """A decoded pair; a bare body is a 200."""
    decode = decoding()

    def side(role: Role, answer: Response | Failure | str | bytes) -> tuple[Observation, Document | None]:
        # a Failure is a str too, so bare bodies are what is left
        given = answer if isinstance(answer, Response | Failure) else response_of(answer)
        seen = observed(role, given)
        return seen, decode.document(seen.response) if seen.response is not None else None

    one, one_doc = side(Role.BLUE, blue)
    two, two_doc = side(Role.GREEN, green)
    three, three_doc = side(Role.TWIN, twin) if twin is not None else (None, None)
    return Pair(exchange or exchange_of(), one, two, three, one_doc, two_doc, three_doc)


def comparison_of(outcome: Outcome = Outcome.MATCHED, number: int = 1, **fields: Any) -> Comparison:
    """A settled comparison."""
    defaults: dict[str, Any] = {
        "id": f"x{number}", "seq": number, "route": "GET /", "unit": f"x{number}", "blue_status": 200,
        "green_status": 200, "bets": {} if outcome is Outcome.ERRORED else {"divergence": float(outcome is Outcome.MISMATCHED)},
    }  # fmt: skip
    return Comparison(outcome=outcome, **(defaults | fields))


def check_scorer(scorer: Scorer) -> None:
    """Same input gives 0; the range is [0, 1]; sides may be swapped; it pickles; odd answers do not raise."""
    assert isinstance(scorer.name, str) and scorer.name, "a scorer needs a name"
    assert isinstance(scorer.on_equal, bool), "a scorer says in on_equal whether it looks at equal answers"
    pickle.loads(pickle.dumps(scorer))  # noqa: S301 - what was just pickled here
    bodies = (*ODD_BODIES[:12], b'{"a":2,"b":[1]}', b"one text with words", b"another text altogether")
    for body in bodies:
        score = _scored(scorer, pair_of(body, body))
        assert score.divergence == 0, f"{scorer.name}: the same answer {body[:30]!r} scores {score.divergence}, not 0"
        fired = [finding for finding in score.findings if finding.fires]
        assert not fired, f"{scorer.name}: the same answer {body[:30]!r} fires {fired[0].kind}"
    for one in bodies:
        for two in bodies:
            forth, back = _scored(scorer, pair_of(one, two)), _scored(scorer, pair_of(two, one))
            assert 0 <= forth.divergence <= 1, f"{scorer.name}: divergence {forth.divergence} is outside [0, 1]"
            assert _scored(scorer, pair_of(one, two)) == forth, f"{scorer.name}: the same pair scores differently"
            assert (forth.divergence > 0) == (back.divergence > 0), (
                f"{scorer.name}: swapping {one[:20]!r} and {two[:20]!r} changes whether they differ"
            )


def check_decoder(decoder: Decoder) -> None:
    """Any bytes decode or are declined; nothing raises; documents have a known kind."""
    for body in ODD_BODIES:
        for kind in ("", "application/json", "text/event-stream", "text/html; charset=gbk"):
            response = response_of(body, content_type=kind)
            fits = decoder.priority(response, body[:512].lstrip())
            assert isinstance(fits, int | float), "priority must be a number"
            if fits >= 0:
                document = decoder.decode(response, body)
                known = ("json", "text", "html", "chat", "binary", "empty")
                assert document.kind in known, f"kind {document.kind!r} is none of {known}"


def check_gate(gate: Gate) -> None:
    """Pure; no evidence is never a pass; removing evidence never makes one."""
    empty = Tally(shards={"a": Shard(id="a")}, complete=True)
    first, second = gate.judge(empty), gate.judge(empty)
    assert first == second, "the same tally must give the same verdict"
    assert first.verdict is not Status.PASS, "no evidence must not pass"


def check_action(action: Action) -> None:
    """An action says what it would do without doing it, for every verdict, and acts as a coroutine."""
    for status in Status:
        plan = action.plan(Verdict(verdict=status, reason="by the check", exit_code=0))
        assert isinstance(plan, str) and plan.strip(), f"plan() says nothing for {status}"
    assert inspect.iscoroutinefunction(action.act), "act() is no coroutine: it would hold the event loop"


def check_source(source: Source) -> None:
    """Exchanges are numbered in order and carry an id, a route and a place."""
    last = 0
    for exchange in source.stream():
        assert exchange.id and exchange.route and exchange.source, "an exchange needs id, route and source"
        assert exchange.seq > last, "exchanges are numbered in reading order"
        last = exchange.seq


def check_sink(sink: Sink, verdict: Verdict | None = None) -> None:
    """Takes comparisons of every outcome and closes with or without a verdict."""
    pair = pair_of("a", "b")
    for number, outcome in enumerate(Outcome):
        sink.add(comparison_of(outcome, number), pair)
    sink.close(Tally(shards={"a": Shard(id="a")}), verdict)


def _scored(scorer: Scorer, pair: Pair) -> Score:
    return scorer.score(pair, Baseline())


class Reset:
    """A piece of a script: the connection is reset, and what was not read yet is lost."""


RESET = Reset()
Piece = bytes | float | Reset | None
Script = Callable[[bytes, bytes], Iterable[Piece]]


class CannedServer:
    """A loopback server that answers with the bytes a script gives, for targets no HTTP library can play.

    The script gets (request head, body) and returns pieces: bytes to write, a float to sleep, None to close the
    connection, RESET to reset it. Requests seen are kept in `seen`.
    """

    def __init__(self, script: Script, host: str = "127.0.0.1", ssl: Any = None) -> None:
        self._script = script
        self._host = host
        self._ssl = ssl
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.seen: list[tuple[bytes, bytes]] = []
        self.connections = 0
        self.port = 0
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self._ssl else 'http'}://{self._host}:{self.port}"

    def __enter__(self) -> CannedServer:
        self._thread.start()
        self._ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._connected, self._host, 0, ssl=self._ssl, limit=1 << 22)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        for sock in server.sockets:
            self._loop.remove_reader(sock.fileno())
        # no more is accepted; what just was gets its transport before close(), after which asyncio would leave it open
        self._loop.run_until_complete(asyncio.sleep(0.02))
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        for writer in self._writers:
            with contextlib.suppress(AttributeError):  # a closed TLS transport of Python 3.11.2 has nothing to abort
                writer.transport.abort()
        self._loop.run_until_complete(asyncio.sleep(0.01))  # transports close their sockets in a later turn
        self._loop.close()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Any:
        """Remember the socket at once: a task that is cancelled before its first step would leave it open."""
        self._writers.append(writer)
        return self._connection(reader, writer)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(_length(head))
                self.seen.append((head, body))
                for piece in self._script(head, body):
                    if piece is None:
                        return
                    if isinstance(piece, Reset):
                        sock = writer.get_extra_info("socket")
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        writer.transport.abort()
                        return
                    if isinstance(piece, float):
                        await asyncio.sleep(piece)
                    else:
                        writer.write(piece)
                        await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError, asyncio.CancelledError):
            return
        finally:
            writer.close()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A plain HTTP/1.1 answer with its length."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def chunked(pieces: Iterator[bytes] | Sequence[bytes], *headers: str) -> bytes:
    """A chunked HTTP/1.1 answer."""
    head = "\r\n".join(["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", *headers]).encode() + b"\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"
