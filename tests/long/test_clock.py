"""The wall clock jumps by hours in the middle of a run: nothing waits, nothing is late, nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.targets import log_of, twins

pytestmark = pytest.mark.long
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))


@pytest.mark.parametrize("jump", ["+7200", "-7200"])
def test_a_clock_that_jumps_changes_no_verdict(tmp_path: Path, jump: str) -> None:
    if not LIBRARIES:
        pytest.skip("libfaketime is not installed: apt-get install faketime")
    log = log_of(tmp_path / "log.jsonl", 150)
    clock = tmp_path / "clock"
    clock.write_text("+0")
    faked = {
        "LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip
    begun = time.monotonic()
    with twins() as (blue, green):
        process = subprocess.Popen(
            [sys.executable, "-m", "shadowdiff", "replay", str(log), "--blue", blue.url, "--green", green.url, "-o", str(tmp_path / "run"),
             "--rate", "30/s", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | faked,
        )  # fmt: skip
        time.sleep(3)
        clock.write_text(jump)
        out, err = process.communicate(timeout=60)
    verdict = json.loads(out)
    assert (process.returncode, verdict["verdict"]) == (0, "pass"), err
    assert verdict["ledger"]["matched"] == verdict["ledger"]["sent"] == 150
    assert 5 < time.monotonic() - begun < 40
    lines = [json.loads(line) for line in (tmp_path / "run" / "comparisons.jsonl").read_text().splitlines()]
    spans = [value for line in lines for value in line["timings"].values() if isinstance(value, int | float)]
    assert min(spans) >= 0 and max(spans) < 20
    assert abs(_moved(verdict)) > 3600, "the clock did jump"


def _moved(verdict: dict) -> float:
    from datetime import datetime

    one, two = (datetime.fromisoformat(verdict[name]) for name in ("started_at", "updated_at"))
    return (two - one).total_seconds()
