"""What a tee adds for clients: direct, behind `shadowdiff proxy`, behind nginx `mirror`; green healthy or not.

    python bench/proxy_cost.py [--rate 500] [--seconds 4] [--rounds 3]

One open-loop client (absolute schedule, 16 kept connections) asks a real nginx for 1.2 KB of JSON; latency counts
from when a request was due, so that a stall is charged to every request behind it. In each round every way is taken
once, in turn, so that ratios come from one run; figures are medians over the rounds. CPU is that of the process in
the path (and of our judging process), user and system, a request.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.pair_cost import answer
from tests.servers.nginx import free_port, nginx

CONNECTIONS = 16
TIMER_S = 0.002
SITE = "server {{ listen 127.0.0.1:{{port}} backlog=4096; default_type application/json; location / {{ return 200 '{body}'; }} }}"
MIRROR = (
    "server {{ listen 127.0.0.1:{{port}} backlog=4096; location / {{ mirror /m; proxy_pass http://127.0.0.1:{blue}; "
    "proxy_http_version 1.1; proxy_set_header Connection ''; }} location = /m {{ internal; proxy_read_timeout 1s; "
    "proxy_connect_timeout 1s; proxy_pass http://127.0.0.1:{green}$request_uri; }} }}"
)
GREENS = ("healthy", "hung", "down", "endless")
TICK = os.sysconf("SC_CLK_TCK")


class Pace(asyncio.Protocol):
    """One kept connection that asks one thing at a time."""

    def __init__(self) -> None:
        self.waiting: asyncio.Future[None] | None = None
        self.left = -1
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        if self.left < 0:
            head, gap, rest = self.data.partition(b"\r\n\r\n")
            if not gap:
                return
            self.left = int(re.search(rb"(?i)content-length: (\d+)", head)[1]) if b"ength" in head else 0
            self.data = rest
        if len(self.data) >= self.left:
            self.data, self.left = b"", -1
            if self.waiting is not None and not self.waiting.done():
                self.waiting.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(ConnectionError("closed"))


async def load(port: int, rate: float, seconds: float) -> list[float]:
    """Latencies in seconds, from due to the end of the answer; what failed counts as the whole time."""
    loop, now = asyncio.get_running_loop(), time.monotonic
    count, took = int(rate * seconds), []
    begin = now() + 0.1

    async def one(number: int) -> None:
        protocol = None
        for turn in range(number, count, CONNECTIONS):
            due = begin + turn / rate
            await asyncio.sleep(max(0.0, due - now()))
            if now() - due < TIMER_S:
                due = now()  # as late as a timer may be: nobody's fault
            if now() > begin + seconds + 2:
                took.append(now() - due)
                continue
            try:
                if protocol is None or protocol.transport.is_closing():
                    _, protocol = await loop.create_connection(Pace, "127.0.0.1", port)
                protocol.waiting = loop.create_future()
                protocol.transport.write(b"GET /api/items/%d HTTP/1.1\r\nHost: shop\r\n\r\n" % (turn % 500))
                async with asyncio.timeout(seconds):
                    await protocol.waiting
            except (OSError, TimeoutError):
                protocol = None
            took.append(now() - due)
        if protocol is not None:
            protocol.transport.close()

    await asyncio.gather(*(one(number) for number in range(CONNECTIONS)))
    return took


def cpu_s(pid: int) -> float:
    """User and system seconds of one process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def serve(kind: str) -> None:
    """A green that never answers, or never ends; a process of its own."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            if kind == "hung":
                await asyncio.sleep(600)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
            while True:
                writer.write(b"x" * 1000)
                await writer.drain()
                await asyncio.sleep(0.02)

    async def main() -> None:
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    asyncio.run(main())


@contextlib.contextmanager
def green_of(kind: str, body: str) -> Iterator[int]:
    """The port of a green that is healthy, hung, down or endless."""
    if kind == "healthy":
        with nginx(SITE.format(body=body)) as port:
            yield port
    elif kind == "down":
        yield free_port()
    else:
        process = subprocess.Popen([sys.executable, __file__, "--serve", kind], stdout=subprocess.PIPE, text=True)
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


@contextlib.contextmanager
def proxy(blue: int, green: int, folder: Path) -> Iterator[tuple[int, subprocess.Popen]]:
    """`shadowdiff proxy` with its defaults; its port and process."""
    process = subprocess.Popen(
        [
            sys.executable, "-m", "shadowdiff", "proxy", "--listen", "127.0.0.1:0", "--blue", f"http://127.0.0.1:{blue}",
            "--green", f"http://127.0.0.1:{green}", "-o", str(folder), "--api", "off", "--drain", "1s",
        ],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    port = 0
    for line in process.stderr:
        if "listening on" in line:
            port = int(line.rpartition(":")[2])
            break
    rest = threading.Thread(target=process.stderr.read, daemon=True)
    rest.start()
    try:
        yield port, process
    finally:
        process.terminate()
        process.wait(30)
        rest.join(5)
        process.stderr.close()


def quantiles(took: list[float]) -> tuple[float, float]:
    """(p50, p99) in ms."""
    cut = statistics.quantiles(took, n=100)
    return 1e3 * cut[49], 1e3 * cut[98]


def saturate(body: str) -> None:
    """Requests a second that each way takes from `wrk`, and the latency then."""
    print("\n| connections | way | requests/s | p50 | p99 | timeouts |\n|---|---|---|---|---|---|")
    with (
        nginx(SITE.format(body=body)) as blue,
        nginx(SITE.format(body=body)) as green,
        tempfile.TemporaryDirectory() as out,
        nginx(MIRROR.format(blue=blue, green=green)) as mirrored,
        proxy(blue, green, Path(out) / "run") as (port, _),
    ):
        for count in (50, 800):
            for way, where in (("direct", blue), ("shadowdiff proxy", port), ("nginx mirror", mirrored)):
                command = [
                    "wrk",
                    "--latency",
                    "-t1",
                    f"-c{count}",
                    "-d5",
                    f"http://127.0.0.1:{where}/api/items/1",
                ]
                said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                rate, p50, p99, late = (
                    re.search(pattern, said)
                    for pattern in (r"Requests/sec: +(\d+)", r"50% +(\S+)", r"99% +(\S+)", r"timeout (\d+)")
                )
                print(
                    f"| {count} | {way} | {rate[1]} | {p50[1]} | {p99[1]} | {late[1] if late else 0} |",
                    flush=True,
                )


def nginx_pids() -> set[int]:
    return {
        int(one) for one in subprocess.run(["pgrep", "-x", "nginx"], capture_output=True, text=True).stdout.split()
    }


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=500)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", choices=("hung", "endless"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
    body, ask = answer(), given.rate * given.seconds
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {given.rate:g} requests/s"
    )
    print(f"for {given.seconds:g} s, {given.rounds} rounds; ms from due to end; µs of CPU a request\n")
    print("| green | way | p50 ms | p99 ms | added p50 | added p99 | µs in the path | µs judging |")
    print("|---|---|---|---|---|---|---|---|")
    run = uvloop.run
    for kind in GREENS:
        rows: dict[str, list[tuple[float, ...]]] = {"direct": [], "shadowdiff proxy": [], "nginx mirror": []}
        with (
            nginx(SITE.format(body=body)) as blue,
            green_of(kind, body) as green,
            tempfile.TemporaryDirectory() as out,
        ):
            before = nginx_pids()
            with (
                nginx(MIRROR.format(blue=blue, green=green)) as mirrored,
                proxy(blue, green, Path(out) / "run") as (port, relay),
            ):
                fronts = nginx_pids() - before
                judge = children(relay.pid)[0]
                run(load(port, 200, 1))
                for _ in range(given.rounds):
                    rows["direct"].append((*quantiles(run(load(blue, given.rate, given.seconds))), 0.0, 0.0))
                    then = cpu_s(relay.pid), cpu_s(judge)
                    p50, p99 = quantiles(run(load(port, given.rate, given.seconds)))
                    rows["shadowdiff proxy"].append(
                        (p50, p99, 1e6 * (cpu_s(relay.pid) - then[0]) / ask, 1e6 * (cpu_s(judge) - then[1]) / ask)
                    )
                    before_cpu = sum(map(cpu_s, fronts))
                    p50, p99 = quantiles(run(load(mirrored, given.rate, given.seconds)))
                    rows["nginx mirror"].append((p50, p99, 1e6 * (sum(map(cpu_s, fronts)) - before_cpu) / ask, 0.0))
        base = [statistics.median(column) for column in zip(*rows["direct"], strict=True)]
        for way, found in rows.items():
            p50, p99, path, judging = (statistics.median(column) for column in zip(*found, strict=True))
            own = "–" if way == "direct" else f"{path:.0f}"
            judged = f"{judging:.0f}" if way == "shadowdiff proxy" else "–"
            print(
                f"| {kind} | {way} | {p50:.2f} | {p99:.2f} | {p50 - base[0]:.2f} | {p99 - base[1]:.2f} | {own} | {judged} |",
                flush=True,
            )
    if shutil.which("wrk"):
        saturate(body)
    return 0


if __name__ == "__main__":
    sys.exit(main())
