"""The relay: the client gets blue's bytes, in blue's time, whatever else happens."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import uvloop

from shadowdiff.capture import relay
from shadowdiff.capture.copies import Copy
from shadowdiff.capture.messages import Room
from shadowdiff.capture.relay import Client, Relay
from shadowdiff.testing import CannedServer, answer, chunked

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


class Running:
    def __init__(self, port: int, copies: list[Copy], room: Room, relay: Relay) -> None:
        self.port, self.copies, self.room, self.relay = port, copies, room, relay

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 10)

    def settled(self) -> None:
        until = time.monotonic() + 5
        while self.relay.clients:
            assert time.monotonic() < until, "connections are left open"
            time.sleep(0.01)


@contextlib.contextmanager
def relaying(blue_port: int, **more) -> Iterator[Running]:
    """A relay on a loop of its own, as in the front process."""
    loop, ready, out = uvloop.new_event_loop(), threading.Event(), []

    async def main() -> None:
        copies: list[Copy] = []
        room = Room(1 << 26)
        one = Relay("127.0.0.1", blue_port, emit=copies.append, room=room, cap=1 << 20, **more)
        server = await loop.create_server(lambda: Client(one), "127.0.0.1", 0)
        over = asyncio.Event()
        out.extend([Running(server.sockets[0].getsockname()[1], copies, room, one), over])
        ready.set()
        await over.wait()
        server.close()
        await one.drain(0.5)

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    assert ready.wait(5)
    try:
        yield out[0]
    finally:
        loop.call_soon_threadsafe(out[1].set)
        thread.join(10)
        loop.close()


@contextlib.contextmanager
def raw_blue(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A blue that is plain sockets; what it recorded is whole once this is over."""
    serving: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def one(client: socket.socket) -> None:
            with client:
                serve(client)

        def run() -> None:
            with contextlib.suppress(OSError):
                while True:
                    serving.append(threading.Thread(target=one, args=(listening.accept()[0],), daemon=True))
                    serving[-1].start()

        threading.Thread(target=run, daemon=True).start()
        yield listening.getsockname()[1]
    for thread in serving:
        thread.join(20)


def read_all(sock: socket.socket) -> bytes:
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := sock.recv(65536):
            found += piece
    return found


def test_streams_pass_as_they_come_and_are_copied() -> None:
    pieces = [b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"]
    for n in range(3):
        pieces += [f"9\r\ndata: {n}\n\n\r\n".encode(), 0.15]
    with CannedServer(lambda head, body: [*pieces, b"0\r\n\r\n"]) as blue, relaying(blue.port) as one:
        with one.connect() as client:
            client.sendall(GET)
            stamps, got = [], b""
            while not got.endswith(b"0\r\n\r\n"):
                got += client.recv(4096)
                stamps.append(time.monotonic())
        one.settled()
        assert got == b"".join(piece for piece in (*pieces, b"0\r\n\r\n") if isinstance(piece, bytes))
        assert stamps[-1] - stamps[0] > 0.3, "pieces are not held back"
        (copy,) = one.copies
        assert copy.answer is not None and copy.answer.body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"
        assert copy.answer.total_s > 0.3 and len(copy.answer.events) == 3


def test_any_bytes_in_any_pieces_arrive_unchanged_in_both_directions() -> None:
    rng = random.Random(11)
    http = [GET, b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", answer(b"yes"), chunked([b"a", b"b"]), b"\r\n"]
    got: dict[bytes, bytes] = {}

    def talk(sock: socket.socket, data: bytes, seed: int) -> bytes:
        pace, rest, found = random.Random(seed), data, bytearray()
        reading = threading.Thread(target=lambda: found.extend(read_all(sock)))
        reading.start()
        while rest:
            size = pace.choice((1, 7, 100, 5_000, 70_000))
            sock.sendall(rest[:size])
            rest = rest[size:]
            if pace.random() < 0.1:
                time.sleep(0.001)
        sock.shutdown(socket.SHUT_WR)
        reading.join(20)
        return bytes(found)

    def serve(client: socket.socket) -> None:
        name = client.recv(8, socket.MSG_WAITALL)
        got[name] = talk(client, answers[name], int(name))

    def made(size: int) -> bytes:
        return b"".join(rng.choice((*http, rng.randbytes(40))) for _ in range(size))

    asks = {f"{n:08}".encode(): made(rng.choice((1, 30, 3000))) for n in range(12)}
    answers = {name: made(rng.choice((1, 30, 3000))) for name in asks}
    heard: dict[bytes, bytes] = {}

    def ask(name: bytes) -> None:
        with one.connect() as client:
            heard[name] = talk(client, name + asks[name], 100 + int(name))

    with raw_blue(serve) as port, relaying(port) as one:
        clients = [threading.Thread(target=ask, args=(name,)) for name in asks]
        for client in clients:
            client.start()
        for client in clients:
            client.join(30)
        one.settled()
        assert one.room.left == 1 << 26, "nothing is held once the connections are over"
    assert heard == answers and got == asks


def test_a_large_upload_and_a_large_answer_pass_under_back_pressure() -> None:
    big = bytes(range(256)) * (16 << 10)
    seen: list[bytes] = []

    def serve(client: socket.socket) -> None:
        got = b""
        while len(got) < len(big):
            got += client.recv(65536)
            time.sleep(0.0002)
        seen.append(got)
        client.sendall(big)
        client.close()

    with raw_blue(serve) as port, relaying(port) as one, one.connect() as client:
        client.sendall(big)
        time.sleep(0.3)  # a slow reader: the relay holds a bounded part
        assert read_all(client) == big and seen == [big]


def test_a_client_that_leaves_ends_blue_s_side() -> None:
    gone = threading.Event()

    def serve(client: socket.socket) -> None:
        client.recv(4096)
        with contextlib.suppress(OSError):
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            while True:
                client.sendall(b"data: x\n\n")
                time.sleep(0.02)
        gone.set()

    with raw_blue(serve) as port, relaying(port) as one:
        client = one.connect()
        client.sendall(GET)
        assert client.recv(100)
        client.close()
        assert gone.wait(5)
        one.settled()
        assert [copy.client_left for copy in one.copies] == [True]


def test_a_half_closed_client_still_gets_its_answer() -> None:
    def serve(client: socket.socket) -> None:
        got = read_all(client)  # until the client has said all
        client.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + got)
        client.close()

    with raw_blue(serve) as port, relaying(port) as one, one.connect() as client:
        client.sendall(GET)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"HTTP/1.0 200 OK\r\n\r\n" + GET


def test_an_early_answer_reaches_a_client_that_is_still_sending() -> None:
    def serve(client: socket.socket) -> None:
        client.recv(1000)
        client.sendall(answer(b"too large", "413 Content Too Large", "Connection: close"))
        client.shutdown(socket.SHUT_WR)
        read_all(client)

    with raw_blue(serve) as port, relaying(port) as one, one.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + b"x" * 50_000)
        got = client.recv(4096)
        client.sendall(b"x" * 10_000)
        assert got.startswith(b"HTTP/1.1 413")


