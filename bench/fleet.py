"""What many processes need and do, from measured figures: `python bench/fleet.py [--core-hour 0.04]`.

Four tables. What services of 10,000 and 1,000,000 requests a second need (arithmetic over the figures below). How long
a sample takes to a verdict (the gate's own boundaries). What merged snapshots do to an early stop (a simulation: every
process counts for itself, and all are judged together as often as they commit). What a snapshot weighs.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from shadowdiff.gate.evidence import Evidence, binary
from shadowdiff.gate.limits import Limits
from shadowdiff.gate.plan import boundaries, forecast

CPU_US = 160.0
"""A pair of equal 1.2 KB answers from a topic, one process (scaling.py kafka, rounded up)."""
BUSY = 0.6
"""Share of a core that is planned with; the rest is for bursts and rebalances."""
RECORD_B, LINE_B, SNAPSHOT_B = 1_000, 340, 1_000
"""A captured request, a line of comparisons that match (mismatches have bodies), a packed snapshot (last table)."""
ASK_B, ANSWER_B = 500, 1_500
"""A request and an answer on the wire, heads included."""
COMMIT_S = 0.5
PER_PARTITION = 2_000
"""Pairs a second that one partition is planned for: less than one process does."""


def needs(rates: list[int], samples: list[float], core_hour: float) -> None:
    """Processes, partitions, bandwidth and money."""
    print("| service | sample | pairs/s | cores | partitions | to targets | Kafka in | comparisons a day | a day |")
    print("|---|---|---|---|---|---|---|---|---|")
    for rate in rates:
        for sample in samples:
            pairs = rate * sample
            cores = max(1, math.ceil(pairs * CPU_US * 1e-6 / BUSY))
            partitions = max(12, math.ceil(pairs / PER_PARTITION))
            targets = 8e-9 * pairs * 2 * (ASK_B + ANSWER_B)
            kafka = 1e-6 * (pairs * (RECORD_B + LINE_B) + partitions * SNAPSHOT_B / COMMIT_S)
            stored = 1e-9 * pairs * LINE_B * 86_400
            print(
                f"| {rate:,}/s | {sample:.2%} | {pairs:,.0f} | {cores:,} | {partitions:,} | {targets:.2g} Gbit/s | "
                f"{kafka:,.1f} MB/s | {stored:,.0f} GB | {cores * 24 * core_hour:,.0f} |"
            )


def verdicts(limits: list[float], pairs: list[float]) -> None:
    """Seconds to a PASS of a release that differs in a tenth of the limit, and to a FAIL of three times it."""
    print(
        "| limit | units to pass (90 %) | units to fail (90 %) | " + " | ".join(f"at {p:g}/s" for p in pairs) + " |"
    )
    print("|---|---|---|" + "---|" * len(pairs))
    for limit in limits:
        horizon = int(60 / limit)
        tables = boundaries(Limits(max_divergence=limit), horizon)
        good, bad = forecast(limit / 10, *tables), forecast(min(0.9, 3 * limit), *tables)
        units = [one.units[2] if one.units else horizon for one in (good, bad)]
        times = " | ".join(f"{units[0] / p:,.1f} s / {units[1] / p:,.1f} s" for p in pairs)
        print(f"| {limit:.1%} | {units[0]:,} | {units[1]:,} | {times} |")


def fleets(runs: int, limit: float = 0.05) -> None:
    """Early stops of fleets."""
    print(
        "| processes | pairs/s each | true rate | stopped | seconds to the stop (median) | pairs sent after it was due |"
    )
    print("|---|---|---|---|---|---|")
    rng = random.Random(1)
    for count, rate in ((1, 500), (10, 500), (100, 500)):
        for true in (0.045, 0.10):
            stops, times, late = 0, [], []
            for _ in range(runs):
                stop = _run(rng, count, rate, true, limit)
                if stop is not None:
                    stops += 1
                    times.append(stop[0])
                    late.append(stop[1])
            when = f"{statistics.median(times):.2f}" if times else ""
            after = f"{statistics.median(late):,.0f}" if late else ""
            print(f"| {count} | {rate} | {true:.1%} | {stops} of {runs} | {when} | {after} |")


def _run(rng: random.Random, count: int, rate: int, true: float, limit: float, ends_s: float = 20.0):
    """(seconds, pairs sent after the evidence was there) of a stop, None where it does not stop."""
    target = -math.log(Limits().alpha)
    offsets = [rng.random() * COMMIT_S for _ in range(count)]
    own, told = [[0, 0] for _ in range(count)], [[0, 0] for _ in range(count)]
    due: int | None = None
    step = 0.05
    for tick in range(int(ends_s / step)):
        now = tick * step
        for n in range(count):
            sent = round(rate * step)
            own[n][0] += sent
            own[n][1] += sum(rng.random() < true for _ in range(sent))
            if (now - offsets[n]) % COMMIT_S < step:
                told[n] = list(own[n])
        if due is None and _failed(own, limit, target):
            due = sum(one[0] for one in own)
        if due is not None and _failed(told, limit, target):
            return now, sum(one[0] for one in own) - due
    return None


def _failed(counts: list[list[int]], limit: float, target: float) -> bool:
    n, k = sum(one[0] for one in counts), sum(one[1] for one in counts)
    return n >= Limits().min_fail and k / n > limit and Evidence(binary(k, n)).log_fail(limit) >= target


def snapshots(open_sessions: list[int], records: int = 3_000) -> None:
    """Bytes of a packed snapshot by sessions that are open in the partition."""
    from shadowdiff.model.comparison import Outcome
    from shadowdiff.run.shared import pack
    from tests.run.test_partition import partition, settle

    print("| open sessions | packed snapshot, bytes |\n|---|---|")
    for count in open_sessions:
        one, rng = partition(), random.Random(1)
        for number in range(records):
            one.took(number)
            outcome = Outcome.MISMATCHED if rng.random() < 0.1 else Outcome.MATCHED
            settle(one, number, outcome, rng.randrange(count) + 1 if count else 0)
        print(f"| {count:,} | {len(pack(one.snapshot(lambda _: False))):,} |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core-hour", type=float, default=0.04, help="price, in any money")
    parser.add_argument("--runs", type=int, default=100)
    given = parser.parse_args()
    needs([10_000, 1_000_000], [1.0, 0.1, 0.001], given.core_hour)
    print()
    verdicts([0.05, 0.01, 0.001], [10, 1_000])
    print()
    fleets(given.runs)
    print()
    snapshots([0, 50, 2_000])


if __name__ == "__main__":
    main()
