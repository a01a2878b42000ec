"""How long a report of many comparisons takes, and how much memory: `python bench/report.py [COUNT ...]`.

Writes a run folder of COUNT comparisons (default 1,000, 10,000 and 100,000; a fifth differ, with stored answers), then
renders it in a process of its own. Prints a table; the line of nothing at all is what Python and the imports cost.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.measure import command
from shadowdiff import runinfo, tape
from shadowdiff.model.comparison import Comparison, Finding, Outcome, Score, Timings
from shadowdiff.model.exchange import Exchange, Observation, Pair, Request, Response, Role
from shadowdiff.model.tally import Ledger, Shard
from shadowdiff.settings import Config


def write(folder: Path, count: int) -> int:
    """A run of `count` comparisons; the size of its tape in bytes."""
    folder.mkdir(parents=True)
    config = Config()
    info = runinfo.RunInfo("r", "2026-11-01T09:00:00+00:00", "0", config.hash, gate=msgspec.to_builtins(config.gate))
    runinfo.write_whole(folder / "run.json", msgspec.json.encode(info))
    sink, rng = tape.TapeSink(folder), random.Random(7)
    for n in range(count):
        bad = n % 5 == 0
        path, route = f"/items/{n % 9}/field{n % 23}", f"GET /route{n % 17}/{{id}}"
        findings = (Finding(path, ("value", "missing", "type")[n % 3], blue=str(n), green=str(n + 1)),) if bad else ()
        scores = tuple(Score(name) for name in ("status", "headers", "length", "keywords", "fuzzy"))
        comparison = Comparison(
            f"x{n:08d}", n, route, Outcome.MISMATCHED if bad else Outcome.MATCHED, f"x{n:08d}",
            bets={"divergence": float(bad)}, rules=("structure",) if bad else (),
            scores=(*scores, Score("structure", 0.4 if bad else 0.0, findings)),
            timings=Timings(0.002, rng.lognormvariate(-4, 0.6), 0.002, rng.lognormvariate(-4, 0.6)),
            blue_status=200, green_status=200, why=f"value at {path}: {n} → {n + 1}" if bad else "no rule fired",
        )  # fmt: skip
        body = b'{"items": [' + b", ".join(b'{"id": %d, "name": "kettle"}' % k for k in range(20)) + b"]}"
        sides = [
            Observation(role, Response(200, (("Content-Type", "application/json"),), body, len(body)))
            for role in (Role.BLUE, Role.GREEN)
        ]
        sink.add(
            comparison, Pair(Exchange(f"x{n:08d}", n, Request("GET", f"/route{n % 17}/{n}"), route, "u"), *sides)
        )
    sink.state(Shard("r/0", ledger=Ledger(read=count, sent=count)), [], True, "")
    sink.close(None, None)  # type: ignore[arg-type]
    return (folder / "comparisons.jsonl").stat().st_size


def main() -> None:
    """Print the table as Markdown."""
    counts = [int(given) for given in sys.argv[1:]] or [1_000, 10_000, 100_000]
    print("| comparisons | tape MB | command | CPU s | wall s | peak MB | page KB |\n|---|---|---|---|---|---|---|")
    cpu, wall, peak, _ = command("report", "--help")
    print(f"| none | | --help | {cpu:.2f} | {wall:.2f} | {peak:.0f} | |")
    with TemporaryDirectory() as folder:
        for count in counts:
            run = Path(folder) / str(count)
            size = write(run, count)
            for name in ("gate", "report"):
                cpu, wall, peak, _ = command(name, str(run))
                page = f"{(run / 'report.html').stat().st_size / 1e3:.0f}" if name == "report" else ""
                print(f"| {count:,} | {size / 1e6:.0f} | {name} | {cpu:.2f} | {wall:.2f} | {peak:.0f} | {page} |")


if __name__ == "__main__":
    main()
