"""CPU per pair beside others that send the same requests, in one run, on one machine, to the same two nginx servers.

    python bench/peers.py [--pairs 20000] [--rounds 3] [--goreplay PATH] [--traffic-diff FOLDER/bin/shadowdiff]
    go install github.com/buger/goreplay@latest       # its own release; needs libpcap's headers
    python -m venv td && td/bin/pip install traffic-diff   # another project whose command has our name

Who is not installed is left out. What is counted: user and system time of the client alone, start-up included, divided by
the requests that reached the servers (nginx counts them), times two. Only shadowdiff compares answers of two live
targets; GoReplay throws them away, traffic-diff compares one target with a recording, the shell loop compares bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.pair_cost import SERVER, answer, capture, cpu
from tests.servers.nginx import nginx

LOOP = """while read -r path; do
  a=$(curl -s "http://127.0.0.1:$1$path"); b=$(curl -s --max-time 5 "http://127.0.0.1:$2$path")
  [ "$a" = "$b" ] || echo "$path differs"
done < "$3"
"""
SEPARATOR = "\n🐵🙈🙉\n"


def handled(port: int) -> int:
    """Requests that a server has answered, this question left out."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/count") as reply:
        return int(re.findall(r"^ \d+ \d+ (\d+)", reply.read().decode(), re.MULTILINE)[0]) - 1


def spent(command: list[str], ends: tuple[int, ...] = (0,)) -> float:
    """User and system seconds of a command and its children."""
    return cpu(command, ends)[0]


def ours(folder: Path, blue: int, green: int, pairs: int) -> float:
    """A replay with everything: compared, judged, written, reported."""
    return spent(
        [sys.executable, "-m", "shadowdiff", "replay", str(folder / "log.jsonl"), "--blue", f"http://127.0.0.1:{blue}",
         "--green", f"http://127.0.0.1:{green}", "--max-in-flight", "64", "--stop-on", "none", "--no-control", "-q",
         "-o", str(folder / "run")]
    )  # fmt: skip


def wrk(folder: Path, blue: int, green: int, pairs: int) -> float:
    """The floor: the same path again and again, answers thrown away."""
    command = ["wrk", "-t1", "-c64", "-d2s"]
    return sum(spent([*command, f"http://127.0.0.1:{port}/api/items/1"]) for port in (blue, green))


def loop(folder: Path, blue: int, green: int, pairs: int) -> float:
    """The shell loop that this tool replaces, over a hundredth of the requests."""
    lines = (json.loads(line)["target"] for line in (folder / "log.jsonl").open())
    (folder / "paths").write_text("".join(f"{path}\n" for _, path in zip(range(pairs // 100), lines, strict=False)))
    return spent(["bash", "-c", LOOP, "loop", str(blue), str(green), str(folder / "paths")])


def goreplay(path: str) -> Callable[[Path, int, int, int], float]:
    """Two outputs, no comparison; it does not end by itself."""

    def run(folder: Path, blue: int, green: int, pairs: int) -> float:
        gor = folder / "log.gor"
        if not gor.exists():
            with gor.open("w") as out:
                for number, line in enumerate((folder / "log.jsonl").open()):
                    record = json.loads(line)
                    head = "".join(f"{name}: {value}\r\n" for name, value in record["headers"])
                    out.write(
                        f"1 {number:024x} {1_780_300_800_000_000_000 + number} 0\nGET {record['target']} HTTP/1.1\r\n"
                    )
                    out.write(f"{head}\r\n{SEPARATOR}")
        return spent(
            [path, "--input-file", str(gor), "--output-http", f"http://127.0.0.1:{blue}", "--output-http",
             f"http://127.0.0.1:{green}", "--output-http-workers", "32", "--exit-after", f"{max(5, pairs // 2000)}s"],
            ends=(0, 1, 2),
        )  # fmt: skip

    return run


def traffic_diff(command: str) -> Callable[[Path, int, int, int], float]:
    """One target against a recording, a twentieth of the requests."""

    def run(folder: Path, blue: int, green: int, pairs: int) -> float:
        for old in folder.glob("traffic.db*"):
            old.unlink()
        db = folder / "traffic.db"
        python = Path(command).with_name("python")
        make = "import sys; from shadowdiff.store import Store; Store(sys.argv[1])"
        subprocess.run([str(python), "-c", make, str(db)], check=True, capture_output=True, cwd=folder)  # not in ours
        rows = [json.loads(line) for line, _ in zip((folder / "log.jsonl").open(), range(pairs // 20), strict=False)]
        with sqlite3.connect(db) as store:
            store.executemany(
                "INSERT INTO exchanges(session, method, path, req_headers, status, resp_headers, resp_body, latency_ms, "
                "recorded_at) VALUES ('s', 'GET', ?, ?, 200, ?, ?, 1.0, 1.0)",
                [(row["target"], json.dumps(dict(row["headers"])), '{"content-type": "application/json"}', answer().encode())
                 for row in rows],
            )  # fmt: skip
        return spent(
            [command, "replay", "--session", "s", "--target", f"http://127.0.0.1:{blue}", "--db", str(db), "-o",
             str(folder / "td.md")], ends=(0, 1),
        )  # fmt: skip

    return run


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--goreplay", default=shutil.which("goreplay") or "")
    parser.add_argument("--traffic-diff", default="")
    given = parser.parse_args()
    runs: dict[str, Callable[[Path, int, int, int], float]] = {"shadowdiff": ours}
    if shutil.which("wrk"):
        runs["wrk (the floor, in C)"] = wrk
    if given.goreplay:
        runs["GoReplay, two outputs"] = goreplay(given.goreplay)
    if given.traffic_diff:
        runs["traffic-diff"] = traffic_diff(given.traffic_diff)
    if shutil.which("curl"):
        runs["shell loop with curl"] = loop
    costs: dict[str, list[float]] = {name: [] for name in runs}
    reached: dict[str, int] = {}
    with nginx(SERVER) as blue, nginx(SERVER) as green, tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        capture(folder / "log.jsonl", given.pairs)
        for _ in range(given.rounds):
            for name, run in runs.items():
                before = handled(blue) + handled(green)
                seconds = run(folder, blue, green, given.pairs)
                reached[name] = handled(blue) + handled(green) - before - 2
                costs[name].append(2e6 * seconds / max(1, reached[name]))
    print(
        f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    print(f"{len(answer())}-byte answers, {given.rounds} rounds; µs of CPU for two requests, start-up included\n")
    print("| | requests | min | median | to shadowdiff |\n|---|---|---|---|---|")
    base = min(costs["shadowdiff"])
    for name, values in costs.items():
        middle = statistics.median(values)
        print(f"| {name} | {reached[name]:,} | {min(values):,.1f} | {middle:,.1f} | {min(values) / base:.2f} |")


if __name__ == "__main__":
    main()
