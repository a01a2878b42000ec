"""Mergeable counts: the ledger, the per-route counts, and the bets the gate reads.

A shard is one writer (run id, worker). Its counts only grow, so merging two sightings of the same
shard keeps the one that got further, and different shards add up: order-free and idempotent.
"""

from __future__ import annotations

import msgspec

BINS = 64
"""Bets lie in [0, 1] and are kept as an integer histogram of 65 bins (gate.md 1.1)."""

DIVERGENCE = "divergence"
"""The main criterion; others join it under their own names."""

BUCKETS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0,
)  # fmt: skip
"""Upper bounds of the latency histogram in seconds; one more bin counts what lies above."""

LAG_BUCKETS = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0,
)  # fmt: skip
"""Upper bounds in seconds of how late an exchange went out against its due time; one more bin lies above."""

LATE_S = 0.1
LATE_SHARE = 0.01
"""More than this share over LATE_S late: the run could not keep pace, and its latencies are of another load."""

LEDGER_NAMES = (
    "read", "unreadable", "filtered", "sampled_out", "skipped", "dropped", "unsent", "warmup",
    "sent", "matched", "mismatched", "ignored", "errored",
)  # fmt: skip


class Ledger(msgspec.Struct):
    """Where every exchange went. `balances` is promise 2; the unit is the exchange."""

    read: int = 0
    unreadable: int = 0
    filtered: int = 0
    sampled_out: int = 0
    skipped: int = 0
    dropped: int = 0
    unsent: int = 0
    warmup: int = 0
    sent: int = 0
    matched: int = 0
    mismatched: int = 0
    ignored: int = 0
    errored: int = 0
    reasons: dict[str, int] = {}
    """Why exchanges were unreadable, filtered, skipped or errored: `kind: reason` to count."""

    def note(self, kind: str, reason: str, count: int = 1) -> None:
        """Count exchanges under `kind` (a ledger name) and remember why."""
        setattr(self, kind, getattr(self, kind) + count)
        key = f"{kind}: {reason}"
        if key in self.reasons or len(self.reasons) < 100:
            self.reasons[key] = self.reasons.get(key, 0) + count

    @property
    def balances(self) -> bool:
        """Whether both equations of promise 2 hold."""
        before = (
            self.unreadable + self.filtered + self.sampled_out + self.skipped
            + self.dropped + self.unsent + self.warmup + self.sent
        )  # fmt: skip
        return self.read == before and self.sent == self.judged + self.errored

    @property
    def judged(self) -> int:
        """Exchanges that count for or against green."""
        return self.matched + self.mismatched + self.ignored

    def plus(self, other: Ledger) -> Ledger:
        """The sum of two ledgers."""
        reasons = dict(self.reasons)
        for key, count in other.reasons.items():
            reasons[key] = reasons.get(key, 0) + count
        names = {name: getattr(self, name) + getattr(other, name) for name in LEDGER_NAMES}
        return Ledger(**names, reasons=reasons)

    def as_dict(self) -> dict[str, int]:
        """The counts by name, in the order of promise 2."""
        return {name: getattr(self, name) for name in LEDGER_NAMES}


class RouteCounts(msgspec.Struct):
    """What happened on one route. `rules` counts how often each rule fired; control counts are blue against twin."""

    sent: int = 0
    matched: int = 0
    mismatched: int = 0
    ignored: int = 0
    errored: int = 0
    control: int = 0
    control_mismatched: int = 0
    rules: dict[str, int] = {}
    blue_s: float = 0.0
    green_s: float = 0.0
    bets: dict[int, int] = {}
    """Divergence by bin: one bet for each closed unit that came here."""
    open: int = 0
    """Exchanges sent here whose unit has not closed."""
    worst: str = ""
    """The id of the first mismatched exchange, for `show`."""

    @property
    def judged(self) -> int:
        """Exchanges that count for or against green."""
        return self.matched + self.mismatched + self.ignored

    def plus(self, other: RouteCounts) -> RouteCounts:
        """The sum of two counts of the same route."""
        rules = dict(self.rules)
        for name, count in other.rules.items():
            rules[name] = rules.get(name, 0) + count
        return RouteCounts(
            sent=self.sent + other.sent,
            matched=self.matched + other.matched,
            mismatched=self.mismatched + other.mismatched,
            ignored=self.ignored + other.ignored,
            errored=self.errored + other.errored,
            control=self.control + other.control,
            control_mismatched=self.control_mismatched + other.control_mismatched,
            rules=rules,
            blue_s=self.blue_s + other.blue_s,
            green_s=self.green_s + other.green_s,
            bets=add_bins(self.bets, other.bets),
            open=self.open + other.open,
            worst=min(filter(None, (self.worst, other.worst)), default=""),
        )


