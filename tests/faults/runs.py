"""Run a fault through the real command, as `replay` and as `proxy`, and say what came of it."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from shadowdiff.testing import CannedServer
from tests.e2e.live import Ended, live
from tests.faults.kit import Fault, authority, healthy, played

LIMITS = (
    "--connect-timeout", "1s", "--ttfb-timeout", "1s", "--idle-timeout", "1s", "--timeout", "3s",
    "--max-body", "64KiB", "--stop-on", "none",
)  # fmt: skip
FEW, MANY = 30, 120
"""Enough for a FAIL, and for a PASS."""
PATIENCE_S = 3.0
"""How long a client waits for its whole answer."""
READ = 1 << 20


class Seen(msgspec.Struct, frozen=True):
    """What came of a run. `outcomes` counts settled pairs; `unserved` are clients that did not get blue's answer."""

    code: int
    outcomes: dict[str, int] = {}
    why: str = ""
    ledger: dict[str, int] = {}
    sent: int = 0
    unserved: int = 0
    said: str = ""


def replayed(fault: Fault, role: str, folder: Path) -> Seen:
    """A replay in which `role` has the fault."""
    count = _count(fault, role)
    log = folder / "log.jsonl"
    log.write_text("".join(json.dumps({"id": f"r{n}", "target": _target(fault, n)}) + "\n" for n in range(count)))
    with _targets(fault, role, folder) as urls:
        command = [
            sys.executable, "-m", "shadowdiff", "replay", str(log), "-o", str(folder / "run"), "--json",
            "--cacert", str(authority(folder)), *LIMITS, *urls,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    return _seen(done.returncode, folder / "run", count, done.stderr)


def proxied(fault: Fault, role: str, folder: Path) -> Seen:
    """A proxy in front of blue, with clients; `role` has the fault."""
    count = _count(fault, role)
    options = ("--cacert", str(authority(folder)), *LIMITS, "--drain", "4s")
    try:
        with _targets(fault, role, folder) as urls, live("proxy", folder / "run", *urls, *options) as one:
            with ThreadPoolExecutor(8) as clients:
                served = list(clients.map(lambda n: served_whole(one.port, _target(fault, n)), range(count)))
            code, _ = one.end()
    except Ended as ended:  # a config error
        return _seen(ended.code, folder / "run", count, ended.said)
    return msgspec.structs.replace(_seen(code, folder / "run", count, one.text), unserved=count - sum(served))


def _count(fault: Fault, role: str) -> int:
    return MANY if fault.outcome == "matched" or role == "twin" else FEW


def _target(fault: Fault, number: int) -> str:
    return f"/{'chat' if fault.chat else 'item'}/{number}"


@contextlib.contextmanager
def _targets(fault: Fault, role: str, folder: Path):
    """Options that name the targets; the twin is there only to be at fault."""
    sound = lambda head, body: [healthy(head)]  # noqa: E731
    with CannedServer(sound) as one, CannedServer(sound) as two, played(fault, folder) as bad:
        urls = {"blue": one.url, "green": two.url} | {role: bad}
        yield [text for name, url in urls.items() for text in (f"--{name}", url)]


def served_whole(port: int, target: str) -> bool:
    """Whether a client got the whole sound answer; it reads on for a while where it gets something else."""
    wanted, got = healthy(f"GET {target} HTTP/1.1".encode()), b""
    until = time.monotonic() + PATIENCE_S
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as client:
        try:
            client.sendall(f"GET {target} HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
            while wanted not in got and len(got) < READ and (left := until - time.monotonic()) > 0:
                client.settimeout(left)
                data = client.recv(1 << 16)
                if not data:
                    break
                got += data
        except OSError:
            pass
    return wanted in got


def _seen(code: int, run: Path, sent: int, said: str) -> Seen:
    tape, verdict = run / "comparisons.jsonl", run / "verdict.json"
    lines = [json.loads(line) for line in tape.read_text().splitlines()] if tape.exists() else []
    found = json.loads(verdict.read_text()) if verdict.exists() else {}
    whys = Counter(line.get("why", "") for line in lines)
    return Seen(
        code,
        dict(Counter(line["outcome"] for line in lines)),
        whys.most_common(1)[0][0] if whys else said.strip().splitlines()[-1],
        found.get("ledger", {}),
        sent,
        said=said,
    )
