"""Several processes on one log: the verdict of one, whatever dies, and one stop for all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter as Count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowdiff import tape
from shadowdiff.gate.count import Counter
from shadowdiff.gate.limits import Limits
from shadowdiff.gate.rules import EvidenceGate
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.tally import Ledger, Tally, merge
from shadowdiff.run import saved
from shadowdiff.tee.share import Share
from shadowdiff.testing import CannedServer, answer, comparison_of, exchange_of
from tests.e2e.targets import end, path_of, plain, start, twins, wait_for

FIXED = ("--no-control", "--stop-on", "none")


def mixed(path: Path, count: int = 600) -> Path:
    """Sessions, loners, a write, a broken line."""
    lines = []
    for n in range(count):
        ask = {"id": f"r{n}", "target": f"/item/x{n}", "ts": 1_700_000_000 + n / 8}
        if n % 3:
            ask["session"] = f"s{n % 40}"
        lines.append(json.dumps(ask))
    lines.insert(count // 2, json.dumps({"id": "w", "target": "/write", "method": "POST", "body": "x"}))
    lines.insert(count // 3, "{broken")
    path.write_text("\n".join(lines) + "\n")
    return path


def odd(path: str) -> bytes:
    if path.endswith("7"):
        return answer(b'{"path": "other"}', "200 OK", "Content-Type: application/json")
    return plain(path)


def replay(cli, log: Path, blue: CannedServer, green: CannedServer, out: str, *more: str) -> dict:
    done = cli("replay", log, "--blue", blue.url, "--green", green.url, "-o", out, "--json", "-q", *more)
    assert done.stdout.startswith("{"), done.stderr
    return json.loads(done.stdout) | {"code": done.returncode}


def settled(folder: Path) -> list[tuple[str, str, str, int]]:
    lines = [line for path in sorted(folder.glob("comparisons*.jsonl")) for line in tape.read(path)]
    return sorted((line["id"], line["outcome"], line["unit"], line["seq"]) for line in lines)


@pytest.mark.parametrize("more", [(), ("--sample", "60%"), ("-n", "250"), ("--loop", "2")])
def test_the_verdict_of_many_is_the_verdict_of_one(cli, tmp_path: Path, more: tuple[str, ...]) -> None:
    log = mixed(tmp_path / "log.jsonl")
    with twins(green=odd) as (blue, green):
        one = replay(cli, log, blue, green, "one", *FIXED, *more)
        many = replay(cli, log, blue, green, "many", *FIXED, *more, "--workers", "3")
    for name in ("verdict", "reason", "code", "divergence", "rules", "reasons"):
        assert one[name] == many[name], name
    drop = lambda route: {k: v for k, v in route.items() if not k.endswith("_ms")}  # noqa: E731
    assert [drop(route) for route in one["routes"]] == [drop(route) for route in many["routes"]]
    if "-n" in more:  # what a stopped reader holds to be sorted is nobody's yet
        one["ledger"] |= {"read": many["ledger"]["read"], "unsent": 0}
    assert one["ledger"] == many["ledger"]
    assert settled(tmp_path / "one") == settled(tmp_path / "many")
    assert len(list((tmp_path / "many").glob("comparisons-*.jsonl"))) == 3
    again = cli("gate", "many", "--json", "-q")
    assert json.loads(again.stdout)["divergence"] == many["divergence"] and again.returncode == many["code"]
    page = (tmp_path / "many" / "report.html").read_text()
    assert "r7" in page and "worker" not in many["notes"]


def test_turns_of_a_session_stay_with_one_worker_and_in_order(cli, tmp_path: Path) -> None:
    log = mixed(tmp_path / "log.jsonl", 400)
    with twins() as (blue, green):
        replay(cli, log, blue, green, "run", *FIXED, "--workers", "4", "--max-in-flight", "8")
        asked = [path_of(head) for head, _ in green.seen]
    place = {path: number for number, path in enumerate(asked)}
    seen: dict[str, Path] = {}
    for path in (tmp_path / "run").glob("comparisons-*.jsonl"):
        for line in tape.read(path):
            if "session" in line:
                assert seen.setdefault(line["session"], path) == path
    turns: dict[str, list[int]] = {}
    for n in range(400):
        if n % 3:
            turns.setdefault(f"s{n % 40}", []).append(place[f"/item/x{n}"])
    assert turns and all(places == sorted(places) for places in turns.values())


def slow(head: bytes, body: bytes) -> list:
    return [0.002, plain(path_of(head))]


def children(process: subprocess.Popen[str]) -> list[int]:
    """Worker processes of a run, by what their command lines say."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(stat[1]) == process.pid and b"spawn_main" in command:
                found.append(int(entry.name))
    return found


