"""A counter that also fills the windows a service is asked about.

Every pair counts for the candidate as a whole (step ""), and for the ramp step that was current when it was sent.
New rules begin new windows: a pair that was sent before and judged by them counts there.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from shadowdiff.gate.count import Counter
from shadowdiff.gate.limits import Limits
from shadowdiff.gate.rules import EvidenceGate
from shadowdiff.gate.window import Make, Window, WindowRules, Windows
from shadowdiff.model.comparison import Comparison, Outcome
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
        told: bool = False,
        judged_by: str = "",
        clock: Callable[[], float] = time.monotonic,
        gate: Make = EvidenceGate,
        **counting: bool,
    ) -> None:
        """`limits`, `rules` and `gate` judge the windows; `counting` are the options of `Counter`, here and there.

        `told` says that green's answers name their build: then an answer of another one than `candidate` is no
        evidence, and where no `candidate` is given the newest build is it. `judged_by` is the hash of the rules.
        """
        super().__init__(shard, ledger, **counting)
        self._windows = Windows(limits, rules, clock, gate, **counting)
        self.candidate = candidate
        self._fixed = bool(candidate) or not told
        self._told = told
        self._rules = judged_by
        self._clock = clock
        self.own_windows = not self._fixed
        """Whether the run as a whole is of several candidates or rules, so that only a window can be judged."""
        self._current = [self._window(WHOLE)]
        self._steps = {WHOLE}
        self._of: dict[str, list[Window]] = {}

    def verdict(self, step: str, candidate: str = "") -> Verdict | None:
        """The verdict of a ramp step, None for one step too many or a candidate that was never here.

        The first question for a step opens its window: older evidence is not its own.
        """
        if candidate not in ("", self.candidate):
            return self._windows.verdict(candidate, step)
        self._steps.add(step)
        if len(self._steps) > MAX_STEPS:
            self._steps.discard(step)
            return None
        window = self._window(step)
        if step != WHOLE:
            self._current = [self._current[0], window]
        return window.judge(self._clock())

    @property
    def whole(self) -> Window:
        """The window of the candidate as a whole."""
        return self._current[0]

    def reread(self, limits: Limits) -> None:
        """Other limits on the same evidence."""
        self._windows.reread(limits)

    def renew(self, limits: Limits, rules: str = "") -> None:
        """Other rules, of that hash: evidence begins anew; what the old ones judged stays where it was sent."""
        self._windows.renew(limits)
        self._rules = rules
        self.own_windows = True
        self._steps = {WHOLE}
        self._current = [self._window(WHOLE)]

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
        if self._told and comparison.build:
            comparison = self._by_build(comparison)
        windows = self._of.get(comparison.unit, [])
        if windows and windows[0] is not self._current[0] and comparison.config in ("", self._rules):
            comparison = self._moved(comparison, windows)
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

    def _by_build(self, comparison: Comparison) -> Comparison:
        """An answer of another build: a new candidate's first, or no evidence."""
        build = comparison.build
        if build == self.candidate:
            return comparison
        if self._fixed or self._windows.replaced(build):
            return _errored(comparison, f"answered by build {build}, not {self.candidate}")
        self.candidate = build
        self._steps = {WHOLE}
        self._current = [self._window(WHOLE)]
        return comparison

    def _moved(self, comparison: Comparison, windows: list[Window]) -> Comparison:
        """A pair from before the newest windows counts in them, since it was judged as they are."""
        unit, alone = comparison.unit, comparison.session is None
        if not alone:
            return _errored(comparison, "the candidate or the rules changed between the turns of its session")
        for window in windows:
            window.withdrawn(unit, alone, comparison.route)
        self._of[unit] = self._current
        for window in self._current:
            window.opened(unit, alone, comparison.route)
        return comparison

    def _forget(self, unit: str) -> None:
        if unit in self._of and not self._of[unit][0].holds(unit):
            del self._of[unit]

    def _window(self, step: str) -> Window:
        window = self._windows.at(self.candidate, step)
        assert window is not None  # noqa: S101 - a replaced candidate is never made current again
        return window


def _errored(comparison: Comparison, why: str) -> Comparison:
    return msgspec.structs.replace(comparison, outcome=Outcome.ERRORED, bets={}, why=why)
