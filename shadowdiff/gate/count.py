"""Count settled comparisons into a shard of the tally, and sessions into one bet each.

A session is one unit (gate.md 4.1): its bet is the mean over its judged turns, counted once, when it
has closed and every turn that was sent has settled. Errored turns are left out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

import msgspec

from shadowdiff.gate.evidence import bin_of
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.tally import BUCKETS, DIVERGENCE, LAG_BUCKETS, LATE_S, Ledger, RouteCounts, Shard, Tally

MAX_DIVERGED = 100_000
_PLAIN = {Outcome.MATCHED: "matched", Outcome.MISMATCHED: "mismatched", Outcome.IGNORED: "ignored"}


class _Unit(msgspec.Struct):
    """A session so far. `bets` and `routes` hold (sum, turns) by criterion and by route."""

    pending: int = 0
    turns: int = 0
    hits: int = 0
    bets: dict[str, tuple[float, int]] = {}
    routes: dict[str, tuple[float, int]] = {}
    visited: dict[str, int] = {}
    closed: bool = False


class Standing(msgspec.Struct):
    """What a counter knows beside its shard: sessions not closed, and which have diverged."""

    units: dict[str, _Unit] = {}
    diverged: list[str] = []


class Counter:
    """Owns one shard. `opened`, `add` and `closed` may come in any interleaving."""

    def __init__(
        self,
        shard: str,
        ledger: Ledger,
        paired: bool = False,
        blue_asked: bool = True,
        paced: bool = False,
        by_request: bool = False,
    ) -> None:
        """`paired` as in Tally; `blue_asked` is False where blue is the recording: fidelity is then n/a;
        `paced` says that exchanges had due times, so that lag is counted; `by_request` makes each turn of a session
        a unit of its own.
        """
        self.shard = Shard(id=shard, ledger=ledger)
        self.tally = Tally(shards={shard: self.shard}, paired=paired, complete=False)
        self._units: dict[str, _Unit] = {}
        self._diverged: dict[str, None] = {}
        self._blue_asked = blue_asked
        self._paced = paced
        self._by_request = by_request

    def opened(self, unit: str, alone: bool, route: str) -> None:
        """An exchange of `unit` was taken up to be sent; `alone` when it has no session."""
        self._counts(route).open += 1
        if alone:
            self.shard.open_units += 1
            return
        entry = self._units.get(unit)
        if entry is None:
            entry = self._units[unit] = _Unit()
            self.shard.open_units += not self._by_request
        self.shard.open_units += self._by_request
        entry.pending += 1

    def withdrawn(self, unit: str, alone: bool, route: str) -> None:
        """An exchange that was taken up will not count: never sent, or only to warm up."""
        self._counts(route).open -= 1
        self.shard.open_units -= alone or self._by_request
        if alone:
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
        counts = self._counts(comparison.route)
        self._route(comparison, counts)
        self._targets(comparison)
        session = comparison.session
        if session is None:
            shard.open_units -= 1
            self._alone(comparison, counts)
            return comparison
        unit = self._units[comparison.unit]
        unit.pending -= 1
        self._turn(comparison, unit)
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

    def standing(self) -> Standing:
        """What another counter needs, with the shard, to go on from here."""
        return Standing(self._units, list(self._diverged))

    def restore(self, shard: Shard, standing: Standing) -> None:
        """Go on from what another counter had, in place of what this one has."""
        self.shard = self.tally.shards[shard.id] = shard
        self._units = standing.units
        self._diverged = dict.fromkeys(standing.diverged)

    def has(self, name: str) -> bool:
        """Whether session `name` is still open."""
        return name in self._units

    @property
    def open_units(self) -> list[str]:
        """Names of the sessions still open."""
        return list(self._units)

    def _alone(self, comparison: Comparison, counts: RouteCounts) -> None:
        """One exchange that is a unit."""
        counts.open -= 1
        if comparison.bets:
            self.shard.units += 1
            self._bets(comparison.bets)
            self._route_bet(counts, comparison.bets)

    def _turn(self, comparison: Comparison, unit: _Unit) -> None:
        route, bets = comparison.route, comparison.bets
        if bets:
            unit.turns += 1
            unit.hits += comparison.outcome is Outcome.MISMATCHED
        if self._by_request:
            self.shard.open_units -= 1
            self._alone(comparison, self._counts(route))
            return
        unit.visited[route] = unit.visited.get(route, 0) + 1
        for criterion, bet in bets.items():
            have, turns = unit.bets.get(criterion, (0.0, 0))
            unit.bets[criterion] = (have + bet, turns + 1)
        if DIVERGENCE in bets:
            have, turns = unit.routes.get(route, (0.0, 0))
            unit.routes[route] = (have + bets[DIVERGENCE], turns + 1)

    def _settle(self, name: str, unit: _Unit) -> None:
        """A closed session is one unit: the mean over its turns, by criterion, and by route over those there."""
        del self._units[name]
        shard = self.shard
        if unit.turns > 1:
            shard.spread.add(unit.turns, unit.hits)
        if self._by_request:
            return
        shard.open_units -= 1
        for route, visits in unit.visited.items():
            self._counts(route).open -= visits
        if unit.turns:
            shard.units += 1
            shard.session_units += unit.turns > 1
            self._bets({criterion: have / turns for criterion, (have, turns) in unit.bets.items()})
            for route, (have, turns) in unit.routes.items():
                self._route_bet(self._counts(route), {DIVERGENCE: have / turns})

    def _bets(self, bets: Mapping[str, float]) -> None:
        for criterion, bet in bets.items():
            bins = self.shard.bets.setdefault(criterion, {})
            bucket = bin_of(bet)
            bins[bucket] = bins.get(bucket, 0) + 1

    def _route_bet(self, counts: RouteCounts, bets: Mapping[str, float]) -> None:
        if DIVERGENCE in bets:
            bins, bucket = counts.bets, bin_of(bets[DIVERGENCE])
            bins[bucket] = bins.get(bucket, 0) + 1

    def _counts(self, route: str) -> RouteCounts:
        counts = self.shard.routes.get(route)
        if counts is None:
            counts = self.shard.routes[route] = RouteCounts()
        return counts

    def _ledger(self, comparison: Comparison) -> None:
        ledger = self.shard.ledger
        name = _PLAIN.get(comparison.outcome)
        if name is None:
            ledger.note("errored", comparison.why)
        else:
            setattr(ledger, name, getattr(ledger, name) + 1)

    def _route(self, comparison: Comparison, counts: RouteCounts) -> None:
        counts.sent += 1
        setattr(counts, comparison.outcome, getattr(counts, comparison.outcome) + 1)
        for rule in comparison.rules:
            counts.rules[rule] = counts.rules.get(rule, 0) + 1
        if comparison.outcome is Outcome.MISMATCHED and (not counts.worst or comparison.id < counts.worst):
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
                counts = shard.latency.get(side)
                if counts is None:
                    counts = shard.latency[side] = [0] * (len(BUCKETS) + 1)
                counts[bisect_left(BUCKETS, seconds)] += 1
                shard.seconds[side] = shard.seconds.get(side, 0.0) + seconds
