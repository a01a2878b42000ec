"""The guard: once, with retries, an audit line always, a chain that shows tampering."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from shadowdiff.act import guard as module
from shadowdiff.act.guard import Guard, Step, append, broken_at, stop_failed
from shadowdiff.errors import ActionError, ActionRefused
from shadowdiff.model.verdict import Status, Verdict

FAIL = Verdict(verdict=Status.FAIL, reason="too different", exit_code=1)


class Stop:
    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.calls = 0

    async def act(self, verdict: Verdict) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise RuntimeError("cluster said no; Bearer abcdefgh12345678")
        return "stopped"

    def plan(self, verdict: Verdict) -> str:
        return "would stop it"


def run(guard: Guard, verdict: Verdict = FAIL) -> list[str]:
    return asyncio.run(guard.act(verdict, "r1"))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(_: float) -> None: ...

    monkeypatch.setattr(module.asyncio, "sleep", at_once)


def test_an_action_runs_once_for_the_verdicts_it_names(tmp_path: Path) -> None:
    stop, other = Stop(), Stop()
    guard = Guard(tmp_path / "audit.jsonl", [Step("stop", ("fail",), stop), Step("other", ("pass",), other)])

    async def twice() -> None:
        await guard.act(FAIL, "r1")
        await guard.act(FAIL, "r1")

    asyncio.run(twice())
    assert (stop.calls, other.calls) == (1, 0)


def test_a_failing_action_is_retried_audited_and_then_raised(tmp_path: Path) -> None:
    assert run(Guard(tmp_path / "a.jsonl", [Step("stop", ("fail",), Stop(failures=2))])) == []
    failed = run(Guard(tmp_path / "a.jsonl", [Step("stop", ("fail",), Stop(failures=9))]))
    with pytest.raises(ActionError, match="stop"):
        stop_failed(FAIL, failed)
    stop_failed(Verdict(verdict=Status.PASS, reason="", exit_code=0), failed)  # a failed message is no failed stop
    text = (tmp_path / "a.jsonl").read_text()
    assert text.count("\n") == 2 and '"ok":false' in text and "abcdefgh12345678" not in text


def test_dry_run_calls_nothing(tmp_path: Path) -> None:
    stop = Stop()
    said: list[str] = []
    run(Guard(tmp_path / "a.jsonl", [Step("stop", ("fail",), stop)], mode="dry-run", say=said.append))
    assert stop.calls == 0 and "would stop it" in (tmp_path / "a.jsonl").read_text()
    assert said == ["action stop: dry run: would stop it"]
    run(Guard(tmp_path / "a.jsonl", [Step("stop", ("fail",), stop)], mode="off", say=said.append))
    assert stop.calls == 0 and len(said) == 1


def test_what_is_refused_for_good_is_not_tried_again(tmp_path: Path) -> None:
    class Refused(Stop):
        async def act(self, verdict: Verdict) -> str:
            self.calls += 1
            raise ActionRefused("forbidden")

    stop = Refused()
    assert run(Guard(None, [Step("stop", ("fail",), stop)])) == ["stop: forbidden"] and stop.calls == 1


def test_an_action_that_hangs_ends_at_its_deadline() -> None:
    class Hung(Stop):
        async def act(self, verdict: Verdict) -> str:
            await asyncio.Event().wait()
            return ""

    failed = run(Guard(None, [Step("stop", ("fail",), Hung(), deadline_s=0.05, attempts=2)]))
    assert failed == ["stop: no result within 0.05 s"]


def test_what_must_be_repeated_is_while_it_fails_and_a_verdict_taken_back_may_come_again(tmp_path: Path) -> None:
    now = [0.0]

    class Alert(Stop):
        resend_s = 60.0

    alert, once = Alert(), Stop()
    steps = [Step("alert", ("fail", "pass"), alert), Step("once", ("fail",), once)]
    guard = Guard(tmp_path / "a.jsonl", steps, clock=lambda: now[0])

    async def through() -> None:
        await guard.act(FAIL, "r1")
        for now[0] in (30.0, 61.0, 90.0, 122.0):
            await guard.again(FAIL)
        guard.forget("")
        await guard.act(FAIL, "r1")

    asyncio.run(through())
    assert (alert.calls, once.calls) == (4, 2)
    assert (tmp_path / "a.jsonl").read_text().count("\n") == 2, "repeats are no new deed"


def test_after_a_restart_what_was_done_is_not_done_again(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    failing, stop = Stop(failures=9), Stop()
    run(Guard(path, [Step("stop", ("fail",), failing)]))
    retried = Guard(path, [Step("stop", ("fail",), stop)])
    retried.recall("r1")
    assert run(retried) == [] and stop.calls == 1, "what failed is tried again"
    again = Guard(path, [Step("stop", ("fail",), stop)])
    again.recall("r1")
    assert run(again) == [] and stop.calls == 1
    other = Guard(path, [Step("stop", ("fail",), stop)])
    other.recall("r2")
    assert run(other) == [] and stop.calls == 2


def test_the_audit_chain_shows_a_changed_and_a_missing_line(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for number in range(4):
        append(path, {"n": number})
    assert broken_at(path) is None and path.stat().st_mode & 0o777 == 0o600
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1].replace(b'"n":1', b'"n":7') + lines[2])
    assert broken_at(path) == 2
    path.write_bytes(lines[0] + lines[2])
    assert broken_at(path) == 2
