"""The main job through the real process: verdicts, exit codes, files, signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from shadowdiff.act.guard import broken_at
from shadowdiff.testing import CannedServer, answer, chunked
from tests.e2e.targets import end, log_of, path_of, plain, start, twins


def differs(path: str) -> bytes:
    return (
        answer(b'{"path": "other", "n": 1}', "200 OK", "Content-Type: application/json")
        if "/7/" in path or "/9/" in path
        else plain(path)
    )


def replay(cli, log: Path, blue, green, *more: object, out: str = "run"):
    done = cli("replay", log, "--blue", blue.url, "--green", green.url, "-o", out, "--json", *more)
    return done, json.loads(done.stdout) if done.stdout.startswith("{") else {}


def test_equal_releases_pass_and_every_file_is_there(cli, tmp_path: Path) -> None:
    with twins() as (blue, green):
        done, verdict = replay(cli, log_of(tmp_path / "log.jsonl", 300), blue, green)
    assert (done.returncode, verdict["verdict"]) == (0, "pass"), done.stderr
    names = {p.name for p in (tmp_path / "run").iterdir()}
    assert names >= {
        "verdict.json",
        "comparisons.jsonl",
        "report.html",
        "junit.xml",
        "summary.md",
        "metrics.prom",
        "run.json",
        "state.json",
    }
    assert json.loads((tmp_path / "run" / "verdict.json").read_text()) == verdict
    assert broken_at(tmp_path / "audit.jsonl") is None
    ledger = verdict["ledger"]
    assert ledger["read"] == ledger["sent"] == ledger["matched"] == 300
    for line in (tmp_path / "run" / "comparisons.jsonl").read_text().splitlines():
        assert {"id", "route", "outcome", "rules", "scores", "timings"} <= set(json.loads(line))


def test_a_differing_release_fails_and_names_the_route(cli, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(
        "".join(json.dumps({"target": f"/{'orders' if n % 10 == 0 else 'items'}/{n}"}) + "\n" for n in range(400))
    )
    wrong = answer(b'{"n": "text now"}', "200 OK", "Content-Type: application/json")
    with twins(green=lambda path: wrong if path.startswith("/orders") else plain(path)) as (blue, green):
        done, verdict = replay(cli, log, blue, green, "--stop-on", "none")
    assert (done.returncode, verdict["verdict"]) == (1, "fail")
    assert verdict["routes"][0]["route"] == "GET /orders/{id}" and verdict["routes"][0]["mismatched"] == 40
    assert verdict["ledger"]["sent"] == 400


def test_a_fail_stops_early_and_the_rest_of_the_log_is_not_read(cli, tmp_path: Path) -> None:
    with twins(green=lambda path: answer(b"boom", "500 Oops")) as (blue, green):
        done, verdict = replay(cli, log_of(tmp_path / "log.jsonl", 5000), blue, green)
    ledger = verdict["ledger"]
    assert done.returncode == 1 and 20 <= ledger["sent"] < 200
    assert ledger["read"] == ledger["sent"] + ledger["unsent"]
    assert "Sending stopped: the verdict is reached." in verdict["notes"]


def test_a_recorded_status_that_blue_does_not_repeat_is_no_baseline(cli, tmp_path: Path) -> None:
    denied = lambda path: answer(b"who are you", "401 Unauthorized")  # noqa: E731
    with twins(denied, denied) as (blue, green):
        done, verdict = replay(cli, log_of(tmp_path / "log.jsonl", 200, response={"status": 200}), blue, green)
    assert (done.returncode, verdict["verdict"], verdict["fidelity"]) == (3, "inconclusive", 0.0)
    assert "--blue-header" in verdict["reason"] and "401" in verdict["reason"]


def test_a_short_log_is_inconclusive_and_says_how_much_is_needed(cli, tmp_path: Path) -> None:
    with twins() as (blue, green):
        done, verdict = replay(cli, log_of(tmp_path / "log.jsonl", 40), blue, green)
    assert done.returncode == 3 and "at least 100 requests" in verdict["reason"]


def test_a_green_that_is_down_fails_and_a_blue_that_is_down_cannot_be_measured(cli, tmp_path: Path) -> None:
    from tests.servers.nginx import free_port

    log = log_of(tmp_path / "log.jsonl", 10)
    nobody = f"http://127.0.0.1:{free_port()}"
    with twins() as (blue, _):
        done = cli("replay", log, "--blue", blue.url, "--green", nobody, "-o", "a")
        assert done.returncode == 1 and "green is down" in done.stderr
        done = cli("replay", log, "--blue", nobody, "--green", blue.url, "-o", "b")
    assert done.returncode == 4 and "--blue cannot be reached" in done.stderr


def test_the_captured_answers_can_stand_in_for_blue(cli, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    lines = [
        {"target": f"/a/{n}", "response": {"status": 200, "json": {"path": f"/a/{n}", "n": len(f"/a/{n}")}}}
        for n in range(150)
    ]
    lines.append({"target": "/no-answer"})
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with twins() as (_, green):
        done = cli("replay", log, "--blue", "recorded", "--green", green.url, "-o", "run", "--json")
    verdict = json.loads(done.stdout)
    assert (done.returncode, verdict["fidelity"]) == (0, None), done.stderr
    assert verdict["ledger"]["errored"] == 1 and verdict["ledger"]["sent"] == 151


def test_a_twin_subtracts_what_varies(cli, tmp_path: Path) -> None:
    import itertools

    ticks = itertools.count()

    def noisy(path: str) -> bytes:
        noise = (
            "a totally different sentence about the weather"
            if next(ticks) % 3 == 0
            else "the same words about the order every time"
        )
        return answer(
            json.dumps({"text": f"{noise}, said again: {noise}"}).encode(), "200 OK", "Content-Type: application/json"
        )

    with twins(noisy, noisy) as (blue, green), CannedServer(lambda head, body: [noisy("")]) as twin:
        done, verdict = replay(cli, log_of(tmp_path / "log.jsonl", 1500), blue, green, "--twin", twin.url)
    assert verdict["divergence"]["noise"]["kind"] == "twin"
    assert verdict["verdict"] != "fail" and abs(verdict["divergence"]["rate"]) < 0.15, verdict["reason"]
    assert done.returncode in (0, 3)


def test_secrets_reach_blue_only_when_asked_and_never_a_file(cli, tmp_path: Path) -> None:
    secret = "sup3rS3cretT0ken"
    log = tmp_path / "log.jsonl"
    log.write_text(
        "".join(
            json.dumps(
                {
                    "id": f"r{n}",
                    "target": f"/x?token={secret}",
                    "headers": {"Authorization": f"Bearer {secret}", "Cookie": f"s={secret}"},
                }
            )
            + "\n"
            for n in range(60)
        )
    )
    leaky = lambda path: answer(f'{{"access_token": "{secret}", "n": 2}}'.encode())  # noqa: E731
    with twins(lambda path: answer(b'{"n": 1}'), leaky) as (blue, green):
        done = cli(
            "replay",
            log,
            "--blue",
            blue.url,
            "--green",
            green.url,
            "-o",
            "run",
            "--green-header",
            f"X-Api-Key: {secret}",
            "--stop-on",
            "none",
        )
        heads = [head for head, _ in blue.seen]
    assert done.returncode == 1
    assert all(b"Authorization" not in head and b"Cookie" not in head for head in heads)
    assert secret not in done.stderr + done.stdout
    for path in [*(tmp_path / "run").iterdir(), tmp_path / "audit.jsonl"]:
        assert secret not in path.read_text("utf-8", "replace"), path.name


def test_ctrl_c_flushes_marks_the_run_and_exits_130(tmp_path: Path) -> None:
    slow = lambda head, body: [0.05, plain(path_of(head))]  # noqa: E731
    log = log_of(tmp_path / "log.jsonl", 20_000)
    with CannedServer(slow) as blue, CannedServer(slow) as green:
        process = start(log, blue, green, tmp_path / "run")
        wait_for_lines(tmp_path / "run" / "comparisons.jsonl", 20)
        process.send_signal(signal.SIGINT)
        errors = end(process)
    verdict = json.loads((tmp_path / "run" / "verdict.json").read_text())
    assert (process.returncode, verdict["verdict"], verdict["exit_code"]) == (130, "aborted", 130), errors
    ledger = verdict["ledger"]
    assert ledger["sent"] == ledger["matched"] + ledger["mismatched"] + ledger["ignored"] + ledger["errored"]
    assert ledger["read"] == ledger["sent"] + ledger["unsent"]


def test_a_killed_run_leaves_a_tape_that_can_be_judged(cli, tmp_path: Path) -> None:
    slow = lambda head, body: [0.01, plain(path_of(head))]  # noqa: E731
    log = log_of(tmp_path / "log.jsonl", 20_000)
    with CannedServer(slow) as blue, CannedServer(slow) as green:
        process = start(log, blue, green, tmp_path / "run")
        wait_for_lines(tmp_path / "run" / "comparisons.jsonl", 300)
        process.kill()
        end(process)
    assert not (tmp_path / "run" / "verdict.json").exists()
    done = cli("gate", "run", "--json")
    verdict = json.loads(done.stdout)
    assert (done.returncode, verdict["verdict"]) == (3, "inconclusive") and "did not finish" in verdict["reason"]
    assert verdict["ledger"]["sent"] >= 300


def wait_for_lines(path: Path, count: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if path.exists() and path.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} never reached {count} lines")


def test_a_crash_is_70_and_never_1(tmp_path: Path) -> None:
    code = "import sys; sys.argv = ['shadowdiff', 'inspect', 'x']; import shadowdiff.cli.look as look; look.describe = lambda *a: 1 / 0; from shadowdiff.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=os.environ, check=False
    )
    assert done.returncode == 70 and "this is a bug in shadowdiff" in done.stderr


def test_sessions_are_the_unit_and_stay_in_order(cli, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(
        "".join(
            json.dumps({"target": f"/s{s}/turn{t}", "session": f"s{s}", "ts": 1780300800 + t * 60}) + "\n"
            for t in range(3)
            for s in range(120)
        )
    )
    with twins() as (blue, green):
        done, verdict = replay(cli, log, blue, green)
        order = [path_of(head) for head, _ in green.seen]
    assert done.returncode == 0, done.stderr
    assert (verdict["divergence"]["n"], verdict["divergence"]["unit"]) == (120, "session")
    for s in range(120):
        assert [p for p in order if p.startswith(f"/s{s}/")] == [f"/s{s}/turn{t}" for t in range(3)]


@pytest.mark.parametrize("mode", [["--stop-on", "any"], ["--mode", "simple"], ["--transport", "aiohttp"]])
def test_other_ways_to_run_reach_the_same_verdict(cli, tmp_path: Path, mode: list[str]) -> None:
    with twins() as (blue, green):
        done, verdict = replay(cli, log_of(tmp_path / "log.jsonl", 2000), blue, green, *mode)
    assert done.returncode == 0, done.stderr
    assert (verdict["ledger"]["sent"] < 2000) == ("any" in mode)


def test_verdict_json_matches_its_published_schema(cli, tmp_path: Path) -> None:
    from tests.conftest import ROOT

    schema = json.loads((ROOT / "docs" / "reference" / "verdict.schema.json").read_text())
    with twins(green=differs) as (blue, green):
        _, verdict = replay(cli, log_of(tmp_path / "log.jsonl", 300), blue, green)
    jsonschema.validate(verdict, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**verdict, "verdict": "maybe"}, schema)


def test_a_full_disk_is_one_clear_line_and_no_verdict(tmp_path: Path) -> None:
    import resource

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    with twins() as (blue, green):
        done = subprocess.run(
            [sys.executable, "-m", "shadowdiff", "replay", str(log_of(tmp_path / "log.jsonl", 2000)), "--blue", blue.url, "--green", green.url, "-o", str(tmp_path / "run")],
            capture_output=True, text=True, preexec_fn=small_files, check=False, timeout=60,
        )  # fmt: skip
    assert done.returncode == 4, done.stderr
    assert "results cannot be written" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "run" / "verdict.json").exists()


def test_a_token_budget_stops_on_what_the_answers_say_they_used(cli, tmp_path: Path) -> None:
    chat = {
        "object": "chat.completion",
        "choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}],
        "usage": {"total_tokens": 10},
    }
    reply = lambda path: answer(json.dumps(chat).encode(), "200 OK", "Content-Type: application/json")  # noqa: E731
    with twins(reply, reply) as (blue, green):
        done, verdict = replay(
            cli, log_of(tmp_path / "log.jsonl", 3000), blue, green, "--budget", "2k-tokens", "--no-control"
        )
    assert any("budget of 2000-tokens is spent" in note for note in verdict["notes"]), done.stderr
    assert 100 <= verdict["ledger"]["sent"] < 160 and done.returncode in (0, 3)


@pytest.mark.long
def test_a_blue_that_dies_is_given_up_and_the_verdict_says_so(cli, tmp_path: Path) -> None:
    import itertools

    asked = itertools.count()
    dying = lambda path: plain(path) if next(asked) < 40 else answer(b"broken", "500 Oops")  # noqa: E731
    with twins(blue=dying) as (blue, green):
        done, verdict = replay(cli, log_of(tmp_path / "log.jsonl", 3000), blue, green, "--no-control")
    assert (done.returncode, verdict["verdict"]) == (3, "inconclusive"), done.stderr
    assert "blue itself is failing" in verdict["reason"] and any("blue failed" in note for note in verdict["notes"])
    assert verdict["ledger"]["sent"] < 400


def test_a_stream_sent_byte_by_byte_equals_the_one_sent_whole(cli, tmp_path: Path) -> None:
    """Chinese, streamed, one byte a chunk: no character is broken and nothing differs."""
    said = ["您好，", "保修期是", "两年。", "以上内容仅供参考。"]
    events = [{"choices": [{"delta": {"content": piece}}]} for piece in said]
    events.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    body = ("".join(f"data: {json.dumps(e, ensure_ascii=False)}\n\n" for e in events) + "data: [DONE]\n\n").encode()
    kind = "Content-Type: text/event-stream"
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps({"target": f"/chat?n={n}"}) + "\n" for n in range(5)))
    with (
        CannedServer(lambda head, _: [answer(body, "200 OK", kind)]) as blue,
        CannedServer(lambda head, _: [chunked([body[i : i + 1] for i in range(len(body))], kind)]) as green,
    ):
        done = cli("replay", log, "--blue", blue.url, "--green", green.url, "-o", tmp_path / "run", "--store-bodies", "all",
                   "--json")  # fmt: skip
    assert json.loads(done.stdout)["ledger"]["matched"] == 5
    line = json.loads((tmp_path / "run" / "comparisons.jsonl").read_text().splitlines()[0])
    assert line["green"]["body"].startswith("".join(said)) and "\ufffd" not in line["green"]["body"]


def test_a_difference_that_does_not_come_back_is_said_and_still_counts(cli, tmp_path: Path) -> None:
    """Green is wrong for `/7/` always and for `/9/` the first time only."""
    seen: dict[str, int] = {}

    def green(path: str) -> bytes:
        seen[path] = seen.get(path, 0) + 1
        return differs(path) if "/7/" in path or seen[path] == 1 else plain(path)

    with twins(green=green) as (blue, candidate):
        done, verdict = replay(
            cli, log_of(tmp_path / "log.jsonl", 50), blue, candidate, "--confirm", "2", "--stop-on", "none"
        )
    assert verdict["ledger"]["mismatched"] == 2 and verdict["ledger"]["sent"] == 50, done.stderr
    assert verdict["confirmed"] == {"asked": 2, "always": 1, "sometimes": 0, "never": 1}
    assert "came back each time" in done.stderr
    shown = cli("show", "run", "r9")
    assert "the difference came back 0 of 2 times" in shown.stdout
    assert "came back 2 of 2 times" in (tmp_path / "run" / "report.html").read_text()
