"""The guard: once, with retries, an audit line always, a chain that shows tampering."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from shadowdiff.act import guard as module
from shadowdiff.act.guard import Guard, Step, append, broken_at
from shadowdiff.errors import ActionError
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


def run(guard: Guard, verdict: Verdict = FAIL) -> None:
    asyncio.run(guard.act(verdict, "r1"))


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
    run(Guard(tmp_path / "a.jsonl", [Step("stop", ("fail",), Stop(failures=2))]))
    with pytest.raises(ActionError, match="stop"):
        run(Guard(tmp_path / "a.jsonl", [Step("stop", ("fail",), Stop(failures=9))]))
    text = (tmp_path / "a.jsonl").read_text()
    assert text.count("\n") == 2 and '"ok":false' in text and "abcdefgh12345678" not in text


def test_dry_run_calls_nothing(tmp_path: Path) -> None:
    stop = Stop()
    run(Guard(tmp_path / "a.jsonl", [Step("stop", ("fail",), stop)], dry_run=True))
    assert stop.calls == 0 and "dry run" in (tmp_path / "a.jsonl").read_text()


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
