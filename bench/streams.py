"""Memory of many streams at a time: `python bench/streams.py [--pairs 1,100,1000,5000] [--events 20] [--every 1]`.

COUNT pairs go out at once to two servers that stream an event each EVERY seconds: 2 x COUNT streams are open together.
Prints the peak resident memory of the replay, what a stream adds to it, and CPU an event.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.measure import command

HERE = Path(__file__).resolve().parent


def server(events: int, every: float) -> tuple[subprocess.Popen[str], int]:
    """A streaming server of its own process and its port."""
    argv = [sys.executable, str(HERE / "sse_server.py"), str(events), str(every)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def capture(path: Path, count: int) -> None:
    """COUNT chat requests."""
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hello"}]}
    with path.open("w") as out:
        for number in range(count):
            line = {"v": 1, "id": f"s{number}", "method": "POST", "target": "/v1/chat/completions", "json": body,
                    "headers": [["Content-Type", "application/json"]]}  # fmt: skip
            out.write(json.dumps(line) + "\n")


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", default="1,100,1000,5000")
    parser.add_argument("--events", type=int, default=20)
    parser.add_argument("--every", type=float, default=1.0)
    given = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print("| streams | outcome | peak MB | KB a stream | CPU µs an event |\n|---|---|---|---|---|")
    base = (0.0, 0.0)
    for count in (int(one) for one in given.pairs.split(",")):
        blue, green = server(given.events, given.every), server(given.events, given.every)
        try:
            with tempfile.TemporaryDirectory() as folder:
                log = Path(folder) / "log.jsonl"
                capture(log, count)
                done = command(
                    "replay", str(log), "--blue", f"http://127.0.0.1:{blue[1]}", "--green", f"http://127.0.0.1:{green[1]}",
                    "--allow-method", "POST", "--max-in-flight", str(count), "--no-control", "--stop-on", "none", "-q",
                    "--json", "-o", str(Path(folder) / "run"),
                )  # fmt: skip
        finally:
            for process, _ in (blue, green):
                process.kill()
                process.wait()
        peak, cpu = done.peak, done.cpu
        ledger = json.loads(done.printed)["ledger"]
        if not base[0]:
            base = peak, cpu
        each = 1024 * (peak - base[0]) / (2 * count)
        event = 1e6 * (cpu - base[1]) / (2 * count * given.events)
        told = ", ".join(f"{name} {ledger[name]}" for name in ("matched", "mismatched", "errored") if ledger[name])
        shown = f"{each:.1f} | {event:.1f}" if count > 1 else " | "
        print(f"| {2 * count:,} | {told} | {peak:.0f} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
