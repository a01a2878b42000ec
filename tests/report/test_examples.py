"""Examples: few of each cause, bounded, the same from a run and from its tape."""

from __future__ import annotations

from collections import Counter

import orjson

from shadowdiff import tape
from shadowdiff.model.comparison import Outcome
from shadowdiff.report.examples import MOST, PER_KIND, Examples, from_tape
from shadowdiff.testing import comparison_of, pair_of


def test_three_of_each_cause_and_sixty_in_all() -> None:
    live, lines = Examples(), []
    for number in range(400):
        made = comparison_of(Outcome.MISMATCHED, number, route=f"GET /{number % 40}", rules=("length",))
        live.add(made, pair_of("a", "b"))
        lines.append(orjson.loads(tape.encode(made, pair_of("a", "b"))))
    live.add(comparison_of(Outcome.MATCHED), pair_of("a", "a"))
    assert len(live.lines) == MOST and live.causes.total == 400
    assert max(Counter(line["route"] for line in live.lines).values()) <= PER_KIND
    assert [line["id"] for line in from_tape(lines).lines] == [line["id"] for line in live.lines]
