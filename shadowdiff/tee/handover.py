"""Hand a conversation over: blue for the first K turns, green for the next K, then blue again.

The comparison lane is blue alone. A difference on green means that it lost what blue knew; one after
the way back means that blue cannot read what green wrote, so a rollback would lose it too.
Isolation keeps the two lanes apart in a store that blue and green share.
"""

from __future__ import annotations

from shadowdiff.model.exchange import Exchange

BEFORE, ON_GREEN, BACK = "before the hand-over", "on green", "back on blue"
NO_SESSION = "a hand-over needs sessions: name them with --session-by"


class Handover:
    """Says who answers a turn, and keeps count of sessions and of where they first diverged."""

    def __init__(self, turns: int) -> None:
        self.turns = turns
        self.sessions = self.switched = self.returned = 0
        self.first: dict[str, int] = {}
        """Phase to sessions whose first diverging turn lay in it."""

    def phase(self, turn: int) -> str:
        """Where turn number `turn` (from 1) is answered."""
        if turn <= self.turns:
            return BEFORE
        return ON_GREEN if turn <= 2 * self.turns else BACK

    def on_green(self, exchange: Exchange) -> bool:
        """Whether the lane under test is on green for this turn."""
        return self.phase(exchange.turn) == ON_GREEN

    def begins(self, exchange: Exchange) -> bool:
        """Take note of a turn about to be sent; whether it counts (turns before the hand-over do not)."""
        self.sessions += exchange.turn == 1
        self.switched += exchange.turn == self.turns + 1
        self.returned += exchange.turn == 2 * self.turns + 1
        return exchange.turn > self.turns

    def diverged(self, turn: int, count: int = 1) -> None:
        """`count` sessions diverged for the first time at `turn`."""
        phase = self.phase(turn)
        self.first[phase] = self.first.get(phase, 0) + count

    def line(self) -> str:
        """What happened, for the notes."""
        parts = [f"{count} first diverged {phase}" for phase, count in self.first.items()]
        same = self.switched - sum(self.first.values())
        if same:
            parts.append(f"{same} did not")
        short = self.sessions - self.switched
        tail = f"; {short} ended before turn {self.turns + 1} and were never switched" if short else ""
        return (
            f"Hand-over after turn {self.turns}: {self.switched} sessions were switched to green, "
            f"{self.returned} of them back to blue; {', '.join(parts) or 'none was compared'}{tail}."
        )
