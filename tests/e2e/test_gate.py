"""The gate through the real process: other criteria, twins, sessions, routes, census, and the verdict repeated."""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

from shadowdiff.testing import CannedServer, answer
from tests.e2e.targets import Reply, log_of, path_of, plain, twins


@contextlib.contextmanager
def three(blue: Reply, green: Reply, twin: Reply) -> Iterator[tuple[CannedServer, CannedServer, CannedServer]]:
    with twins(blue, green) as (one, two), CannedServer(lambda head, body: [twin(path_of(head))]) as other:
        yield one, two, other


def run(cli, log: Path, blue: CannedServer, green: CannedServer, *more: object) -> tuple[int, dict, str]:
    done = cli("replay", log, "--blue", blue.url, "--green", green.url, "-o", "run", "--json", *more)
    assert done.returncode in (0, 1, 3), done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


def repeated(cli, verdict: dict, code: int) -> None:
    """`gate` says of the saved results what `replay` said."""
    again = cli("gate", "run", "--json")
    assert again.returncode == code, again.stderr
    saved = json.loads(again.stdout)
    assert saved["reason"] == verdict["reason"] and saved["rules"] == verdict["rules"]


def test_a_green_that_answers_alike_but_slower_is_stopped_by_its_limit_alone(cli, tmp_path: Path) -> None:
    def slow(path: str) -> bytes:
        time.sleep(0.03)
        return plain(path)

    with twins(green=slow) as (blue, green):
        log = log_of(tmp_path / "log.jsonl", 150)
        code, verdict, _ = run(cli, log, blue, green, "--max-slowdown", "50%", "--max-in-flight", "2")
        assert code == 1 and "slower than the 50% allowed" in verdict["reason"]
        assert [rule["name"] for rule in verdict["rules"]] == ["divergence", "latency"]
        repeated(cli, verdict, 1)
        assert run(cli, log, blue, green)[0] == 0


def test_errors_of_green_have_a_limit_of_their_own(cli, tmp_path: Path) -> None:
    """4 % of answers fail: within a divergence of 20 %, not within errors of 1 %."""
    broken = lambda path: answer(b"boom", "500 Oops") if path.endswith(("/7/x", "/19/x")) else plain(path)  # noqa: E731
    with twins(green=broken) as (blue, green):
        limits = ("--max-divergence", "20%", "--max-errors", "1%")
        code, verdict, err = run(cli, log_of(tmp_path / "log.jsonl", 1500), blue, green, *limits)
    assert code == 1 and "green fails in" in verdict["reason"], err
    assert {rule["name"]: rule["status"] for rule in verdict["rules"]}["errors"] == "fail"
    assert "2 criteria share one error" in " ".join(verdict["notes"])


def noisy(seed: int) -> Reply:
    """A service that says one of two things to one request in three."""
    rng = random.Random(seed)

    def reply(path: str) -> bytes:
        said = rng.randrange(2) if int(path.split("/")[2]) % 3 == 0 else 0
        return answer(json.dumps({"v": said}).encode(), "200 OK", "Content-Type: application/json")

    return reply


def test_a_twin_takes_the_noise_out_of_the_verdict(cli, tmp_path: Path) -> None:
    """Learnt paths would hide this noise: what blue shows against the twin at /v is accepted, so it stays ignored."""
    log = log_of(tmp_path / "log.jsonl", 600)
    ignore = ("--stop-on", "none")
    with three(noisy(1), noisy(2), noisy(3)) as (blue, green, twin):
        code, verdict, _ = run(cli, log, blue, green, "--twin", twin.url, *ignore)
        assert code == 0 and verdict["divergence"]["noise"]["kind"] == "twin"
        repeated(cli, verdict, 0)

    def changed(path: str) -> bytes:
        return answer(b'{"other": 1}', "200 OK", "Content-Type: application/json") if "/4" in path else noisy(2)(path)

    with three(noisy(1), changed, noisy(3)) as (blue, green, twin):
        code, verdict, _ = run(cli, log, blue, green, "--twin", twin.url, *ignore)
        assert code == 1 and "more requests than a second blue does" in verdict["reason"]
        repeated(cli, verdict, 1)


def test_a_twin_for_a_share_subtracts_the_noise_as_a_rate(cli, tmp_path: Path) -> None:
    with three(plain, lambda path: answer(b"other") if "/4" in path else plain(path), plain) as (blue, green, twin):
        code, verdict, _ = run(
            cli, log_of(tmp_path / "log.jsonl", 900), blue, green, "--twin", twin.url, "--control-share", "30%"
        )
        assert code == 1 and verdict["divergence"]["noise"]["kind"] == "twin, for a share"
        assert 0 < len(twin.seen) < 0.5 * len(blue.seen)
        repeated(cli, verdict, 1)


def test_sessions_that_differ_as_a_whole_are_not_counted_by_request(cli, tmp_path: Path) -> None:
    """One session in ten is wrong in each of its turns: 4 of 40 units, where requests would claim 32 of 320."""
    log = tmp_path / "log.jsonl"
    log.write_text(
        "".join(
            json.dumps({"target": f"/chat/{s}/{t}", "session": f"s{s}"}) + "\n" for t in range(8) for s in range(40)
        )
    )
    wrong = lambda path: answer(b"no") if int(path.split("/")[2]) % 10 == 0 else plain(path)  # noqa: E731
    with twins(green=wrong) as (blue, green):
        code, verdict, err = run(cli, log, blue, green, "--stop-on", "none")
        assert code == 3 and verdict["divergence"]["n"] == 40 and verdict["divergence"]["unit"] == "session"
        assert "correlated 1.00" in err
        (tmp_path / "by.toml").write_text('[gate]\nunit = "request"\n')
        code, verdict, _ = run(cli, log, blue, green, "--stop-on", "none", "-c", "by.toml")
        assert code == 3 and "differ together (correlation 1.00" in verdict["reason"]
        repeated(cli, verdict, 3)


def test_a_rare_route_that_breaks_stops_a_release_that_looks_well(cli, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(
        "".join(json.dumps({"target": f"/{'rare' if n % 40 == 0 else 'main'}/{n}"}) + "\n" for n in range(1600))
    )
    with twins(green=lambda path: answer(b"gone", "404 No") if path.startswith("/rare") else plain(path)) as pair:
        code, verdict, _ = run(cli, log, *pair)
    assert code == 1 and verdict["divergence"]["rate"] < 0.05 and "GET /rare/{id}" in verdict["reason"]


def test_prepared_questions_are_a_census(cli, tmp_path: Path) -> None:
    log = tmp_path / "questions.jsonl"
    questions = [{"id": f"q{n}", "target": f"/ask/{n}", "expect": {"contains": [str(n)]}} for n in range(12)]
    log.write_text("".join(json.dumps(line) + "\n" for line in questions))

    def forgets(path: str) -> bytes:
        other = answer(b'{"path":"?"}', "200 OK", "Content-Type: application/json")
        return other if path == "/ask/7" else plain(path)

    with twins(green=forgets) as (blue, green):
        code, verdict, _ = run(cli, log, blue, green, "--mode", "census")
        assert code == 1 and "1 of the" in verdict["reason"]
        code, verdict, _ = run(cli, log, blue, green, "--mode", "census", "--max-mismatches", "1")
        assert code == 0 and "1 of the 12 prepared questions" in verdict["reason"]
        repeated(cli, verdict, 0)
