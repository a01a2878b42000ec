"""The gate's promise: by simulation in a short form, and end to end through real servers with planted rates."""

from __future__ import annotations

import collections
import json
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from shadowdiff.testing import CannedServer
from tests.conftest import ROOT
from tests.e2e.targets import plain, twins
from tests.long.scale import scale

pytestmark = pytest.mark.long
REPS = scale(250, 1000)
RUNS = scale(10, 40)
ROW = re.compile(r"^\| (.+?) \| (.*?) \| ([\d.]+)% \|(?: ([\d.]+)% \| .*\|)?$", re.MULTILINE)


@pytest.mark.parametrize("table", ["engine", "plain", "twins", "sessions", "routes", "drift", "family"])
def test_false_stops_and_false_passes_stay_within_the_promise(table: str) -> None:
    """Counted over few runs, so the bound is what chance allows: the promise plus three standard deviations."""
    command = [sys.executable, "bench/calibration.py", "--reps", str(REPS), "--horizon", "2000", "--only", table]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stderr
    rows = ROW.findall(done.stdout)
    assert rows or table == "engine"
    for label, promise, fails, passes in rows:
        reps = REPS // {"sessions": 2, "drift": 2, "routes": 4}.get(table, 1)
        for word, allowed, seen in (("FAIL ≤ 1%", 0.01, fails), ("PASS ≤ 5%", 0.05, passes)):
            if word in promise:
                bound = allowed + 3 * (allowed * (1 - allowed) / reps) ** 0.5
                assert float(seen) / 100 <= bound, (table, label, word, seen)


@pytest.mark.parametrize(("rate", "allowed"), [(0.0, {"pass"}), (0.02, {"pass"}), (0.1, {"fail"}), (0.3, {"fail"})])
def test_planted_rates_through_real_servers_end_as_they_should(
    tmp_path: Path, capsys: pytest.CaptureFixture, rate: float, allowed: set[str]
) -> None:
    """Runs of 2,500 requests: releases that differ in 0 and 2 % pass, in 10 and 30 % are stopped."""
    counts: collections.Counter[str] = collections.Counter()
    sent = 0
    for run in range(RUNS):
        rng = random.Random(f"{rate} {run}")
        wrong = {f"/item/{n}" for n in range(2500) if rng.random() < rate}
        log = tmp_path / f"log{run}.jsonl"
        log.write_text("".join(json.dumps({"id": f"r{n}", "target": f"/item/{n}"}) + "\n" for n in range(2500)))

        def green(path: str, wrong: set[str] = wrong) -> bytes:
            return plain(path).replace(b'"n": ', b'"n": 9') if path in wrong else plain(path)

        with twins(green=green) as (blue, candidate):
            verdict = _replay(log, blue, candidate, tmp_path / f"run{run}")
        counts[verdict["verdict"]] += 1
        sent += verdict["ledger"]["sent"]
    with capsys.disabled():
        print(f"\nplanted {rate:.0%}: {dict(counts)} in {RUNS} runs, {sent // RUNS} requests a run")
    assert sum(counts[word] for word in allowed) == RUNS, counts


def _replay(log: Path, blue: CannedServer, green: CannedServer, out: Path) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "shadowdiff", "replay", str(log), "--blue", blue.url, "--green", green.url, "-o", str(out),
         "--json", "--no-control", "--stop-on", "any", "--max-in-flight", "8"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1, 3), done.stderr
    return json.loads(done.stdout)
