"""CPU per pair of a whole replay: our process's user + system time, nginx targets, 1.2 KB equal JSON answers.

    python bench/pair_cost.py [--pairs 30000] [--rounds 5] [--in-flight 64] [--transport wire,aiohttp]

Each round runs every transport once, then `wrk` for the same number of requests to both targets, so that
ratios come from one run. Prints minimum and median: on a shared machine the minimum is least polluted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.servers.nginx import nginx


def answer() -> str:
    """About 1.2 KB of JSON."""
    items = [
        {"id": k, "sku": f"SKU-{k:05d}", "name": f"article {k}", "price": 10.5 + k, "tags": ["a", "b"]}
        for k in range(14)
    ]
    return json.dumps({"items": items, "total": 14, "page": 1})


SERVER = (
    "server { listen 127.0.0.1:{port} backlog=4096; location = /count { stub_status; } "
    "location / { default_type application/json; return 200 '" + answer() + "'; } }"
)  # fmt: skip
"""An nginx that gives every request the same answer, and counts them."""


def capture(path: Path, pairs: int, unique: bool = False) -> None:
    """A JSONL capture of GET requests with a browser's headers; `unique` gives each its own request id."""
    headers = [
        ["Host", "shop.example"],
        ["Accept", "application/json"],
        ["User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"],
        ["Accept-Language", "en-US,en;q=0.9"],
        ["X-Request-Start", "t=1780300800"],
        ["X-Client", "web"],
        ["Referer", "https://shop.example/"],
    ]
    with path.open("w") as out:
        for number in range(pairs):
            mine = [*headers, ["X-Request-Id", f"req-{number:08x}"]] if unique else headers
            out.write(
                json.dumps({"v": 1, "id": f"r{number}", "target": f"/api/items/{number % 500}", "headers": mine})
                + "\n"
            )


def cpu(command: list[str], ends: tuple[int, ...] = (0, 3)) -> tuple[float, str]:
    """(user + system seconds of the command and its children, what it printed)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in ends:
        raise SystemExit(f"{command[:6]} ended with {done.returncode}: {done.stderr[-800:]}")
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, done.stdout + done.stderr


def wrk(port: int, seconds: int) -> float:
    """CPU microseconds a request of wrk."""
    spent, text = cpu(["wrk", "-t1", "-c64", f"-d{seconds}s", f"http://127.0.0.1:{port}/api/items/1"])
    count = int(re.search(r"(\d+) requests in", text)[1])  # type: ignore[index]
    return 1e6 * spent / count


def replay(log: Path, blue: int, green: int, transport: str, width: int, out: Path) -> float:
    """CPU seconds of one replay."""
    command = [
        sys.executable, "-m", "shadowdiff", "replay", str(log), "--blue", f"http://127.0.0.1:{blue}", "--green",
        f"http://127.0.0.1:{green}", "--transport", transport, "--max-in-flight", str(width), "--stop-on", "none",
        "--no-control", "--out", str(out), "-q",
    ]  # fmt: skip
    return cpu(command)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--transport", default="wire,aiohttp")
    given = parser.parse_args()
    transports = given.transport.split(",")
    costs: dict[str, list[float]] = {name: [] for name in [*transports, "wire, unique headers", "start-up", "wrk x2"]}
    with nginx(SERVER) as blue, nginx(SERVER) as green, tempfile.TemporaryDirectory() as folder:
        log, one = Path(folder) / "log.jsonl", Path(folder) / "one.jsonl"
        capture(log, given.pairs)
        capture(one, 1)
        capture(Path(folder) / "unique.jsonl", given.pairs, unique=True)
        for _ in range(given.rounds):
            start = replay(one, blue, green, "wire", given.in_flight, Path(folder) / "run")
            costs["start-up"].append(1e6 * start / given.pairs)
            for name in transports:
                pairs = given.pairs if name == "wire" else max(2000, given.pairs // 5)
                if pairs != given.pairs:
                    capture(Path(folder) / "less.jsonl", pairs)
                source = log if pairs == given.pairs else Path(folder) / "less.jsonl"
                spent = replay(source, blue, green, name, given.in_flight, Path(folder) / "run")
                costs[name].append(1e6 * (spent - start) / (pairs - 1))
            spent = replay(Path(folder) / "unique.jsonl", blue, green, "wire", given.in_flight, Path(folder) / "run")
            costs["wire, unique headers"].append(1e6 * (spent - start) / (given.pairs - 1))
            if shutil.which("wrk"):
                costs["wrk x2"].append(wrk(blue, 2) + wrk(green, 2))
    print(
        f"{platform.platform()}, Python {platform.python_version()} ({sys.executable}), {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    print(
        f"{given.pairs} pairs, {given.in_flight} in flight, {len(answer())} B answers, {given.rounds} rounds; µs CPU per pair, start-up subtracted"
    )
    print(f"{'':22}{'min':>8}{'median':>8}{'/ wrk':>8}")
    floor = min(costs["wrk x2"]) if costs["wrk x2"] else float("nan")
    for name, values in costs.items():
        if values:
            print(f"{name:22}{min(values):8.1f}{statistics.median(values):8.1f}{min(values) / floor:8.2f}")


if __name__ == "__main__":
    main()
