"""Examples: few of each cause, bounded, the same from a run and from its tape."""

from __future__ import annotations

import orjson

from shadowdiff import tape
from shadowdiff.model.comparison import Outcome
from shadowdiff.report.examples import MOST, PER_CAUSE, Examples, from_tape
from shadowdiff.testing import comparison_of, pair_of


def test_three_of_each_cause_and_sixty_in_all() -> None:
    live, lines = Examples(), []
    for number in range(400):
        made = comparison_of(Outcome.MISMATCHED, number, route=f"GET /{number % 40}", rules=("length",))
        live.add(made, pair_of("a", "b"))
        lines.append(orjson.loads(tape.encode(made, pair_of("a", "b"))))
    live.add(comparison_of(Outcome.MATCHED), pair_of("a", "a"))
    assert len(live.lines) == MOST and max(live.causes.values()) == 10 > PER_CAUSE
    assert [line["id"] for line in from_tape(lines).lines] == [line["id"] for line in live.lines]
