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