def test_a_worker_that_dies_goes_on_from_its_checkpoint_and_nothing_counts_twice(tmp_path: Path) -> None:
    log, out = mixed(tmp_path / "log.jsonl", 3000), tmp_path / "run"
    with CannedServer(slow) as blue, CannedServer(slow) as green:
        process = start(log, blue, green, out, *FIXED, "--workers", "2")
        wait_for(lambda: len(green.seen) > 200)
        os.kill(children(process)[0], signal.SIGKILL)
        said = end(process)
        asked = Count(path_of(head) for head, _ in green.seen)
    assert process.returncode == 0, said
    verdict = json.loads((out / "verdict.json").read_text())
    ledger = verdict["ledger"]
    assert ledger["sent"] == ledger["matched"] == 3000 and ledger["read"] == 3002
    assert [one[0] for one in settled(out)] == sorted(f"r{n}" for n in range(3000))
    assert "died (SIGKILL); it is started again from its checkpoint" in said
    assert any("died (SIGKILL) and went on" in note for note in verdict["notes"])
    assert len(asked) == 3000 and any(note.startswith("Resumed: ") for note in verdict["notes"])


def test_a_worker_that_always_dies_ends_the_run_as_not_measured(tmp_path: Path) -> None:
    log, out = mixed(tmp_path / "log.jsonl", 5000), tmp_path / "run"
    with CannedServer(slow) as blue, CannedServer(slow) as green:
        process = start(log, blue, green, out, *FIXED, "--workers", "2", "--rate", "100/s")
        first = [0]
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            for pid in children(process):
                if pid not in first:
                    first.append(pid)
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        said = end(process)
    assert process.returncode == 4 and "died 4 times" in said and "--resume goes on" in said


