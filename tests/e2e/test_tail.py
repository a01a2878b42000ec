"""The sidecar that follows logs, as a real process: rotations, kills, a late failure, stdin."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from shadowdiff.testing import CannedServer, answer
from tests.e2e.targets import plain, twins, wait_for

BEARER = {"Authorization": "Bearer s3cret"}


def start(
    log: Path | str, blue: CannedServer, green: CannedServer, out: Path, *more: str, **options
) -> subprocess.Popen:
    command = [
        sys.executable, "-m", "shadowdiff", "tail", str(log), "--blue", blue.url, "--green", green.url, "-o", str(out),
        "--sample", "100%", "--no-control", "--api", "127.0.0.1:0", *more,
    ]  # fmt: skip
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options)


def line(n: int) -> str:
    return json.dumps({"id": f"r{n}", "target": f"/item/{n}"}) + "\n"


def followed(out: Path) -> bool:
    return (out / "tail.json").exists()


def compared(out: Path) -> list[str]:
    raw = (out / "comparisons.jsonl").read_bytes() if (out / "comparisons.jsonl").exists() else b""
    return [json.loads(one)["id"] for one in raw.split(b"\n")[:-1]]


def end(process: subprocess.Popen, out: Path) -> tuple[int, dict, str]:
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    return process.returncode, json.loads((out / "verdict.json").read_text()), err


def test_lines_that_come_are_compared_and_sigterm_ends_by_the_verdict(tmp_path: Path) -> None:
    log, out = tmp_path / "access.log", tmp_path / "run"
    log.write_text("".join(map(line, range(50))))
    with twins() as (blue, green):
        process = start(log, blue, green, out)
        wait_for(lambda: followed(out))
        with log.open("a") as more:
            more.write("".join(map(line, range(50, 250))))
        wait_for(lambda: len(compared(out)) == 200)
        code, verdict, err = end(process, out)
    assert (code, verdict["verdict"]) == (0, "pass"), err
    assert verdict["ledger"]["read"] == verdict["ledger"]["matched"] == 200
    assert (out / "report.html").exists() and "told to by SIGTERM" in " ".join(verdict["notes"])


def test_twenty_rotations_under_load_lose_nothing(tmp_path: Path) -> None:
    log, out = tmp_path / "a.log", tmp_path / "run"
    log.touch()
    with twins() as (blue, green):
        process = start(log, blue, green, out)
        wait_for(lambda: followed(out))
        n = 0
        for turn in range(20):
            with log.open("a") as writing:
                for _ in range(60):
                    writing.write(line(n) if n % 7 else "no request\n")
                    writing.flush()
                    n += 1
                    time.sleep(0.001)
            log.rename(tmp_path / f"a.log.{turn}")
            log.touch()
        wait_for(lambda: len(compared(out)) == n - len(range(0, n, 7)))
        time.sleep(0.5)
        code, verdict, err = end(process, out)
    ledger = verdict["ledger"]
    assert code == 0, err
    assert ledger["read"] == n and ledger["matched"] + ledger["unreadable"] == n
    assert sorted(compared(out)) == sorted(f"r{k}" for k in range(n) if k % 7)


def test_killed_ten_times_every_line_is_counted_once(tmp_path: Path) -> None:
    log, out, rng = tmp_path / "a.log", tmp_path / "run", random.Random(5)
    log.touch()
    n = 0

    def attempt() -> int:
        return int(json.loads((out / "run.json").read_text())["attempt"]) if (out / "run.json").exists() else -1

    with twins() as (blue, green):
        for number in range(10):
            process = start(log, blue, green, out)
            wait_for(lambda number=number: attempt() == number and followed(out))
            with log.open("a") as more:
                for _ in range(150):
                    more.write(line(n) if n % 10 else "junk\n")
                    n += 1
            time.sleep(rng.uniform(0.4, 1.0))
            process.kill()
            process.communicate()
        process = start(log, blue, green, out)
        wait_for(lambda: attempt() == 10)
        wanted = n - len(range(0, n, 10))
        wait_for(lambda: len(set(compared(out))) == wanted)
        time.sleep(0.3)
        code, verdict, err = end(process, out)
    assert sorted(compared(out)) == sorted(f"r{k}" for k in range(n) if k % 10), err
    ledger = verdict["ledger"]
    assert ledger["read"] == n == ledger["matched"] + ledger["unreadable"] and code == 0
    again = len((out / "resent.txt").read_text().split())
    assert len(green.seen) <= wanted + again, "what was sent twice is listed"


@pytest.mark.parametrize("killed", [False, True])
def test_a_fail_stays_also_over_a_restart(tmp_path: Path, killed: bool) -> None:
    log, out = tmp_path / "a.log", tmp_path / "run"
    log.touch()
    wrong = lambda path: answer(b"other") if int(path.split("/")[2]) < 40 else plain(path)  # noqa: E731
    with twins(green=wrong) as (blue, green):
        process = start(log, blue, green, out)
        wait_for(lambda: followed(out))
        with log.open("a") as more:
            more.write("".join(map(line, range(40))))
        wait_for(lambda: len(compared(out)) == 40)
        if killed:
            process.kill()
            process.communicate()
            process = start(log, blue, green, out)
        with log.open("a") as more:
            more.write("".join(map(line, range(40, 1500))))
        wait_for(lambda: len(set(compared(out))) == 1500)
        code, verdict, _ = end(process, out)
    assert code == 1 and verdict["verdict"] == "fail" and verdict["divergence"]["n"] == 1500
    assert any("stays" in note for note in verdict["notes"])


def test_stdin_is_followed_to_its_end(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with twins() as (blue, green):
        process = start("-", blue, green, out, stdin=subprocess.PIPE)
        assert process.stdin is not None
        process.stdin.write("".join(map(line, range(120))))
        process.stdin.close()
        process.stdin = None
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert len(compared(out)) == 120


def test_container_lines_in_parts_and_access_lines_are_read_by_their_look(tmp_path: Path) -> None:
    log, out = tmp_path / "0.log", tmp_path / "run"
    log.touch()
    access = '1.2.3.4 - - [21/Nov/2026:10:00:00 +0000] "GET /item/1 HTTP/1.1" 200 5 "-" "curl"'
    parts = [
        "2026-11-21T10:00:00Z stdout P " + line(2)[:20], "2026-11-21T10:00:00Z stdout F " + line(2)[20:].rstrip("\n"),
        "2026-11-21T10:00:01Z stderr F app started",
    ]  # fmt: skip
    with twins() as (blue, green):
        process = start(log, blue, green, out)
        wait_for(lambda: followed(out))
        with log.open("a") as more:
            more.write("\n".join([access, *parts]) + "\n")
        wait_for(lambda: len(compared(out)) == 2)
        time.sleep(0.3)
        _, verdict, _ = end(process, out)
    assert {head.split(b" ")[1] for head, _ in green.seen} == {b"/item/1", b"/item/2"}
    assert verdict["ledger"]["unreadable"] == 1 and verdict["ledger"]["read"] == 3


@pytest.mark.parametrize("changed", ["logs", "settings"])
def test_a_folder_of_another_run_is_left_alone(tmp_path: Path, changed: str) -> None:
    log, out = tmp_path / "a.log", tmp_path / "run"
    log.touch()
    with twins() as (blue, green):
        process = start(log, blue, green, out)
        wait_for(lambda: followed(out))
        end(process, out)
        other = (
            start(tmp_path / "b.log", blue, green, out)
            if changed == "logs"
            else start(log, blue, green, out, "--session-by", "ip")
        )
        _, err = other.communicate(timeout=20)
    assert other.returncode == 2 and "name another folder" in err


def test_what_only_a_replay_can_do_is_refused(tmp_path: Path) -> None:
    with twins() as (blue, green):
        process = start(tmp_path / "a.log", blue, green, tmp_path / "run", "--speed", "2x")
        _, err = process.communicate(timeout=20)
    assert process.returncode == 2 and "are for replay" in err and not (tmp_path / "run").exists()


def test_the_verdict_is_served_by_step_and_a_gate_waits_for_it(tmp_path: Path) -> None:
    log, out = tmp_path / "a.log", tmp_path / "run"
    log.touch()
    with twins() as (blue, green):
        process = start(log, blue, green, out, "--candidate", "v2", "--api-token", "s3cret")
        url = address_of(process)
        ask = [sys.executable, "-m", "shadowdiff", "gate", url, "--candidate", "v2", "--step", "25"]
        waiting = subprocess.Popen(
            [*ask, "--wait", "30s", "--token", "env:TOKEN", "--json"],
            env=os.environ | {"TOKEN": "s3cret"}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        time.sleep(1.5)  # its first question has opened the window
        with log.open("a") as more:
            more.write("".join(map(line, range(300))))
        told, said = waiting.communicate(timeout=40)
        verdict = json.loads(told)
        assert (waiting.returncode, verdict["verdict"], verdict["step"]) == (0, "pass", "25"), said
        assert "inconclusive: nothing has come" in said and "PASS" in said
        assert subprocess.run([*ask[:-4], "--token", "s3cret"], capture_output=True).returncode == 0
        refused = subprocess.run(ask, capture_output=True, text=True)
        assert refused.returncode == 2 and "--token" in refused.stderr
        unknown = subprocess.run([*ask[:-3], "v9", "--token", "s3cret"], capture_output=True, text=True)
        assert unknown.returncode == 3 and "does not know" in unknown.stderr
        with urllib.request.urlopen(urllib.request.Request(f"{url}/metrics", headers=BEARER)) as answer:
            assert b"shadowdiff_" in answer.read()
        code, _, _ = end(process, out)
    assert code == 0
    gone = subprocess.run([*ask, "--token", "s3cret"], capture_output=True, text=True)
    assert gone.returncode == 4 and "is the service running" in gone.stderr
    assert "s3cret" not in (out / "run.json").read_text()


def test_a_taken_port_ends_it_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.log").touch()
    with twins() as (blue, green):
        process = start(tmp_path / "a.log", blue, green, tmp_path / "run", "--api", f"127.0.0.1:{blue.port}")
        _, err = process.communicate(timeout=20)
    assert process.returncode == 2 and "cannot listen there" in err


def address_of(process: subprocess.Popen) -> str:
    """The URL that it says it answers at."""
    assert process.stderr is not None
    for text in process.stderr:
        found = re.search(r"(http://\S+)/api/v1/verdict", text)
        if found:
            return found[1]
    raise AssertionError("it did not say where it answers")
