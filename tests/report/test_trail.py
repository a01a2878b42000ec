"""The evidence over pairs: few looks however long the run, the crossing found, the same from a saved run."""

from __future__ import annotations

import math
from pathlib import Path

from shadowdiff.gate.count import Counter
from shadowdiff.gate.limits import Limits
from shadowdiff.model.comparison import Outcome
from shadowdiff.model.tally import Ledger
from shadowdiff.report.html import charts
from shadowdiff.report.material import Material
from shadowdiff.report.trail import Look, Trail
from shadowdiff.run import saved
from shadowdiff.run.gathered import follow
from shadowdiff.testing import comparison_of
from tests.run.test_saved import BAD, GOOD, write


def test_a_million_pairs_make_a_few_hundred_looks() -> None:
    trail = Trail(lambda settled: Look(settled, settled, 0.0, 0.0, 1.0, 0.0, 0.0))
    for _ in range(1_000_000):
        trail.tick()
    assert 150 < len(trail.looks) < 300 and trail.looks[0].settled == 1


def counted(outcomes: list[Outcome]) -> Material:
    counter = Counter("s", Ledger())
    made = follow(Material(), counter.tally, Limits())
    for number, outcome in enumerate(outcomes):
        one = comparison_of(outcome, number)
        counter.opened(one.unit, True, one.route)
        counter.add(one)
        made.trail.tick()
    made.close(counter.tally, None)
    return made


def test_the_crossing_is_where_the_gate_stops() -> None:
    bad = counted(BAD).trail
    crossing = bad.crossed("fail")
    assert crossing is not None and crossing.fail >= bad.fail_at == 2.0 and bad.crossed("pass") is None
    assert crossing.n == Limits().min_fail, "evidence may be enough before; a FAIL needs twenty units"
    assert math.isclose(bad.pass_at, -math.log10(0.05))
    good = counted(GOOD).trail
    passed = good.crossed("pass")
    assert passed is not None and 100 <= passed.n <= 107 and good.crossed("fail") is None


def test_a_saved_run_gives_the_same_looks(tmp_path: Path) -> None:
    _, _, made = saved.collect(write(tmp_path / "run", GOOD))
    assert made.trail.looks == counted(GOOD).trail.looks


def test_charts_draw_what_was_seen_and_escape_nothing_raw() -> None:
    made = counted(BAD)
    drawn = str(charts.evidence(made.trail).svg) + str(charts.estimate(made.trail, 0.05).svg)
    assert (
        drawn.count("polyline") == 3
        and 'class="crossed fails"' in drawn
        and "nan" not in drawn
        and "inf" not in drawn
    )
    assert charts.arrivals([], []) is None and charts.distribution(made.spread, "ttft") is None
    stream = charts.arrivals([(1.0, 0.0), (5.0, 10.0)], [(2.0, 0.0), (9.0, 10.0)])
    assert stream is not None and stream.right == 9.0 and str(stream.svg).count("polyline") == 2


def test_a_plain_rule_shows_no_evidence() -> None:
    counter = Counter("s", Ledger())
    assert follow(Material(), counter.tally, Limits()).trail.decides
    assert not follow(Material(), counter.tally, Limits(mode="simple")).trail.decides
