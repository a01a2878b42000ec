"""Resume after any stop: each exchange is counted once, cut sessions start again, the rest is not sent twice."""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from shadowdiff import tape
from shadowdiff.testing import CannedServer
from tests.e2e.targets import end, log_of, path_of, plain, start, wait_for

OUTSTANDING = 16 + 2 * 16
"""What the default --max-in-flight lets be in the air, or answered and waiting to be judged."""


def slow(head: bytes, body: bytes) -> list:
    return [0.002, plain(path_of(head))]


def paths(server: CannedServer) -> Counter[str]:
    return Counter(path_of(head) for head, _ in server.seen)


def judged(out: Path) -> dict:
    return json.loads((out / "verdict.json").read_text())


def unique(path: Path, count: int) -> Path:
    path.write_text("".join(json.dumps({"id": f"r{n}", "target": f"/item/x{n}"}) + "\n" for n in range(count)))
    return path


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_stopped_run_goes_on_and_counts_everything_once(cli, tmp_path: Path, how: signal.Signals) -> None:
    log, out = unique(tmp_path / "log.jsonl", 3000), tmp_path / "run"
    rng = random.Random(5)
    with CannedServer(slow) as blue, CannedServer(slow) as green:
        for _ in range(3):
            before = len(green.seen)
            process = start(log, blue, green, out, "--resume", "--no-control")
            wait_for(lambda before=before: len(green.seen) > before)  # a start takes long on a busy machine
            time.sleep(rng.random() * 0.3)
            process.send_signal(how)
            end(process)
        done = cli("replay", log, "--blue", blue.url, "--green", green.url, "-o", out, "--resume", "--no-control")
        asked = paths(green)
    assert done.returncode == 0, done.stderr
    lines = list(tape.read(out / "comparisons.jsonl"))
    assert sorted(line["id"] for line in lines) == sorted(f"r{n}" for n in range(3000))
    ledger = judged(out)["ledger"]
    assert ledger["read"] == ledger["sent"] == ledger["matched"] == 3000
    assert set(asked) == {f"/item/x{n}" for n in range(3000)}
    assert sum(asked.values()) <= 3000 + 3 * OUTSTANDING  # only what was in flight or not judged was asked again
    assert "Resumed: " in done.stderr
    again = cli("gate", out, "-q")
    assert again.returncode == 0


def test_cut_sessions_start_again_from_their_first_turn_under_a_new_id(cli, tmp_path: Path) -> None:
    log, out = tmp_path / "log.jsonl", tmp_path / "run"
    log.write_text(
        "".join(
            json.dumps({"id": f"s{s}t{t}", "session": f"s{s}", "target": f"/t{t}?sid=s{s}", "method": "GET"}) + "\n"
            for t in range(4)
            for s in range(60)
        )
    )
    more = ("--session-by", "query:sid", "--no-control")
    with CannedServer(slow) as blue, CannedServer(slow) as green:
        done = cli("replay", log, "--blue", blue.url, "--green", green.url, "-o", out, "-n", "150", *more)
        before = paths(green)
        done = cli("replay", log, "--blue", blue.url, "--green", green.url, "-o", out, "--resume", *more)
        after = paths(green) - before
    assert done.returncode == 3  # 60 sessions are too few for a pass
    ledger = judged(out)["ledger"]
    assert ledger["read"] == ledger["sent"] == ledger["matched"] == 240
    ids = [line["id"] for line in tape.read(out / "comparisons.jsonl")]
    assert len(ids) == len(set(ids)) == 240
    assert sum(before.values()) == 150 and sum(after.values()) == 240  # every session was cut
    assert not set(before) & set(after)  # under other ids, so that no half-written session is met
    assert "60 cut sessions start again from their first turn (150 turns)" in done.stderr


def test_a_finished_run_sends_nothing_again_and_repeats_its_verdict(cli, tmp_path: Path) -> None:
    log, out = log_of(tmp_path / "log.jsonl", 150), tmp_path / "run"
    with CannedServer(slow) as blue, CannedServer(slow) as green:
        given = ("replay", log, "--blue", blue.url, "--green", green.url, "-o", out, "--no-control")
        first = cli(*given)
        asked = len(green.seen)
        second = cli(*given, "--resume")
        assert (first.returncode, second.returncode, len(green.seen)) == (0, 0, asked)


def test_another_runs_folder_is_refused(cli, tmp_path: Path) -> None:
    log, out = log_of(tmp_path / "log.jsonl", 20), tmp_path / "run"
    other = log_of(tmp_path / "other.jsonl", 20)
    with CannedServer(slow) as blue, CannedServer(slow) as green:
        given = ("--blue", blue.url, "--green", green.url, "-o", out)
        cli("replay", log, *given)
        done = cli("replay", other, *given, "--resume")
        assert done.returncode == 2 and "give the same logs, or another --out" in done.stderr
        done = cli("replay", log, *given, "--resume", "--ignore", "/n")
        assert done.returncode == 2 and "was made with other settings" in done.stderr
        done = cli("replay", log, *given[:4], "--resume")
        assert done.returncode == 2 and "name the run folder with --out" in done.stderr
