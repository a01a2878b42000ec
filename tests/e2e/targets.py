"""Two loopback targets whose answers a test decides, and logs to replay against them."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from shadowdiff.testing import CannedServer, answer

Reply = Callable[[str], bytes]


def path_of(head: bytes) -> str:
    return head.split(b" ", 2)[1].decode()


def plain(path: str) -> bytes:
    """A JSON answer that depends on the path alone."""
    return answer(json.dumps({"path": path, "n": len(path)}).encode(), "200 OK", "Content-Type: application/json")


@contextlib.contextmanager
def twins(blue: Reply = plain, green: Reply = plain) -> Iterator[tuple[CannedServer, CannedServer]]:
    with (
        CannedServer(lambda head, body: [blue(path_of(head))]) as one,
        CannedServer(lambda head, body: [green(path_of(head))]) as two,
    ):
        yield one, two


def start(
    log: Path, blue: CannedServer, green: CannedServer, out: Path, *more: str, **options
) -> subprocess.Popen[str]:
    """A replay as a process of its own, for tests that signal it."""
    command = [
        sys.executable,
        "-m",
        "shadowdiff",
        "replay",
        str(log),
        "--blue",
        blue.url,
        "--green",
        green.url,
        "-o",
        str(out),
        *more,
    ]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options)


def end(process: subprocess.Popen[str]) -> str:
    """Wait for it; what it printed."""
    return process.communicate(timeout=20)[1]


def log_of(path: Path, count: int, **fields: object) -> Path:
    path.write_text(
        "".join(json.dumps({"id": f"r{n}", "target": f"/item/{n % 50}/x", **fields}) + "\n" for n in range(count))
    )
    return path


def wait_for(what, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.05)
