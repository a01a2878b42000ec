"""Schedule drift and lag: 10,000 recorded requests at 2,000 a second, replayed as recorded against nginx.

    python bench/schedule.py [--count 10000] [--rate 2000] [--rounds 5]

Drift is how late the last request went out against its due time; lag is the same for every request.
CPU is that of the whole process, start and report included, over the time it ran. GoReplay 2.0 sleeps from record to record and ended 8.8 s late on this load (peers-replay-and-formats.md 0.1).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.servers.nginx import nginx

SITE = "server { listen 127.0.0.1:{port} backlog=4096; location / { return 200 'ok'; } }"


def capture(path: Path, count: int, rate: float) -> None:
    """A JSONL capture with a time for each request."""
    with path.open("w") as out:
        for n in range(count):
            out.write(
                json.dumps({"id": f"r{n}", "ts": 1_700_000_000 + (n + 0.5) / rate, "target": f"/item/{n}"}) + "\n"
            )


def main() -> None:
    """Print a row a round and the best of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print(
        f"{given.count} requests at {given.rate:g}/s, load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs"
    )
    print("round  drift ms  lag p50 ms  p99 ms  worst ms  late  took s  CPU s  of a core")
    best = float("inf")
    with tempfile.TemporaryDirectory() as folder, nginx(SITE) as blue, nginx(SITE) as green:
        log = Path(folder) / "log.jsonl"
        capture(log, given.count, given.rate)
        for number in range(1, given.rounds + 1):
            out = Path(folder) / f"run{number}"
            begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run(
                [sys.executable, "-m", "shadowdiff", "replay", str(log), "--blue", f"http://127.0.0.1:{blue}", "--green",
                 f"http://127.0.0.1:{green}", "--speed", "1x", "--stop-on", "none", "--no-control", "--max-in-flight", "64",
                 "-o", str(out), "--json", "-q"], capture_output=True, text=True, check=False,
            )  # fmt: skip
            took, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            if done.returncode:
                raise SystemExit(done.stderr)
            lags = {}
            with (out / "comparisons.jsonl").open() as lines:
                for line in map(json.loads, lines):
                    lags[int(line["id"][1:])] = line["timings"].get("lag_s", 0.0) * 1000
            order = sorted(lags.values())
            drift = lags[given.count - 1]
            best = min(best, drift)
            late = json.loads(done.stdout)["latency"]["lag"]["late"]
            print(
                f"{number:>5}  {drift:8.2f}  {order[len(order) // 2]:10.3f}  {order[int(len(order) * 0.99)]:6.2f}  "
                f"{order[-1]:8.2f}  {late:>4}  {took:6.2f}  {spent:5.2f}  {spent / took:9.0%}"
            )
    print(f"best of {given.rounds}: the last request went out {best:.2f} ms late")


if __name__ == "__main__":
    main()
