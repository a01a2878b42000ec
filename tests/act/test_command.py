"""Commands get the verdict, run without a shell, and end with everything they started."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest

from shadowdiff.act.command import ENVIRONMENT, Command
from shadowdiff.act.guard import Guard, Step
from shadowdiff.config import load
from shadowdiff.errors import ActionRefused, UsageError
from shadowdiff.model.verdict import Status, Verdict

FAIL = Verdict(verdict=Status.FAIL, reason="too different; $(touch x) `touch y`", exit_code=1, candidate="v2")


def run(*code: str) -> str:
    return asyncio.run(Command([sys.executable, "-c", *code]).act(FAIL))


def test_the_verdict_is_on_stdin_and_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = run(
        "import json, os, sys; v = json.load(sys.stdin); print(v['verdict'], os.environ['SHADOWDIFF_VERDICT'], "
        "os.environ['SHADOWDIFF_CANDIDATE'], os.environ['SHADOWDIFF_REASON'])"
    )
    assert said.startswith("fail fail v2 too different") and not list(tmp_path.iterdir()), "no shell has read it"


def test_what_it_says_last_is_kept_and_a_failure_is_not_tried_again() -> None:
    assert run("print('a' * 900, 'the end')").endswith("the end")
    with pytest.raises(ActionRefused, match="exited with 3: no rights"):
        run("import sys; print('no rights'); sys.exit(3)")
    with pytest.raises(ActionRefused, match="cannot be run"):
        asyncio.run(Command(["/nowhere/stop"]).act(FAIL))


def test_one_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "late"
    child = f"import time, pathlib; time.sleep(1.5); pathlib.Path({str(mark)!r}).touch()"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    step = Step("stop", ("fail",), Command([sys.executable, "-c", code]), deadline_s=0.5, attempts=1)
    assert asyncio.run(Guard(None, [step]).act(FAIL, "r")) == ["stop: no result within 0.5 s"]
    time.sleep(1.5)
    assert not mark.exists()


def test_a_dry_run_says_what_would_run() -> None:
    told = Command(["./stop", "the release"]).plan(FAIL)
    assert told.endswith("./stop 'the release' < verdict.json") and "SHADOWDIFF_VERDICT=fail" in told


def test_no_command_is_a_usage_error_and_its_environment_is_no_config() -> None:
    with pytest.raises(UsageError, match="the program and its arguments"):
        Command([])
    assert load(None, {}, dict.fromkeys(ENVIRONMENT, "x")) == load(None, {}, {})
