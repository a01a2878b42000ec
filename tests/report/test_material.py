"""What reports are made of: the same from a run and from its tape, bounded, mismatches before all else."""

from __future__ import annotations

import orjson

from shadowdiff import tape
from shadowdiff.model.comparison import Comparison, Finding, Outcome, Score, Timings
from shadowdiff.report.material import Material
from shadowdiff.report.rows import MAX_ROWS, ROOM, Rows, packed
from shadowdiff.testing import check_sink, comparison_of, pair_of


def one(n: int) -> Comparison:
    outcome = (Outcome.MATCHED, Outcome.MISMATCHED, Outcome.IGNORED, Outcome.ERRORED)[n % 4]
    scores = (Score("structure", round(0.1 * (n % 9), 1), (Finding(f"/f{n % 3}", "value", blue="1", green=str(n)),)),)
    bad = outcome is Outcome.MISMATCHED
    return comparison_of(
        outcome, n, id=f"x{n}", route=f"GET /{n % 5}", scores=scores if bad else (), rules=("structure",) if bad else (),
        timings=Timings(blue_s=0.01 * (n + 1), green_s=0.02), why=f"value at /f{n % 3}: 1 → {n}",
    )  # fmt: skip


def test_a_tape_gives_what_the_run_gave() -> None:
    live, read = Material(), Material()
    for n in range(200):
        live.add(one(n), pair_of("a", "b"))
        line = orjson.loads(tape.encode(one(n), pair_of("a", "b")))
        read.take(line, tape.decode(line))
    assert live.causes.found == read.causes.found and live.spread.counts == read.spread.counts
    assert [row.id for row in live.rows.chosen()] == [row.id for row in read.rows.chosen()]
    assert live.examples.chosen(live.causes) == read.examples.chosen(read.causes)


def test_errored_pairs_are_rows_but_no_times() -> None:
    made = Material()
    made.add(one(3), pair_of("a", "b"))
    assert len(made.rows.chosen()) == 1 and not made.spread.counts


def test_rows_are_bounded_and_mismatches_go_first() -> None:
    rows = Rows()
    for n in range(40_000):
        rows.add(one(n), "c")
    chosen = rows.chosen()
    assert len(chosen) == MAX_ROWS and rows.total == 40_000
    assert sum(row.outcome is Outcome.MISMATCHED for row in chosen) == ROOM[Outcome.MISMATCHED]
    assert [row.seq for row in chosen] == sorted(row.seq for row in chosen)


def test_packed_rows_point_at_what_repeats() -> None:
    rows = Rows()
    for n in range(300):
        rows.add(one(n), "c")
    table = packed(rows.chosen(), {"c": 0}, str.upper)
    assert len(table.routes) == 5 and len(table.rows) == 300
    place = table.rows[1]
    assert table.routes[place[2]] == "GET /1" and table.whys[place[4]] == "VALUE AT /F1: 1 → 1"


def test_it_is_a_sink() -> None:
    check_sink(Material())
