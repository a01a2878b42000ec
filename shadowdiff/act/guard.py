"""Every action goes through here: once a verdict, with a deadline and retries, and one audit line.

`audit.jsonl` is append-only across runs and hash-chained: each line carries the SHA-256 of the line
before it, so that a removed or edited line shows. It lies in the run folder's parent.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import orjson

from shadowdiff import redact
from shadowdiff.contracts import Action
from shadowdiff.errors import ActionError, ActionRefused
from shadowdiff.model.verdict import Status, Verdict

GENESIS = "0" * 64
ATTEMPTS = 3
DEADLINE_S = 30.0


class Step(msgspec.Struct, frozen=True):
    """One configured action: its name, when it acts, how long one try may take, how many there are."""

    name: str
    on: tuple[str, ...]
    action: Action
    deadline_s: float = DEADLINE_S
    attempts: int = ATTEMPTS


class Guard:
    """Acts once for each verdict of a candidate, and audits whether or not there is anything to do."""

    def __init__(
        self,
        audit: Path | None,
        steps: Sequence[Step] = (),
        *,
        mode: str = "on",
        say: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`mode` is on, dry-run (every action says exactly what it would do) or off. `say` hears what was done."""
        self._audit = audit
        self._steps = tuple(steps)
        self._mode = mode
        self._say = say
        self._clock = clock
        self._acted: dict[tuple[str, str, str], list[str]] = {}
        self._sent: dict[str, float] = {}

    async def act(self, verdict: Verdict, run: str) -> list[str]:
        """Run the actions for this verdict and write the audit line; what failed, a line each."""
        key = (verdict.candidate, verdict.step, str(verdict.verdict))
        if key in self._acted:
            return self._acted[key]
        failed: list[str] = []
        results: list[dict[str, Any]] = []
        for step in self._steps if self._mode != "off" else ():
            if str(verdict.verdict) not in step.on:
                continue
            done, text = await self._one(step, verdict)
            text = redact.text(text)
            results.append({"action": step.name, "ok": done, "result": text})
            self._say(f"action {step.name}: {text}" if done else f"warning: action {step.name} failed: {text}")
            if not done:
                failed.append(f"{step.name}: {text}")
        if self._audit is not None:
            append(self._audit, entry(verdict, run, results))
        self._acted[key] = failed
        return failed

    def recall(self, run: str) -> None:
        """What an earlier process of this run has done, by the audit log, is not done again."""
        if self._audit is None or not self._audit.exists():
            return
        with self._audit.open("rb") as file:
            for raw in file:
                try:
                    line = orjson.loads(raw)
                except orjson.JSONDecodeError:
                    continue
                if line.get("run") == run and line.get("actions") and all(one["ok"] for one in line["actions"]):
                    self._acted[line["candidate"], line.get("step", ""), line["verdict"]] = []

    async def again(self, verdict: Verdict) -> None:
        """Let actions that must be repeated (an alert that would end) do so, when it is time."""
        for step in self._steps if self._mode == "on" else ():
            every = getattr(step.action, "resend_s", 0.0)
            due = self._sent.get(step.name, float("inf")) + every
            if every and str(verdict.verdict) == "fail" and "fail" in step.on and self._clock() >= due:
                await self._one(step, verdict)

    def adopt(self, steps: Sequence[Step], mode: str) -> None:
        """Other actions from now on; what was done stays done."""
        self._steps, self._mode = tuple(steps), mode

    def forget(self, candidate: str) -> None:
        """A verdict of `candidate` that was taken back may be reached again."""
        for key in [key for key in self._acted if key[0] == candidate]:
            del self._acted[key]

    async def _one(self, step: Step, verdict: Verdict) -> tuple[bool, str]:
        if self._mode == "dry-run":
            plan = getattr(step.action, "plan", None)
            return True, "dry run: " + (plan(verdict) if plan is not None else "it cannot say what it would do")
        self._sent[step.name] = self._clock()
        return await _attempt(step, verdict)


async def _attempt(step: Step, verdict: Verdict) -> tuple[bool, str]:
    text = ""
    for attempt in range(max(1, step.attempts)):
        if attempt:
            await asyncio.sleep(2.0**attempt / 2)
        try:
            async with asyncio.timeout(step.deadline_s):
                return True, await step.action.act(verdict)
        except ActionRefused as error:
            return False, str(error)
        except TimeoutError:
            text = f"no result within {step.deadline_s:g} s"
        except Exception as error:  # an action's failure, whatever it is, must reach the audit line and exit code
            text = f"{type(error).__name__}: {error}"
    return False, text


def stop_failed(verdict: Verdict, failed: Sequence[str]) -> None:
    """Raises `ActionError` where a release that must stop was not stopped."""
    if failed and verdict.verdict is Status.FAIL:
        raise ActionError(f"the stop action failed: {'; '.join(failed)}")


def entry(verdict: Verdict, run: str, actions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the audit log keeps of a verdict."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": run,
        "verdict": str(verdict.verdict),
        "exit_code": verdict.exit_code,
        "reason": verdict.reason,
        "service": verdict.service,
        "candidate": verdict.candidate,
        "step": verdict.step,
        "config_hash": verdict.config_hash,
        "ledger": verdict.ledger,
        "actions": list(actions),
    }


def note(path: Path, run: str, event: str, said: dict[str, Any]) -> None:
    """Add a line about what somebody else did or told: a controller's event, a rollback."""
    append(path, {"at": datetime.now(UTC).isoformat(timespec="seconds"), "run": run, "event": event, **said})


def append(path: Path, line: dict[str, Any]) -> None:
    """Append one line chained to the last; a lock keeps two runs from forking the chain."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        path.chmod(0o600)
        previous = _last_hash(file)
        body = orjson.dumps({**line, "previous": previous}, option=orjson.OPT_SORT_KEYS)
        chained = {**orjson.loads(body), "hash": hashlib.sha256(body).hexdigest()}
        file.seek(0, 2)
        file.write(orjson.dumps(chained, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))


def broken_at(path: Path) -> int | None:
    """The number of the first line whose chain does not hold, None when all do."""
    previous = GENESIS
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                line = orjson.loads(raw)
                stated = line.pop("hash")
            except (orjson.JSONDecodeError, KeyError, AttributeError):
                return number
            body = orjson.dumps(line, option=orjson.OPT_SORT_KEYS)
            if line.get("previous") != previous or hashlib.sha256(body).hexdigest() != stated:
                return number
            previous = stated
    return None


def _last_hash(file: Any) -> str:
    file.seek(0, 2)
    end = file.tell()
    if not end:
        return GENESIS
    file.seek(max(0, end - (1 << 16)))
    last = file.read().rstrip(b"\n").rpartition(b"\n")[2]
    try:
        return str(orjson.loads(last)["hash"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return hashlib.sha256(last).hexdigest()  # a torn line: chain to what is there
