"""`kill -9` at random moments: the tape that is left can always be judged and every line is whole."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest

from shadowdiff import tape
from shadowdiff.testing import CannedServer
from tests.e2e.targets import end, log_of, path_of, plain, start
from tests.long.scale import scale

pytestmark = pytest.mark.long


def test_whatever_a_kill_leaves_can_be_judged(cli, tmp_path: Path) -> None:
    rng = random.Random(3)
    log = log_of(tmp_path / "log.jsonl", 50_000)
    slow = lambda head, body: [0.002, plain(path_of(head))]  # noqa: E731
    with CannedServer(slow) as blue, CannedServer(slow) as green:
        for number in range(scale(8, 200)):
            folder = tmp_path / f"run{number}"
            process = start(log, blue, green, folder)
            time.sleep(0.4 + rng.random() * 1.5)
            process.kill()
            end(process)
            if not (folder / "comparisons.jsonl").exists():
                continue  # killed before the first file was opened
            ids = [line["id"] for line in tape.read(folder / "comparisons.jsonl")]
            assert len(ids) == len(set(ids))
            done = cli("gate", folder, "--json", "-q")
            verdict = json.loads(done.stdout)
            assert done.returncode == 3 and verdict["verdict"] == "inconclusive"
            ledger = verdict["ledger"]
            assert ledger["sent"] == len(ids) == ledger["matched"]
            assert ledger["read"] >= ledger["sent"]
