"""Memory: a million lines replay in under 200 MB, and flat."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.long.scale import scale
from tests.servers.nginx import available, nginx

pytestmark = pytest.mark.long


def resident_mb(pid: int) -> float:
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return 0.0


def test_a_long_log_is_replayed_in_flat_memory(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    if not available():
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    lines = scale(120_000, 1_000_000)
    log = tmp_path / "log.jsonl"
    with log.open("w") as out:
        for n in range(lines):
            out.write(
                json.dumps(
                    {"target": f"/item/{n}/x?page={n % 997}", "headers": {"X-Request": f"r{n}", "Accept": "*/*"}}
                )
                + "\n"
            )
    site = 'server { listen 127.0.0.1:{port} backlog=4096; default_type application/json; location / { return 200 \'{"n": "$request_uri"}\'; } }'
    samples: list[float] = []
    with nginx(site) as blue, nginx(site) as green:
        process = subprocess.Popen(
            [sys.executable, "-m", "shadowdiff", "replay", str(log), "--blue", f"http://127.0.0.1:{blue}", "--green", f"http://127.0.0.1:{green}",
             "-o", str(tmp_path / "run"), "-q", "--stop-on", "none", "--max-in-flight", "64"],
            env=os.environ,
        )  # fmt: skip
        while process.poll() is None:
            samples.append(resident_mb(process.pid) if process.poll() is None else 0.0)
            time.sleep(0.1)
    verdict = json.loads((tmp_path / "run" / "verdict.json").read_text())
    assert verdict["verdict"] == "pass" and verdict["ledger"]["matched"] == lines
    settled = samples[len(samples) // 4 :]
    first, last = max(settled[: len(settled) // 2]), max(settled[len(settled) // 2 :])
    with capsys.disabled():
        print(f"\n{lines} lines: peak {max(samples):.0f} MB, first half {first:.0f} MB, second half {last:.0f} MB")
    assert max(samples) < 200
    assert last < first + 16, (first, last)


def write_har(path: Path, size: int) -> int:
    """A HAR of at least `size` bytes; how many entries."""
    text = json.dumps({"question": 'why "so"?' * 40, "history": ["long text\n" * 30] * 4})
    entry = json.dumps(
        {"startedDateTime": "2026-01-01T00:00:00.000Z", "time": 12,
         "request": {"method": "POST", "url": "https://chat.example/api/chat?x=1", "headers": [{"name": f"X-{n}", "value": "v" * 30} for n in range(12)],
                     "postData": {"mimeType": "application/json", "text": text}},
         "response": {"status": 200, "headers": [{"name": "Content-Type", "value": "text/plain"}], "content": {"size": 2400, "mimeType": "text/plain", "text": "answer " * 300}}}
    ).encode()  # fmt: skip
    count = size // len(entry) + 1
    with path.open("wb") as out:
        out.write(b'{"log":{"version":"1.2","pages":[],"entries":[')
        for n in range(count):
            out.write((b"," if n else b"") + entry)
        out.write(b"]}}")
    return count


def write_jsonl(path: Path, size: int) -> int:
    line = json.dumps({"ts": 1_700_000_000.5, "method": "POST", "target": "/chat", "session": "s", "body": "question " * 200,
                       "response": {"status": 200, "body": "answer " * 250}}).encode() + b"\n"  # fmt: skip
    count = size // len(line) + 1
    with path.open("wb") as out:
        for _ in range(count):
            out.write(line)
    return count


@pytest.mark.parametrize(("write", "size"), [(write_har, scale(40, 200)), (write_jsonl, scale(80, 1000))])
def test_a_large_capture_is_read_in_flat_memory(
    tmp_path: Path, write, size: int, capsys: pytest.CaptureFixture
) -> None:
    log = tmp_path / "capture"
    count = write(log, size << 20)
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "shadowdiff", "inspect", str(log)], stdout=subprocess.PIPE, text=True
    )
    peak = 0.0
    while process.poll() is None:  # not ru_maxrss: it remembers the size of the process that forked
        peak = max(peak, resident_mb(process.pid))
        time.sleep(0.05)
    said = process.communicate()[0]
    with capsys.disabled():
        print(
            f"\n{write.__name__} {size} MiB, {count} exchanges: peak {peak:.0f} MB, {time.monotonic() - begun:.1f} s"
        )
    assert process.returncode == 0 and f"exchanges {count}, unreadable 0" in said
    assert peak < 120
    log.unlink()
