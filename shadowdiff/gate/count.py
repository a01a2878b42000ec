"""Count settled comparisons into a shard of the tally, and sessions into one bet each.

A session is one unit (gate.md 4.1): its bet is the mean over its judged turns, counted once, when it
has closed and every turn that was sent has settled. Errored turns are left out.
"""

from __future__ import annotations

from bisect import bisect_left

import msgspec

from shadowdiff.gate.evidence import bin_of
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.tally import BUCKETS, LAG_BUCKETS, LATE_S, Ledger, RouteCounts, Shard, Tally

MAX_DIVERGED = 100_000
_PLAIN = {Outcome.MATCHED: "matched", Outcome.MISMATCHED: "mismatched", Outcome.IGNORED: "ignored"}


class _Unit(msgspec.Struct):
    pending: int = 0
    turns: int = 0
    bets: dict[str, float] = {}
    closed: bool = False


class Counter:
    """Owns one shard. `opened`, `add` and `closed` may come in any interleaving."""

    def __init__(
        self, shard: str, ledger: Ledger, paired: bool = False, blue_asked: bool = True, paced: bool = False
    ) -> None:
        """`paired` as in Tally; `blue_asked` is False where blue is the recording: fidelity is then n/a;
        `paced` says that exchanges had due times, so that lag is counted."""
        self.shard = Shard(id=shard, ledger=ledger)
        self.tally = Tally(shards={shard: self.shard}, paired=paired, complete=False)
        self._units: dict[str, _Unit] = {}
        self._diverged: dict[str, None] = {}
        self._blue_asked = blue_asked
        self._paced = paced

    def opened(self, unit: str, alone: bool) -> None:
        """An exchange of `unit` was taken up to be sent; `alone` when it has no session."""
        if alone:
            self.shard.open_units += 1
            return
        entry = self._units.get(unit)
        if entry is None:
            entry = self._units[unit] = _Unit()
            self.shard.open_units += 1
        entry.pending += 1

    def withdrawn(self, unit: str, alone: bool) -> None:
        """An exchange that was taken up will not count: never sent, or only to warm up."""
        if alone:
            self.shard.open_units -= 1
            return
        entry = self._units[unit]
        entry.pending -= 1
        if entry.closed and not entry.pending:
            self._settle(unit, entry)

    def add(self, comparison: Comparison) -> Comparison:
        """Count one settled comparison; returns it, marked when an earlier turn of its session diverged."""
        shard = self.shard
        shard.upto += 1
        self._ledger(comparison)
        self._route(comparison)
        self._targets(comparison)
        session = comparison.session
        if session is None:
            shard.open_units -= 1
            if comparison.bets:
                self._bet(comparison.bets, 1)
            return comparison
        unit = self._units[comparison.unit]
        unit.pending -= 1
        if comparison.bets:
            unit.turns += 1
            for criterion, bet in comparison.bets.items():
                unit.bets[criterion] = unit.bets.get(criterion, 0.0) + bet
        if session in self._diverged:
            comparison = msgspec.structs.replace(comparison, after_divergence=True)
        elif comparison.outcome is Outcome.MISMATCHED:
            self._diverged[session] = None
            if len(self._diverged) > MAX_DIVERGED:
                del self._diverged[next(iter(self._diverged))]
            first = self.shard.first_diverging
            first[comparison.turn] = first.get(comparison.turn, 0) + 1
        if unit.closed and not unit.pending:
            self._settle(comparison.unit, unit)
        return comparison

    def closed(self, name: str) -> None:
        """No further turn of unit `name` will be sent."""
        unit = self._units.get(name)
        if unit is None:
            return  # none of its turns was sent
        unit.closed = True
        if not unit.pending:
            self._settle(name, unit)

    def close_all(self) -> None:
        """Nothing more will be sent; used when counting a saved tape."""
        for name in list(self._units):
            self.closed(name)

    @property
    def open_units(self) -> list[str]:
        """Names of the sessions still open."""
        return list(self._units)

    def _settle(self, name: str, unit: _Unit) -> None:
        del self._units[name]
        shard = self.shard
        shard.open_units -= 1
        if unit.turns:
            shard.session_units += unit.turns > 1
            self._bet(unit.bets, unit.turns)

    def _bet(self, bets: dict[str, float], turns: int) -> None:
        """Count one unit: the mean over its turns, by criterion."""
        shard = self.shard
        shard.units += 1
        for criterion, bet in bets.items():
            bins = shard.bets.setdefault(criterion, {})
            bucket = bin_of(bet / turns)
            bins[bucket] = bins.get(bucket, 0) + 1

    def _ledger(self, comparison: Comparison) -> None:
        ledger = self.shard.ledger
        name = _PLAIN.get(comparison.outcome)
        if name is None:
            ledger.note("errored", comparison.why)
        else:
            setattr(ledger, name, getattr(ledger, name) + 1)

    def _route(self, comparison: Comparison) -> None:
        counts = self.shard.routes.get(comparison.route)
        if counts is None:
            counts = self.shard.routes[comparison.route] = RouteCounts()
        counts.sent += 1
        setattr(counts, comparison.outcome, getattr(counts, comparison.outcome) + 1)
        for rule in comparison.rules:
            counts.rules[rule] = counts.rules.get(rule, 0) + 1
        if comparison.outcome is Outcome.MISMATCHED and not counts.worst:
            counts.worst = comparison.id
        counts.blue_s += comparison.timings.blue_s
        counts.green_s += comparison.timings.green_s
        if comparison.control is not None:
            hit = comparison.control[0] is Outcome.MISMATCHED
            counts.control += 1
            counts.control_mismatched += hit
            self.shard.controls += 1
            self.shard.controls_mismatched += hit
            self.shard.reasks += comparison.reask

    def _targets(self, comparison: Comparison) -> None:
        shard = self.shard
        shard.tokens += comparison.tokens
        shard.blue_asked += self._blue_asked
        if not comparison.baseline:
            shard.blue_bad += self._blue_asked
            status = comparison.blue_status
            shard.blue_statuses[status] = shard.blue_statuses.get(status, 0) + 1
        elif comparison.green_down:
            shard.green_down += 1
        elif comparison.green_status:
            shard.green_answered += 1
        if self._paced:
            lag = comparison.timings.lag_s
            shard.lag = shard.lag or [0] * (len(LAG_BUCKETS) + 1)
            shard.lag[bisect_left(LAG_BUCKETS, lag)] += 1
            shard.late += lag > LATE_S
            shard.worst_lag_s = max(shard.worst_lag_s, lag)
        for side, seconds in (("blue", comparison.timings.blue_s), ("green", comparison.timings.green_s)):
            if seconds:
                counts = shard.latency.setdefault(side, [0] * (len(BUCKETS) + 1))
                counts[bisect_left(BUCKETS, seconds)] += 1
                shard.seconds[side] = shard.seconds.get(side, 0.0) + seconds
