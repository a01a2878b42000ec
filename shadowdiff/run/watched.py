"""A counter that also fills the windows a service is asked about.

Every pair counts for the candidate as a whole (step ""), and for the ramp step that was current when it was sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from shadowdiff.gate.count import Counter
from shadowdiff.gate.limits import Limits
from shadowdiff.gate.window import Window, WindowRules, Windows
from shadowdiff.model.comparison import Comparison
from shadowdiff.model.tally import Ledger
from shadowdiff.model.verdict import Verdict

WHOLE = ""
MAX_STEPS = 100
"""Windows a candidate can have."""


class Watched(Counter):
    """Counts for the run, for the candidate's window, and for the window of its current step."""

    def __init__(
        self,
        shard: str,
        ledger: Ledger,
        *,
        limits: Limits,
        rules: WindowRules,
        candidate: str,
        clock: Callable[[], float] = time.monotonic,
        **counting: bool,
    ) -> None:
        """`limits` and `rules` judge the windows; `counting` are the options of `Counter`, here and there."""
        super().__init__(shard, ledger, **counting)
        self._windows = Windows(limits, rules, clock, **counting)
        self._candidate = candidate
        self._clock = clock
        self._current = [self._window(WHOLE)]
        self._steps = {WHOLE}
        self._of: dict[str, list[Window]] = {}

    def verdict(self, step: str) -> Verdict | None:
        """The verdict of a ramp step, None for one step too many.

        The first question for a step opens its window: older evidence is not its own.
        """
        self._steps.add(step)
        if len(self._steps) > MAX_STEPS:
            self._steps.discard(step)
            return None
        window = self._window(step)
        if step != WHOLE:
            self._current = [self._current[0], window]
        return window.judge(self._clock())

    def opened(self, unit: str, alone: bool, route: str) -> None:
        """An exchange was taken up, here and in the windows of this moment; a session stays where it began."""
        super().opened(unit, alone, route)
        for window in self._of.setdefault(unit, self._current):
            window.opened(unit, alone, route)

    def withdrawn(self, unit: str, alone: bool, route: str) -> None:
        """An exchange will not count."""
        super().withdrawn(unit, alone, route)
        for window in self._of.get(unit, ()):
            window.withdrawn(unit, alone, route)
        self._forget(unit)

    def add(self, comparison: Comparison) -> Comparison:
        """Count one settled comparison."""
        for window in self._of.get(comparison.unit, ()):
            window.add(comparison, self._clock())
        self._forget(comparison.unit)
        return super().add(comparison)

    def closed(self, name: str) -> None:
        """No further turn of unit `name` will be sent."""
        super().closed(name)
        for window in self._of.get(name, ()):
            window.closed(name)
        self._forget(name)

    def _forget(self, unit: str) -> None:
        if unit in self._of and not self._of[unit][0].holds(unit):
            del self._of[unit]

    def _window(self, step: str) -> Window:
        window = self._windows.at(self._candidate, step)
        assert window is not None  # noqa: S101 - one candidate a process, so that none was replaced
        return window
