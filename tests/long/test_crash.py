"""`kill -9` at random moments of a replay with `--resume`: at the end everything is as if nothing had happened.

Short: 6 kills a case; full (`make long`): 100 a case. Sessions, loners, held-back and broken records; alone and with
workers. What was sent twice is listed.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from shadowdiff.testing import CannedServer
from tests.e2e.targets import end, path_of, start, wait_for
from tests.long.scale import scale
from tests.run.test_workers import FIXED, children, mixed, odd, settled

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


def limited(size: int):
    """Files of the process that is started end at `size` bytes, as on a full disk."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@pytest.mark.parametrize("more", [(), ("--workers", "2")], ids=["alone", "workers"])
@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "full disk", "nothing can be written"])
def test_a_run_that_ended_early_goes_on_as_one_that_was_left_alone(
    cli, tmp_path: Path, how: str, more: tuple
) -> None:
    log = mixed(tmp_path / "log.jsonl", 2000)
    given = (*FIXED, "--resume", *more)
    with CannedServer(slowly_odd) as blue, CannedServer(slow) as green:
        asked = ("replay", log, "--blue", blue.url, "--green", green.url, "--json", "-q", *given)
        whole = json.loads(cli(*asked, "-o", tmp_path / "whole").stdout)
        before = len(green.seen)
        full = limited(60_000) if how == "full disk" else None
        process = start(log, blue, green, tmp_path / "run", *given, preexec_fn=full)
        if full is None:
            wait_for(lambda: len(green.seen) > before + 500)
            process.send_signal(signal.SIGINT if how == "SIGINT" else signal.SIGTERM)
        said = end(process)
        assert process.returncode == {"full disk": 4, "SIGINT": 130}.get(how, 143), said
        if how == "nothing can be written":
            process = start(log, blue, green, tmp_path / "run", *given, preexec_fn=limited(0))
            said = end(process)
            assert process.returncode in (2, 4) and "Traceback" not in said, said
        done = cli(*asked, "-o", tmp_path / "run")
        verdict = json.loads(done.stdout)
        sent = Counter(path_of(head) for head, _ in green.seen[before:])
    for name in SAME:
        assert verdict[name] == whole[name], name
    assert settled(tmp_path / "run") == settled(tmp_path / "whole")
    twice = {path for path, count in sent.items() if count > 1}
    listed = {
        f"/item/x{line[1:]}" for file in (tmp_path / "run").glob("resent*.txt") for line in file.read_text().split()
    }
    assert len(sent) == 2000 and twice <= listed


def test_a_worker_that_runs_out_of_memory_goes_on_and_is_said(cli, tmp_path: Path) -> None:
    log = mixed(tmp_path / "log.jsonl", 2000)
    group = Path(f"/sys/fs/cgroup/memory/shadowdiff-{os.getpid()}")
    with CannedServer(slowly_odd) as blue, CannedServer(slow) as green:
        asked = ("replay", log, "--blue", blue.url, "--green", green.url, "--json", "-q", *FIXED)
        whole = json.loads(cli(*asked, "-o", tmp_path / "whole").stdout)
        before = len(green.seen)
        process = start(log, blue, green, tmp_path / "run", *FIXED, "--workers", "2")
        wait_for(lambda: len(green.seen) > before + 400)
        worker = children(process)[0]
        try:
            group.mkdir()
            (group / "memory.limit_in_bytes").write_text(str(64 << 10))
            (group / "memory.swappiness").write_text("0")
            (group / "cgroup.procs").write_text(str(worker))
            by = "the kernel"
        except OSError:  # no right to limit memory here: what the kernel would send is sent
            os.kill(worker, signal.SIGKILL)
            by = "this test, for want of a memory group"
        try:
            until = time.monotonic() + 10
            while by == "the kernel" and worker in children(process) and time.monotonic() < until:
                time.sleep(0.1)
            if worker in children(process):
                os.kill(worker, signal.SIGKILL)
                by = "this test: the kernel let it live"
            said = end(process)
        finally:
            if group.exists():
                group.rmdir()
    verdict = json.loads((tmp_path / "run" / "verdict.json").read_text())
    print(f"\nkilled by {by}")
    assert "died (SIGKILL); it is started again from its checkpoint" in said
    for name in ("verdict", "ledger", "divergence", "rules"):
        assert verdict[name] == whole[name], name
    assert settled(tmp_path / "run") == settled(tmp_path / "whole")
