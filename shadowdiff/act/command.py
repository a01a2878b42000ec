"""Run a command: argv, no shell; the verdict on stdin as JSON and in the environment.

A command is not tried again: nobody knows whether doing it twice is harmless. One that outlives its deadline is
killed with everything it started.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from shadowdiff.errors import ActionRefused, UsageError
from shadowdiff.model.verdict import Verdict

MAX_SAID = 500
ENVIRONMENT = {
    "SHADOWDIFF_VERDICT": "verdict", "SHADOWDIFF_REASON": "reason", "SHADOWDIFF_EXIT_CODE": "exit_code",
    "SHADOWDIFF_SERVICE_NAME": "service", "SHADOWDIFF_CANDIDATE": "candidate", "SHADOWDIFF_STEP": "step",
    "SHADOWDIFF_REPORT_PATH": "report",
}  # fmt: skip


class Command:
    """An action."""

    def __init__(self, command: Sequence[str]) -> None:
        """`command` is the program and its arguments. Raises `UsageError` when there is none."""
        if not command or not all(isinstance(part, str) for part in command):
            raise UsageError('actions.command: write the program and its arguments, e.g. ["./stop", "now"]')
        self._command = list(command)

    def plan(self, verdict: Verdict) -> str:
        """What would be run."""
        names = " ".join(f"{name}={shlex.quote(value)}" for name, value in _told(verdict).items())
        return f"{names} {shlex.join(self._command)} < verdict.json"

    async def act(self, verdict: Verdict) -> str:
        """Run it; its last words. Raises `ActionRefused` when it fails."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=os.environ | _told(verdict),
                start_new_session=True,
            )
        except OSError as error:
            raise ActionRefused(f"{self._command[0]}: cannot be run ({error.strerror})") from None
        try:
            said, _ = await process.communicate(msgspec.json.encode(verdict))
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        words = " ".join(said.decode("utf-8", "replace").split())[-MAX_SAID:]
        if process.returncode:
            raise ActionRefused(f"{self._command[0]} exited with {process.returncode}: {words}")
        return words or "done"


def _told(verdict: Verdict) -> dict[str, str]:
    return {name: str(getattr(verdict, field)) for name, field in ENVIRONMENT.items()}
