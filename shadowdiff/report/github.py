"""GitHub Actions: the step's summary, its outputs, annotations; and streams that no answer can give orders through.

The runner reads orders (`::set-env …::`, `##[…]`) out of whatever a step prints, also what a target said. `guard`
takes their form away from everything but our own annotations (delivery-contracts.md 2.4).
"""

from __future__ import annotations

import re
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.report.plain import one_line

MAX_SUMMARY = 900_000
"""GitHub takes 1 MiB a step and drops what is larger."""
MAX_NOTES = 10
"""Annotations that GitHub shows of a step."""
MAX_NOTE = 1_000
MAX_LINE = 200
"""Of a line that goes on, no more is remembered than tells how it began."""
_LEVELS = {Status.FAIL: "error", Status.PASS: "notice"}
_ORDER = re.compile(r"(?m)^[^\S\n]*(?=:)|(?<=##)(?=\[)")
_BREAK = "\u200b"
"""A space without width: the runner takes no order behind it, people see none."""


class Harmless:
    """A text stream in which no line is an order to the runner, in whatever pieces it is written."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._line = ""
        self.buffer = _HarmlessBytes(stream)

    def write(self, text: str) -> int:
        """Write `text` with orders broken up."""
        whole = self._line + text
        broken = _ORDER.sub(lambda found: found[0] + _BREAK, whole)
        done = _ORDER.sub(lambda found: found[0] + _BREAK, self._line)
        self._stream.write(broken[len(done) :])
        line = whole.rpartition("\n")[2]
        self._line = f"x{line[-2:]}" if len(line) > MAX_LINE and line.strip() else line
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _HarmlessBytes:
    """The bytes below: only `--json` writes there, where an escape says the same."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, data: bytes) -> int:
        self._stream.flush()
        self._stream.buffer.write(data.replace(b"##[", b"#\\u0023["))
        return len(data)

    def flush(self) -> None:
        self._stream.buffer.flush()


def guard() -> None:
    """From here on nothing this process prints is an order."""
    sys.stdout = Harmless(sys.stdout)
    sys.stderr = Harmless(sys.stderr)


def tell(verdict: Verdict, summary: str, environment: Mapping[str, str], stream: TextIO) -> None:
    """Summary and outputs into the files that the runner names, annotations onto `stream`."""
    _append(environment.get("GITHUB_STEP_SUMMARY", ""), bounded(summary))
    mark = f"end-{secrets.token_hex(8)}"
    values = {
        "verdict": str(verdict.verdict),
        "exit-code": str(verdict.exit_code),
        "reason": verdict.reason,
        "divergence": f"{verdict.divergence.rate:.4f}",
        "report": verdict.report,
    }
    _append(
        environment.get("GITHUB_OUTPUT", ""),
        "".join(f"{name}<<{mark}\n{one_line(value)}\n{mark}\n" for name, value in values.items()),
    )
    for note in notes(verdict):
        stream.write(note + "\n")
    stream.flush()


def notes(verdict: Verdict) -> list[str]:
    """The verdict and the routes that speak against it, as workflow commands."""
    level = _LEVELS.get(verdict.verdict, "warning")
    found = [_note(level, f"shadowdiff: {verdict.verdict}", verdict.reason)]
    if verdict.verdict is Status.FAIL:
        for route in verdict.routes[: MAX_NOTES - 1]:
            if route.low > route.limit:
                found.append(_note("warning", route.route, f"{route.mismatched} of {route.n} differ"))
    return found


def bounded(summary: str) -> str:
    """`summary` within what GitHub takes, cut at a line."""
    raw = summary.encode("utf-8")
    if len(raw) <= MAX_SUMMARY:
        return summary
    kept = raw[:MAX_SUMMARY].decode("utf-8", "ignore").rpartition("\n")[0]
    return kept + "\n\n(cut: more is in the report)\n"


def _note(level: str, title: str, text: str) -> str:
    title = _escaped(one_line(title, 200)).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={title}::{_escaped(one_line(text, MAX_NOTE))}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _append(path: str, text: str) -> None:
    if path:
        with Path(path).open("a", encoding="utf-8") as out:
            out.write(text)