def test_a_reset_of_blue_s_is_a_reset_for_the_client() -> None:
    def serve(client: socket.socket) -> None:
        client.recv(4096)
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\npart of it")
        time.sleep(0.05)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

    with raw_blue(serve) as port, relaying(port) as one, one.connect() as client:
        client.sendall(GET)
        got = client.recv(4096)
        while b"part" not in got:
            got += client.recv(4096)
        with pytest.raises(ConnectionResetError):
            assert not client.recv(4096), "a clean end would read as a whole answer"
            client.sendall(b"x")
            time.sleep(0.05)
            client.sendall(b"x")
        one.settled()
        (copy,) = one.copies
        assert copy.answer is not None and copy.answer.ended == "the connection was reset"


def test_what_is_no_http_passes_too() -> None:
    def serve(client: socket.socket) -> None:
        while data := client.recv(4096):
            client.sendall(data[::-1])
        client.close()

    with raw_blue(serve) as port, relaying(port) as one:
        with one.connect() as client:
            for text in (b"\x16\x03\x01hello", b"\0\0\0", b"PRI * HTTP/2.0"):
                client.sendall(text)
                assert client.recv(100) == text[::-1]
        one.settled()
        assert not one.copies and one.room.blind == 1


def test_websockets_trailers_and_expect_pass_untouched() -> None:
    def serve(client: socket.socket) -> None:
        head = client.recv(4096)
        if b"Expect" in head:
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = client.recv(4096)
            client.sendall(chunked([body]).replace(b"0\r\n\r\n", b"0\r\nX-Sum: 1\r\n\r\n"))
            return
        client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        while data := client.recv(4096):
            client.sendall(b"echo " + data)

    with raw_blue(serve) as port, relaying(port) as one:
        with one.connect() as client:
            client.sendall(b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            assert client.recv(4096).startswith(b"HTTP/1.1 101")
            client.sendall(b"\x81\x05hello")
            assert client.recv(4096) == b"echo \x81\x05hello"
        with one.connect() as client:
            client.sendall(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            assert client.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.sendall(b"hi")
            got = b""
            while not got.endswith(b"X-Sum: 1\r\n\r\n"):
                got += client.recv(4096)
        one.settled()
        assert one.room.upgraded == 1 and [copy.body for copy in one.copies] == [b"hi"]


def test_a_blue_that_is_down_is_said_in_http_and_found_when_it_comes_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with relaying(port) as one:
        with one.connect() as client:
            client.sendall(GET)
            assert read_all(client).startswith(b"HTTP/1.1 502 ")
        with one.connect() as late:
            time.sleep(0.3)  # the connection to blue has failed by now, and nothing was asked yet
            late.sendall(GET)
            assert read_all(late).startswith(b"HTTP/1.1 502 ")
        one.settled()
        assert len(one.copies) == 2
        assert all(copy.answer is not None and "could not be reached" in copy.answer.ended for copy in one.copies)
        with socket.create_server(("127.0.0.1", port)) as back, one.connect() as client:
            client.sendall(GET)
            server, _ = back.accept()
            with server:
                server.recv(4096)
                server.sendall(answer(b"back"))
                assert client.recv(4096).endswith(b"back")


def test_a_side_that_says_nothing_after_the_other_ended_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "LINGER_S", 0.2)
    stay = threading.Event()

    def serve(client: socket.socket) -> None:
        client.recv(4096)
        stay.wait(10)

    with raw_blue(serve) as port, relaying(port) as one:
        client = one.connect()
        client.sendall(GET)
        client.close()
        one.settled()
        stay.set()


def test_draining_closes_the_idle_and_lets_the_others_end() -> None:
    def serve(client: socket.socket) -> None:
        while data := client.recv(4096):
            if b"/slow" in data:
                time.sleep(0.3)
            client.sendall(answer(b"done"))

    with raw_blue(serve) as port, relaying(port) as one:
        idle, busy = one.connect(), one.connect()
        idle.sendall(GET)
        assert idle.recv(4096)
        busy.sendall(GET.replace(b"/", b"/slow", 1))
        time.sleep(0.1)
    with idle, busy:
        assert busy.recv(4096).endswith(b"done"), "what was under way ends"
        assert idle.recv(4096) == b""
