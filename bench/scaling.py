"""How cost grows: `python bench/scaling.py flight|workers|kafka|log|lines|start [NUMBERS...]`, a table each.

flight   CPU per pair and pairs a second by exchanges in flight
workers  the same by processes, the targets on the same cores beside it
kafka    the same, processes of a group on a topic of twelve partitions; a broker is beside it too
log      CPU per pair and peak memory of whole replays by lines of the log
lines    peak memory and CPU per line of reading alone (`replay --dry-run`: reader, filters, ledger)
start    seconds to start a command
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.measure import command
from bench.pair_cost import SERVER, capture
from bench.peers import handled
from tests.servers.nginx import nginx


def replays(cases: list[tuple[str, int, int, int]]) -> None:
    """(what, pairs, in flight, workers) each as a row. Peak memory is that of the largest process."""
    with nginx(SERVER) as blue, nginx(SERVER) as green, tempfile.TemporaryDirectory() as folder:
        targets = ("--blue", f"http://127.0.0.1:{blue}", "--green", f"http://127.0.0.1:{green}")
        rest = ("--no-control", "--stop-on", "none", "-q", "-o", str(Path(folder) / "run"))
        log = Path(folder) / "log.jsonl"
        for what, pairs, width, workers in cases:
            more = ("--max-in-flight", str(width), "--workers", str(workers))
            capture(log, workers)
            start = command("replay", str(log), *targets, *more, *rest)
            capture(log, pairs)
            cpu, wall, peak, _ = command("replay", str(log), *targets, *more, *rest)
            each = 1e6 * (cpu - start.cpu) / pairs
            print(f"| {what} | {each:.1f} | {pairs / (wall - start.wall):,.0f} | {peak:.0f} |", flush=True)


def topics(cases: list[int], pairs: int) -> None:
    """Processes of a group each as a row; the time is from the first request to the last."""
    from tests.real.test_kafka import filled
    from tests.servers.kafka import broker

    with nginx(SERVER) as blue, nginx(SERVER) as green, broker() as kafka, tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        capture(log, pairs)
        for turn, count in enumerate(cases):
            url = kafka.topic(f"log{turn}", 12)
            filled(url, log)
            asked = [
                sys.executable, "-m", "shadowdiff", "replay", url, "--group", "g", "--blue",
                f"http://127.0.0.1:{blue}", "--green", f"http://127.0.0.1:{green}", "--max-in-flight", "128",
                "--no-control", "--stop-on", "none", "-q",
            ]  # fmt: skip
            before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
            members = [subprocess.Popen([*asked, "-o", f"{folder}/m{turn}-{n}"]) for n in range(count)]
            first = last = handled(blue)
            moved = [begun, begun]
            while any(member.poll() is None for member in members):
                time.sleep(0.05)
                now = handled(blue)
                if now > last:
                    moved = [moved[0] if last > first else time.monotonic(), time.monotonic()]
                    last = now
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            rate = pairs / (moved[1] - moved[0])
            print(f"| {count} | {1e6 * (spent - 1.1 * count) / pairs:.1f} | {rate:,.0f} | |", flush=True)


def lines(counts: list[int]) -> None:
    """Reading alone."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        for count in counts:
            with log.open("w") as out:
                for number in range(count):
                    ask = {
                        "v": 1,
                        "id": f"r{number}",
                        "target": f"/api/items/{number}",
                        "headers": [["Accept", "*/*"]],
                    }
                    out.write(json.dumps(ask) + "\n")
            cpu, wall, peak, _ = command("replay", str(log), "--blue", "http://b", "--green", "http://g", "--dry-run")
            print(f"| {count:,} | {1e6 * cpu / count:.1f} | {count / wall:,.0f} | {peak:.0f} |", flush=True)


def main() -> None:
    """Print the table asked for."""
    what, numbers = sys.argv[1] if len(sys.argv) > 1 else "flight", [int(one) for one in sys.argv[2:]]
    if what == "flight":
        print("| in flight | CPU µs a pair | pairs/s | peak MB |\n|---|---|---|---|")
        widths = numbers or (1, 4, 16, 64, 256, 1_000, 5_000)
        replays([(f"{n:,}", 2_000 if n == 1 else max(10_000, 4 * n), n, 1) for n in widths])
    elif what == "workers":
        print("| processes | CPU µs a pair | pairs/s | peak MB |\n|---|---|---|---|")
        replays([(f"{n:,}", 200_000, 128, n) for n in numbers or (1, 2, 1, 2)])
    elif what == "kafka":
        print("| processes | CPU µs a pair | pairs/s | |\n|---|---|---|---|")
        topics(numbers or [1, 2, 1, 2], 200_000)
    elif what == "log":
        print("| lines | CPU µs a pair | pairs/s | peak MB |\n|---|---|---|---|")
        replays([(f"{n:,}", n, 64, 1) for n in numbers or (1_000, 10_000, 100_000, 1_000_000)])
    elif what == "lines":
        print("| lines | CPU µs a line | lines/s | peak MB |\n|---|---|---|---|")
        lines(numbers or [1_000_000, 10_000_000])
    else:
        print("| command | CPU s | wall s | peak MB |\n|---|---|---|---|")
        for asked in (
            ("--help",),
            ("replay", "--help"),
            ("gate", "--help"),
            ("show", "--help"),
            ("proxy", "--help"),
        ):
            best = min((command(*asked) for _ in range(5)), key=lambda one: one.cpu)
            print(f"| {' '.join(asked)} | {best.cpu:.2f} | {best.wall:.2f} | {best.peak:.0f} |")
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
