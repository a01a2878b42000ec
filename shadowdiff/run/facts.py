"""What a run knows beside its counts, in a form that adds up over workers: for the notes of the verdict."""

from __future__ import annotations

import msgspec

from shadowdiff.run.resume import Resumed
from shadowdiff.run.setup import Plan
from shadowdiff.tee.minted import Found


class Handed(msgspec.Struct):
    """Sessions handed over after `turns` turns."""

    turns: int
    sessions: int = 0
    switched: int = 0
    returned: int = 0


class Facts(msgspec.Struct):
    """Of one worker, or of all of them together.

    `isolated` maps a place to ids rewritten, `peers` a target to the addresses it was reached at, `learnt` are the
    (route, path, kind) that blue varies in, `confirmed` maps an id to (came back, asked again).
    """

    stopping: str = ""
    reading: list[str] = []
    isolated: dict[str, int] = {}
    stripped: int = 0
    throttled: int = 0
    slowed: int = 0
    peers: dict[str, set[str]] = {}
    races: int = 0
    reasks: int = 0
    learnt: set[tuple[str, str, str]] = set()
    accepted: int = 0
    confirmed: dict[str, tuple[int, int]] = {}
    unconfirmed_turns: int = 0
    unconfirmed: int = 0
    evicted: int = 0
    found: dict[str, Found] = {}
    forgotten: int = 0
    handed: Handed | None = None
    resumed: Resumed | None = None

    def join(self, other: Facts) -> None:
        """Add what another worker knows. All read the same log, so what reading needed is said once."""
        self.stopping = self.stopping or other.stopping
        self.reading = self.reading or other.reading
        self.evicted = max(self.evicted, other.evicted)
        for place, count in other.isolated.items():
            self.isolated[place] = self.isolated.get(place, 0) + count
        for target, peers in other.peers.items():
            self.peers.setdefault(target, set()).update(peers)
        for name in (
            "stripped", "throttled", "slowed", "races", "reasks", "accepted", "unconfirmed_turns", "unconfirmed",
            "forgotten",
        ):  # fmt: skip
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.learnt |= other.learnt
        self.confirmed |= other.confirmed
        for key, found in other.found.items():
            self.found[key] = _sum(self.found[key], found) if key in self.found else found
        if self.handed is not None and other.handed is not None:
            for name in ("sessions", "switched", "returned"):
                setattr(self.handed, name, getattr(self.handed, name) + getattr(other.handed, name))
        if other.resumed is not None:
            self.resumed = other.resumed.plus(self.resumed)


def facts_of(ready: Plan) -> Facts:
    """What one process knows at its end, or so far."""
    rewriter, confirm, handover = ready.rewriter, ready.confirm, ready.handover
    correlator = rewriter.correlator
    noise = ready.learner.baseline.noise if ready.learner.reasks else {}
    return Facts(
        stopping=ready.tee.stopping,
        reading=ready.reading.notes(),
        isolated=dict(rewriter.isolated),
        stripped=rewriter.stripped_credentials,
        throttled=ready.brake.throttled,
        slowed=ready.brake.slowed,
        peers={name: set(found) for name, found in getattr(ready.transport, "peers", {}).items()},
        races=getattr(ready.transport, "races", 0),
        reasks=ready.learner.reasks,
        learnt={(route, path, kind) for route, known in noise.items() for path, kind in known},
        accepted=ready.accepted.count if ready.accepted is not None else 0,
        confirmed=dict(confirm.found),
        unconfirmed_turns=confirm.in_sessions,
        unconfirmed=confirm.left_out,
        evicted=ready.sessions.evicted,
        found=dict(correlator.found) if correlator is not None else {},
        forgotten=correlator.evicted if correlator is not None else 0,
        handed=Handed(handover.turns, handover.sessions, handover.switched, handover.returned) if handover else None,
        resumed=ready.resumed,
    )


def _sum(one: Found, two: Found) -> Found:
    replaced, absent = dict(one.replaced), dict(one.absent)
    for mine, theirs in ((replaced, two.replaced), (absent, two.absent)):
        for role, count in theirs.items():
            mine[role] = mine.get(role, 0) + count
    return Found(one.source, one.why, one.sessions + two.sessions, replaced, absent)