def test_one_early_stop_reaches_every_worker(cli, tmp_path: Path) -> None:
    log = mixed(tmp_path / "log.jsonl", 20_000)
    with twins(green=lambda path: answer(b"boom", "500 Oops")) as (blue, green):
        verdict = replay(cli, log, blue, green, "run", "--no-control", "--workers", "2")
    ledger = verdict["ledger"]
    assert verdict["code"] == 1 and 20 <= ledger["sent"] < 5000
    assert "Sending stopped: the verdict is reached." in verdict["notes"]
    assert ledger["read"] == ledger["sent"] + ledger["unsent"] + ledger["filtered"] + ledger["unreadable"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_drains_and_resumes_with_the_same_workers(cli, tmp_path: Path, how: signal.Signals) -> None:
    log, out = mixed(tmp_path / "log.jsonl", 3000), tmp_path / "run"
    with CannedServer(slow) as blue, CannedServer(slow) as green:
        process = start(log, blue, green, out, *FIXED, "--workers", "2")
        wait_for(lambda: len(green.seen) > 100)
        process.send_signal(how)
        end(process)
        assert process.returncode == 128 + how
        assert json.loads((out / "verdict.json").read_text())["verdict"] == "aborted"
        given = ("replay", log, "--blue", blue.url, "--green", green.url, "-o", out, *FIXED, "--resume")
        assert "was made with other settings" in cli(*given, "--workers", "3").stderr
        done = cli(*given, "--workers", "2")
    assert done.returncode == 0, done.stderr
    ledger = json.loads((out / "verdict.json").read_text())["ledger"]
    assert ledger["sent"] == ledger["matched"] == 3000 and ledger["read"] == 3002
    assert "Resumed: " in done.stderr


def test_what_cannot_be_shared_is_refused_before_anything_is_sent(cli, tmp_path: Path) -> None:
    log, given = mixed(tmp_path / "log.jsonl", 5), ("--blue", "http://127.0.0.1:9", "--green", "http://127.0.0.1:9")
    assert "between 1 and 256" in cli("replay", log, *given, "--workers", "0").stderr
    assert "raise --max-in-flight" in cli("replay", log, *given, "--workers", "40").stderr
    done = subprocess.run(
        [sys.executable, "-m", "shadowdiff", "replay", "/dev/stdin", *given, "--workers", "2"],
        input=log.read_text(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "can be read once" in done.stderr


def test_an_error_of_a_worker_is_the_error_of_the_run(cli, tmp_path: Path) -> None:
    log, out = mixed(tmp_path / "log.jsonl", 50), tmp_path / "run"
    (out / "comparisons-1.jsonl").mkdir(parents=True)
    with twins() as (blue, green):
        done = cli("replay", log, "--blue", blue.url, "--green", green.url, "-o", out, "--workers", "2")
    assert done.returncode == 2 and "cannot be written" in done.stderr and "Traceback" not in done.stderr


@given(st.lists(st.text(max_size=6), max_size=40), st.integers(1, 7))
def test_every_exchange_has_exactly_one_worker_and_parts_add_up(sessions: list[str], of: int) -> None:
    shares = [Share(number, of) for number in range(of)]
    for number, session in enumerate(sessions):
        one = exchange_of(id=f"r{number}", session=session or None)
        assert sum(share.holds(one) for share in shares) == 1
    assert sum(share.part(len(sessions)) for share in shares) == len(sessions)


def counted(shard: str, comparisons: list[Comparison]) -> Tally:
    ledger = Ledger(read=len(comparisons), sent=len(comparisons))
    counter = Counter(shard, ledger)
    for one in comparisons:
        counter.opened(one.unit, one.session is None, one.route)
        counter.add(one)
    counter.close_all()
    counter.tally.complete = True
    return counter.tally


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(list(Outcome)), st.integers(0, 30), st.booleans()), min_size=1, max_size=200),
    st.integers(1, 6),
    st.randoms(use_true_random=False),
)
def test_merged_shards_judge_as_one(made, of: int, rng) -> None:
    comparisons = []
    for number, (outcome, session, alone) in enumerate(made):
        name = None if alone else f"s{session}"
        unit = f"r{number}" if alone else f"s{session}#0"
        comparisons.append(comparison_of(outcome, number, session=name, unit=unit))
    where = {one.unit: rng.randrange(of) for one in comparisons}
    parts = [
        counted(f"run/{number}", [one for one in comparisons if where[one.unit] == number]) for number in range(of)
    ]
    told = [parts[rng.randrange(of)] for _ in range(2 * of)] + parts  # in any order, and again
    rng.shuffle(told)
    together = told[0]
    for one in told[1:]:
        together = merge(together, one)
    gate = EvidenceGate(Limits())
    assert gate.judge(together) == gate.judge(counted("run/0", comparisons))


def test_what_workers_collect_for_the_reports_adds_up(cli, tmp_path: Path) -> None:
    log = mixed(tmp_path / "log.jsonl")
    with twins(green=odd) as (blue, green):
        replay(cli, log, blue, green, "one", *FIXED)
        replay(cli, log, blue, green, "many", *FIXED, "--workers", "3")
    one, many = (saved.causes_of(tmp_path / name) for name in ("one", "many"))
    assert {name: cause.count for name, cause in one.found.items()} == {
        name: cause.count for name, cause in many.found.items()
    }
    summaries = [(tmp_path / name / "summary.md").read_text() for name in ("one", "many")]
    for text in ("60 (100%)", "at /n", "GET /item/{id}"):
        assert (text in summaries[0]) == (text in summaries[1])
