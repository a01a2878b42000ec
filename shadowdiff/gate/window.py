"""Evidence of a service by window: a fresh one for each candidate and ramp step, in epochs when it lasts.

The verdict of one step must rest on the traffic of that step, and that of an old candidate on nothing new. A window
that lasts is cut into epochs, each tested with its own part of alpha (alpha / ((j + 1)(j + 2)), adding up to alpha):
a release that turns bad late is then found soon, where one long average would hide it behind its good past (gate.md
4.3). FAIL latches for its window; PASS never does, and is about the window as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

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


class WindowRules(msgspec.Struct, frozen=True):
    """`epoch` is units an epoch lasts (0: the whole window is one), `stale_s` how long evidence stays good after the
    last pair (0: for ever), `min_s` how long a window must have been open before it may pass."""

    epoch: int = 0
    stale_s: float = 0.0
    min_s: float = 0.0


class Window:
    """One candidate at one step. Pairs and sessions belong to the epoch they were opened in."""

    def __init__(
        self, name: str, candidate: str, step: str, limits: Limits, rules: WindowRules, now: float, counting: Counting
    ) -> None:
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
        self._of: dict[str, tuple[Counter, EvidenceGate]] = {}
        self._begin()
        self.latched: Verdict | None = None

    def opened(self, unit: str, alone: bool, route: str) -> None:
        """An exchange was taken up to be sent."""
        if unit not in self._of:
            if self._rules.epoch and self._epochs[-1].shard.units >= self._rules.epoch:
                self._begin()
            self._of[unit] = self._epochs[-1], self._gate
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
        counter, gate = self._of[comparison.unit]
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

    def holds(self, unit: str) -> bool:
        """Whether `unit` was opened here and is not settled."""
        return unit in self._of

    def judge(self, now: float) -> Verdict:
        """FAIL once any epoch has failed; PASS by all of the window, when it is old enough and still fresh."""
        if self.latched is not None:
            return self.latched
        here = self._gate.judge(self._epochs[-1].tally)
        if here.verdict is Status.FAIL:
            return self._latch(here)
        whole = Tally(
            shards={key: shard for counter in self._epochs for key, shard in counter.tally.shards.items()},
            paired=self._paired,
            complete=False,
        )
        verdict = self._named(EvidenceGate(self._limits).judge(whole))
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
        share = self._limits.alpha / ((number + 1) * (number + 2)) if self._rules.epoch else self._limits.alpha
        self._gate = EvidenceGate(msgspec.structs.replace(self._limits, alpha=share))
        self._epochs.append(Counter(f"{self.name}/{number}", Ledger(), **self._counting))


class Windows:
    """The windows of a service. A candidate that was replaced never reopens."""

    def __init__(self, limits: Limits, rules: WindowRules, clock: Callable[[], float], **counting: bool) -> None:
        """`counting` are the options of their `Counter`s."""
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
            window = Window(name, candidate, step, self._limits, self._rules, self._clock(), self._counting)
            self._open[(candidate, step)] = window
        return window

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
