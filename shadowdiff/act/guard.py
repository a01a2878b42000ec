"""Every action goes through here: once a verdict, with a deadline and retries, and one audit line.

`audit.jsonl` is append-only across runs and hash-chained: each line carries the SHA-256 of the line
before it, so that a removed or edited line shows. It lies in the run folder's parent.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import orjson

from shadowdiff import redact
from shadowdiff.contracts import Action
from shadowdiff.errors import ActionError
from shadowdiff.model.verdict import Verdict

GENESIS = "0" * 64
ATTEMPTS = 3
DEADLINE_S = 30.0


class Step(msgspec.Struct, frozen=True):
    """One configured action: its name, when it acts, and the action itself."""

    name: str
    on: tuple[str, ...]
    action: Action


class Guard:
    """Acts at most once, and audits whether or not there is anything to do."""

    def __init__(self, audit: Path | None, steps: Sequence[Step] = (), *, dry_run: bool = False) -> None:
        self._audit = audit
        self._steps = tuple(steps)
        self._dry_run = dry_run
        self._acted = False

    async def act(self, verdict: Verdict, run: str) -> None:
        """Run the actions for this verdict, write the audit line, then raise `ActionError` if one failed."""
        if self._acted:
            return
        self._acted = True
        results: list[dict[str, Any]] = []
        failed = []
        for step in self._steps:
            if str(verdict.verdict) not in step.on:
                continue
            done, text = (True, "dry run") if self._dry_run else await _attempt(step, verdict)
            results.append({"action": step.name, "ok": done, "result": redact.text(text)})
            if not done:
                failed.append(f"{step.name}: {text}")
        if self._audit is not None:
            append(self._audit, entry(verdict, run, results))
        if failed:
            raise ActionError(f"the stop action failed: {'; '.join(failed)}")


async def _attempt(step: Step, verdict: Verdict) -> tuple[bool, str]:
    text = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            await asyncio.sleep(2.0**attempt / 2)
        try:
            async with asyncio.timeout(DEADLINE_S):
                return True, await step.action.act(verdict)
        except TimeoutError:
            text = f"no result within {DEADLINE_S:g} s"
        except Exception as error:  # an action's failure, whatever it is, must reach the audit line and exit code
            text = repr(error)
    return False, text


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
