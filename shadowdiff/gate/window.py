"""Evidence of a service by window: a fresh one for each candidate and ramp step, in epochs when it lasts.

The verdict of one step must rest on the traffic of that step, and that of an old candidate on nothing new. A window
that lasts is cut into epochs, each tested with its own part of alpha (alpha / ((j + 1)(j + 2)), adding up to alpha):
a release that turns bad late is then found soon, where one long average would hide it behind its good past (gate.md
4.3). FAIL latches for its window; PASS never does, and is about the window as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from shadowdiff.errors import Exit
from shadowdiff.gate.count import Counter
from shadowdiff.gate.limits import Limits
from shadowdiff.gate.rules import EvidenceGate
from shadowdiff.gate.words import words
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.tally import Ledger, Tally
from shadowdiff.model.verdict import Status, Verdict

MAX_CLOSED = 1_000
"""Windows remembered as closed, the oldest forgotten first."""


Counting = Mapping[str, bool]
Make = Callable[[Limits], Any]
"""What makes a gate from its limits."""


class WindowRules(msgspec.Struct, frozen=True):
    """`epoch` is units an epoch lasts (0: the whole window is one), `stale_s` how long evidence stays good after the
    last pair (0: for ever), `min_s` how long a window must have been open before it may pass."""

    epoch: int = 0
    stale_s: float = 0.0
    min_s: float = 0.0


class Window:
    """One candidate at one step. Pairs and sessions belong to the epoch they were opened in."""

    def __init__(
        self,
        name: str,
        candidate: str,
        step: str,
        limits: Limits,
        rules: WindowRules,
        now: float,
        counting: Counting,
        gate: Make = EvidenceGate,
    ) -> None:
        """`counting` are the options of its counters, `gate` makes what judges them."""
        self._make = gate
        self.name = name
        self.candidate = candidate
        self.step = step
        self._limits = limits
        self._rules = rules
        self._opened_at = now
        self._last_at: float | None = None
        self._counting = counting
        self._paired = counting.get("paired", False)
        self._epochs: list[Counter] = []
        self._of: dict[str, tuple[Counter, int]] = {}
        self._gates: list[Any] = []
        self._begin()
        self.latched: Verdict | None = None

    def opened(self, unit: str, alone: bool, route: str) -> None:
        """An exchange was taken up to be sent."""
        if unit not in self._of:
            if self._rules.epoch and self._epochs[-1].shard.units >= self._rules.epoch:
                self._begin()
            self._of[unit] = self._epochs[-1], len(self._epochs) - 1
        counter, _ = self._of[unit]
        counter.opened(unit, alone, route)
        counter.shard.ledger.read += 1
        counter.shard.ledger.sent += 1

    def withdrawn(self, unit: str, alone: bool, route: str) -> None:
        """It will not count: never sent, or only to warm up."""
        counter, _ = self._of[unit]
        counter.withdrawn(unit, alone, route)
        counter.shard.ledger.read -= 1
        counter.shard.ledger.sent -= 1
        self._forget(unit, counter, alone)

    def add(self, comparison: Comparison, now: float) -> None:
        """Count an opened pair; a FAIL that it reaches stays."""
        self._last_at = now
        counter, epoch = self._of[comparison.unit]
        gate = self._gates[epoch]
        counter.add(comparison)
        self._forget(comparison.unit, counter, comparison.session is None)
        missed = self.latched is None and comparison.outcome is Outcome.MISMATCHED
        if missed and gate.fails(counter.shard, self._paired):
            self._latch(gate.judge(counter.tally))

    def closed(self, unit: str) -> None:
        """No further turn of session `unit` will be sent."""
        if unit in self._of:
            counter, _ = self._of[unit]
            counter.closed(unit)
            self._forget(unit, counter, False)

    def reread(self, limits: Limits) -> None:
        """Judge the same evidence by other limits from now on; a FAIL stays only where it is one by these too."""
        self._limits = limits
        self.latched = None
        self._gates = [self._gate_of(number) for number in range(len(self._epochs))]
        for counter, gate in zip(self._epochs, self._gates, strict=True):
            if gate.fails(counter.shard, self._paired):
                self._latch(gate.judge(counter.tally))
                return

    def holds(self, unit: str) -> bool:
        """Whether `unit` was opened here and is not settled."""
        return unit in self._of

    def judge(self, now: float) -> Verdict:
        """FAIL once any epoch has failed; PASS by all of the window, when it is old enough and still fresh."""
        if self.latched is not None:
            return self.latched
        here = self._gates[-1].judge(self._epochs[-1].tally)
        if here.verdict is Status.FAIL:
            return self._latch(here)
        whole = Tally(
            shards={key: shard for counter in self._epochs for key, shard in counter.tally.shards.items()},
            paired=self._paired,
            complete=False,
        )
        verdict = self._named(self._make(self._limits).judge(whole))
        if not any(shard.ledger.read for shard in whole.shards.values()):
            return self._held(verdict, words(self._limits.lang).waiting())
        if verdict.verdict is Status.FAIL and self._rules.epoch:
            # alpha is spent by epoch: the sum over all of them is no test of its own
            verdict = self._held(verdict, words(self._limits.lang).epochs())
        if verdict.verdict is Status.FAIL:
            return self._latch(verdict)
        return self._fresh(verdict, now) if verdict.verdict is Status.PASS else verdict

    def _fresh(self, verdict: Verdict, now: float) -> Verdict:
        """A PASS that is too young or too old is none."""
        say, rules = words(self._limits.lang), self._rules
        age = now - (self._last_at if self._last_at is not None else self._opened_at)
        if rules.stale_s and age > rules.stale_s:
            return self._held(verdict, say.stale(age))
        if now - self._opened_at < rules.min_s:
            return self._held(verdict, say.young(now - self._opened_at, rules.min_s))
        return verdict

    def _held(self, verdict: Verdict, reason: str) -> Verdict:
        return msgspec.structs.replace(
            verdict, verdict=Status.INCONCLUSIVE, reason=reason, exit_code=int(Exit.INCONCLUSIVE), explanation=""
        )

    def _named(self, verdict: Verdict) -> Verdict:
        return msgspec.structs.replace(verdict, candidate=self.candidate, step=self.step, window=self.name)

    def _latch(self, verdict: Verdict) -> Verdict:
        named = self._named(verdict)
        if named.verdict is Status.FAIL:
            self.latched = named
        return named

    def _forget(self, unit: str, counter: Counter, alone: bool) -> None:
        if alone or not counter.has(unit):
            del self._of[unit]

    def _begin(self) -> None:
        number = len(self._epochs)
        self._gates.append(self._gate_of(number))
        self._epochs.append(Counter(f"{self.name}/{number}", Ledger(), **self._counting))

    def _gate_of(self, number: int) -> Any:
        """The gate of one epoch, with its share of alpha."""
        share = self._limits.alpha / ((number + 1) * (number + 2)) if self._rules.epoch else self._limits.alpha
        return self._make(msgspec.structs.replace(self._limits, alpha=share))


class Windows:
    """The windows of a service. A candidate that was replaced never reopens."""

    def __init__(
        self,
        limits: Limits,
        rules: WindowRules,
        clock: Callable[[], float],
        gate: Make = EvidenceGate,
        **counting: bool,
    ) -> None:
        """`counting` are the options of their `Counter`s, `gate` makes what judges them."""
        self._make = gate
        self._limits = limits
        self._rules = rules
        self._clock = clock
        self._counting = counting
        self._open: dict[tuple[str, str], Window] = {}
        self._closed: dict[str, None] = {}
        self._latest = ""
        self._made = 0

    def at(self, candidate: str, step: str) -> Window | None:
        """The window of a candidate at a step, opened on first sight; None for a candidate that was replaced."""
        if candidate in self._closed:
            return None
        if candidate != self._latest:
            self._close(self._latest)
            self._latest = candidate
        window = self._open.get((candidate, step))
        if window is None:
            self._made += 1
            name = "/".join(filter(None, (candidate, step, str(self._made))))
            window = Window(
                name, candidate, step, self._limits, self._rules, self._clock(), self._counting, self._make
            )
            self._open[(candidate, step)] = window
        return window

    def reread(self, limits: Limits) -> None:
        """Other limits for what is open and what comes."""
        self._limits = limits
        for (candidate, _), window in self._open.items():
            if candidate not in self._closed:
                window.reread(limits)

    def renew(self, limits: Limits) -> None:
        """What was judged by other rules is no evidence any more: the windows of the candidate begin anew."""
        self._limits = limits
        for key in [key for key in self._open if key[0] == self._latest]:
            del self._open[key]

    def replaced(self, candidate: str) -> bool:
        """Whether `candidate` was followed by another."""
        return candidate in self._closed

    def verdict(self, candidate: str, step: str) -> Verdict | None:
        """What is known of a candidate at a step; None when it was never seen."""
        window = self._open.get((candidate, step))
        return window.judge(self._clock()) if window is not None else None

    def _close(self, candidate: str) -> None:
        """Its verdicts stay readable; nothing new counts for it."""
        if self._open and candidate in {name for name, _ in self._open}:
            self._closed[candidate] = None
            while len(self._closed) > MAX_CLOSED:
                oldest = next(iter(self._closed))
                del self._closed[oldest]
                for key in [key for key in self._open if key[0] == oldest]:
                    del self._open[key]