class Spread(msgspec.Struct):
    """How mismatches lie within sessions of several turns; sums that merge. `between` is 1e6 × sum of hits²/turns."""

    sessions: int = 0
    turns: int = 0
    turns_sq: int = 0
    hits: int = 0
    between: int = 0

    def add(self, turns: int, hits: int) -> None:
        """Count one session."""
        self.sessions += 1
        self.turns += turns
        self.turns_sq += turns * turns
        self.hits += hits
        self.between += round(1e6 * hits * hits / turns)

    def plus(self, other: Spread) -> Spread:
        """The sum of two."""
        return Spread(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))

    @property
    def correlation(self) -> float | None:
        """The intraclass correlation of mismatches, by one-way analysis of variance; None where it has no meaning."""
        n, turns = self.sessions, self.turns
        if n < 2 or turns <= n or not 0 < self.hits < turns:
            return None
        between = self.between / 1e6
        mean_between = (between - self.hits * self.hits / turns) / (n - 1)
        mean_within = (self.hits - between) / (turns - n)
        size = (turns - self.turns_sq / turns) / (n - 1)
        spread = mean_between + (size - 1) * mean_within
        return (mean_between - mean_within) / spread if spread > 0 else None


def add_bins(one: dict[int, int], two: dict[int, int]) -> dict[int, int]:
    """The sum of two histograms."""
    out = dict(one)
    for bucket, count in two.items():
        out[bucket] = out.get(bucket, 0) + count
    return out


class Shard(msgspec.Struct):
    """One writer's counts.

    `upto` grows with every settled exchange and orders two sightings of the shard. `bets` maps a criterion
    to a histogram: bin (0..64) to closed units; `open_units` are units asked but not yet closed; `session_units` says
    how many closed units were sessions of more than one turn.
    """

    id: str
    upto: int = 0
    ledger: Ledger = msgspec.field(default_factory=Ledger)
    routes: dict[str, RouteCounts] = {}
    bets: dict[str, dict[int, int]] = {}
    units: int = 0
    open_units: int = 0
    session_units: int = 0
    blue_asked: int = 0
    blue_bad: int = 0
    green_down: int = 0
    green_answered: int = 0
    blue_statuses: dict[int, int] = {}
    """Statuses of blue answers that could not serve as a baseline, for the likely cause."""
    controls: int = 0
    controls_mismatched: int = 0
    reasks: int = 0
    tokens: int = 0
    spread: Spread = msgspec.field(default_factory=Spread)
    first_diverging: dict[int, int] = {}
    """Turn (from 1) to units of sessions whose first mismatch it was."""
    latency: dict[str, list[int]] = {}
    """By side, a count for each of BUCKETS and one above."""
    seconds: dict[str, float] = {}
    lag: list[int] = []
    """Exchanges by LAG_BUCKETS, empty without a schedule."""
    late: int = 0
    worst_lag_s: float = 0.0

    @property
    def kept_pace(self) -> bool:
        """Whether exchanges went out when they were due; True without a schedule."""
        return self.late <= LATE_SHARE * sum(self.lag)


class Tally(msgspec.Struct):
    """All shards, and whether the unit bets carry a twin's control."""

    shards: dict[str, Shard] = {}
    paired: bool = False
    complete: bool = True
    """False while the run goes on, or when a tape ended without its closing line."""

    def total(self) -> Shard:
        """All shards added up."""
        shards = list(self.shards.values())
        return shards[0] if len(shards) == 1 else _add_up(shards)


def quantile(counts: list[int], share: float, bounds: tuple[float, ...] = BUCKETS) -> float | None:
    """The upper bound in seconds of the bucket that holds the `share` quantile; None without counts."""
    total = sum(counts)
    seen = 0
    for bound, count in zip((*bounds, float("inf")), counts, strict=True):
        seen += count
        if total and seen >= share * total:
            return bound
    return None


def merge(one: Tally, two: Tally) -> Tally:
    """Per shard the sighting that got further, then the union."""
    shards = dict(one.shards)
    for key, shard in two.shards.items():
        if key not in shards or shards[key].upto < shard.upto:
            shards[key] = shard
    return Tally(shards=shards, paired=one.paired or two.paired, complete=one.complete and two.complete)


def _add_up(shards: list[Shard]) -> Shard:
    total = Shard(id="total")
    for shard in shards:
        total.ledger = total.ledger.plus(shard.ledger)
        total.spread = total.spread.plus(shard.spread)
        for route, counts in shard.routes.items():
            total.routes[route] = total.routes[route].plus(counts) if route in total.routes else counts
        for criterion, bins in shard.bets.items():
            total.bets[criterion] = add_bins(total.bets.get(criterion, {}), bins)
        for status, count in shard.blue_statuses.items():
            total.blue_statuses[status] = total.blue_statuses.get(status, 0) + count
        for turn, count in shard.first_diverging.items():
            total.first_diverging[turn] = total.first_diverging.get(turn, 0) + count
        for side, histogram in shard.latency.items():
            have = total.latency.get(side, [0] * len(histogram))
            total.latency[side] = [a + b for a, b in zip(have, histogram, strict=True)]
            total.seconds[side] = total.seconds.get(side, 0.0) + shard.seconds.get(side, 0.0)
        if shard.lag:
            have = total.lag or [0] * len(shard.lag)
            total.lag = [a + b for a, b in zip(have, shard.lag, strict=True)]
            total.worst_lag_s = max(total.worst_lag_s, shard.worst_lag_s)
        for name in (
            "upto", "units", "open_units", "session_units", "blue_asked", "blue_bad", "green_down",
            "green_answered", "controls", "controls_mismatched", "reasks", "tokens", "late",
        ):  # fmt: skip
            setattr(total, name, getattr(total, name) + getattr(shard, name))
    return total
