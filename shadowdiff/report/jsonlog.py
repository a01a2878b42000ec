"""Logs as a JSON object a line, for Loki and the like: what is said, and each pair that did not match.

Fields: ts, level, event (message, pair), service, candidate; of a pair also pair_id, verdict, side, route, rules,
why, trace_id, blue_status, green_status. `side` is whose doing it was, as far as can be told.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from rich.console import Console

from shadowdiff import redact
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.exchange import Pair
from shadowdiff.model.tally import Tally
from shadowdiff.model.trace import trace_id
from shadowdiff.model.verdict import Verdict
from shadowdiff.report.plain import one_line

PER_SECOND = 100
"""Pairs said in a second; what comes beyond is counted and said as a number."""
_WARNING = "warning: "


class JsonConsole(Console):
    """A console that says each text as a line of JSON on stderr; tables and progress are for people."""

    def __init__(self, quiet: bool = False) -> None:
        super().__init__(stderr=True, quiet=quiet, force_terminal=False)
        self.names: dict[str, str] = {}

    def print(self, *objects: Any, **_: Any) -> None:
        """Say the texts among `objects`."""
        for text in objects:
            if isinstance(text, str) and text.strip():
                warning = text.startswith(_WARNING)
                message = one_line(redact.text(text.removeprefix(_WARNING)))
                self.event("message", "warning" if warning else "info", message=message)

    def event(self, event: str, level: str, **fields: Any) -> None:
        """One line."""
        if self.quiet:
            return
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = orjson.dumps({"ts": stamp, "level": level, "event": event, **self.names, **fields}).decode()
        self.file.write(line + "\n")
        self.file.flush()


class JsonPairs:
    """A sink that says each pair that did not match."""

    def __init__(self, console: JsonConsole, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._second = 0
        self._said = self._more = 0

    def add(self, comparison: Comparison, pair: Pair) -> None:
        """Say a pair, unless this second has had its share."""
        if comparison.outcome not in (Outcome.MISMATCHED, Outcome.ERRORED):
            return
        if int(self._clock()) != self._second:
            self._tell_more()
            self._second, self._said = int(self._clock()), 0
        self._said += 1
        if self._said > PER_SECOND:
            self._more += 1
            return
        c = comparison
        self._console.event(
            "pair",
            "warning" if c.outcome is Outcome.MISMATCHED else "info",
            pair_id=c.id,
            verdict=c.outcome,
            side=_side(c),
            route=redact.text(c.route),
            rules=list(c.rules),
            why=redact.text(c.why),
            trace_id=trace_id(c.run, c.id),
            blue_status=c.blue_status,
            green_status=c.green_status,
        )

    def close(self, tally: Tally, verdict: Verdict | None) -> None:
        """Say what was left out."""
        self._tell_more()

    def _tell_more(self) -> None:
        if self._more:
            self._console.event("pairs", "info", left_out=self._more)
            self._more = 0


def _side(comparison: Comparison) -> str:
    if comparison.outcome is Outcome.MISMATCHED:
        return "green"
    return "blue" if not comparison.baseline else "none"
