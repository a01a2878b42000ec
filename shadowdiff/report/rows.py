"""The pairs that can be searched on the page: a row each, mismatches before anything else, bounded."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from shadowdiff import redact
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.report.plain import one_line

ROOM = {Outcome.MISMATCHED: 5_000, Outcome.IGNORED: 1_000, Outcome.ERRORED: 1_000, Outcome.MATCHED: 1_000}
MAX_ROWS = 6_000
MAX_BYTES = 800_000
MAX_WHY = 110


class Row(msgspec.Struct, frozen=True):
    """One pair in a line. Times are seconds; `turn` is 0 outside a session."""

    id: str
    seq: int
    outcome: Outcome
    route: str
    cause: str
    why: str
    blue_s: float
    green_s: float
    turn: int


class Rows:
    """Collects rows as comparisons settle."""

    def __init__(self) -> None:
        self._rows: dict[Outcome, list[Row]] = {outcome: [] for outcome in ROOM}
        self.total = 0

    def add(self, comparison: Comparison, cause: str) -> None:
        """Take one comparison."""
        self.total += 1
        c = comparison
        rows = self._rows[c.outcome]
        if len(rows) < ROOM[c.outcome]:  # in a long run most find no room
            why = "" if c.outcome is Outcome.MATCHED else one_line(redact.text(c.why), MAX_WHY)
            rows.append(Row(c.id, c.seq, c.outcome, c.route, cause, why, c.timings.blue_s, c.timings.green_s, c.turn))

    def join(self, other: Rows) -> None:
        """Add another worker's rows; where there is no room for all, those early in the log stay."""
        self.total += other.total
        for outcome, rows in other._rows.items():
            both = sorted(self._rows[outcome] + rows, key=lambda row: (row.seq, row.id))
            self._rows[outcome] = both[: ROOM[outcome]]

    def chosen(self) -> list[Row]:
        """Those that fit on a page, in the order of the log."""
        rows: list[Row] = []
        for outcome in ROOM:
            rows += self._rows[outcome][: MAX_ROWS - len(rows)]
        return sorted(rows, key=lambda row: (row.seq, row.id))


class Table(msgspec.Struct):
    """Rows packed for the page: what repeats is said once and pointed at."""

    routes: list[str] = []
    whys: list[str] = []
    rows: list[list[object]] = []


def packed(rows: list[Row], causes: dict[str, int], say_why: Callable[[str], str]) -> Table:
    """Each row as [id, outcome, route, cause, why, blue ms, green ms, turn], the middle four as places in lists.

    `causes` maps names to places on the page; a row of none has -1. Stops at `MAX_BYTES`.
    """
    table = Table()
    routes: dict[str, int] = {}
    whys: dict[str, int] = {}
    outcomes = list(ROOM)
    room = MAX_BYTES
    for row in rows:
        for text, seen, kept in ((row.route, routes, table.routes), (row.why, whys, table.whys)):
            if text not in seen:
                seen[text] = len(kept)
                kept.append(one_line(redact.text(text)) if seen is routes else say_why(text))
                room -= 3 * len(text) + 4
        room -= len(row.id) + 40
        if room < 0:
            break
        table.rows.append(
            [one_line(row.id), outcomes.index(row.outcome), routes[row.route], causes.get(row.cause, -1),
             whys[row.why], round(1000 * row.blue_s, 1), round(1000 * row.green_s, 1), row.turn]
        )  # fmt: skip
    return table
