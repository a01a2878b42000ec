"""`kill -9` at random moments of a replay with `--resume`: at the end everything is as if nothing had happened.

Short: 6 kills a case; full (`make long`): 100 a case. Sessions, loners, held-back and broken records; alone and with
workers. What was sent twice is listed.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from shadowdiff.testing import CannedServer
from tests.e2e.targets import end, path_of, start, wait_for
from tests.long.scale import scale
from tests.run.test_workers import FIXED, mixed, odd, settled

pytestmark = pytest.mark.long
KILLS = scale(6, 100)
IN_A_ROW = 5
"""Kills of one run before it may end."""
SAME = ("verdict", "reason", "ledger", "reasons", "divergence", "rules", "exit_code")


def slowly_odd(head: bytes, body: bytes) -> list:
    return [0.002, odd(path_of(head))]


def slow(head: bytes, body: bytes) -> list:
    return [0.002, odd(path_of(head).replace("7", "8"))]


@pytest.mark.parametrize("more", [(), ("--workers", "2")], ids=["alone", "workers"])
def test_a_run_killed_again_and_again_ends_as_one_that_was_left_alone(cli, tmp_path: Path, more: tuple) -> None:
    rng = random.Random(11)
    log = mixed(tmp_path / "log.jsonl", 2000)
    given = (*FIXED, "--resume", *more)
    twice = kills = runs = 0
    with CannedServer(slowly_odd) as blue, CannedServer(slow) as green:
        asked = ("replay", log, "--blue", blue.url, "--green", green.url, "--json", "-q", *given)
        whole = json.loads(cli(*asked, "-o", tmp_path / "whole").stdout)
        expected = settled(tmp_path / "whole")
        while kills < KILLS:
            out = tmp_path / f"run{runs}"
            runs += 1
            before = len(green.seen)
            for _ in range(min(IN_A_ROW, KILLS - kills)):
                seen = len(green.seen)
                process = start(log, blue, green, out, *given)
                wait_for(lambda seen=seen, process=process: len(green.seen) > seen or process.poll() is not None)
                time.sleep(rng.random() * 0.4)
                process.kill()
                end(process)
                kills += 1
            done = cli(*asked, "-o", out)
            verdict = json.loads(done.stdout)
            for name in SAME:
                assert verdict[name] == whole[name], name
            assert settled(out) == expected
            sent = Counter(path_of(head) for head, _ in green.seen[before:])
            listed = {f"/item/x{line[1:]}" for file in out.glob("resent*.txt") for line in file.read_text().split()}
            assert len(sent) == 2000 and listed <= set(sent)
            twice += sum(sent.values()) - len(sent)
    print(f"\n{kills} kills in {runs} runs {' '.join(more)}: everything equal; {twice} exchanges were sent again")
