"""What the page shows: the newest differences without secrets, points over time, a trace a bucket."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec

from shadowdiff.model.comparison import Outcome, Timings
from shadowdiff.model.tally import BUCKETS
from shadowdiff.model.trace import trace_id
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.report.causes import Causes
from shadowdiff.run import board
from shadowdiff.run.board import Board
from shadowdiff.run.reload import Reloader, Trial
from shadowdiff.settings import Config
from shadowdiff.testing import comparison_of, pair_of


def made() -> tuple[Board, Reloader]:
    ready = SimpleNamespace(tee=SimpleNamespace(in_flight=3, stopping=""))

    async def no(change) -> Trial:
        return Trial()

    reloader = Reloader(Config(), None, Config, prepare=no, swap=print, say=print)
    return Board(ready), reloader  # type: ignore[arg-type]


def test_the_newest_differences_come_first_bounded_and_redacted() -> None:
    one, reloader = made()
    for n in range(board.FINDINGS + 5):
        why = f"value: token=s3cr3t-value-{n}"
        one.add(comparison_of(Outcome.MISMATCHED, n, id=f"x{n}", why=why), pair_of("a", "b"))
    one.add(comparison_of(Outcome.MATCHED, 99), pair_of("a", "a"))
    state = one.state(Verdict(Status.FAIL, "why", 1), reloader, Causes())
    assert len(state["findings"]) == board.FINDINGS and state["findings"][0]["id"] == f"x{board.FINDINGS + 4}"
    assert b"s3cr3t" not in msgspec.json.encode(state), "it goes to browsers as it is"
    assert (state["verdict"], state["in_flight"], state["config"]["hash"]) == ("fail", 3, Config().hash)


def test_points_are_those_marked_and_the_present_one() -> None:
    one, reloader = made()
    verdict = Verdict(Status.PASS, "", 0)
    for _ in range(board.POINTS + 10):
        one.mark(verdict)
    assert len(one.state(verdict, reloader, Causes())["points"]) == board.POINTS + 1


def test_a_bucket_keeps_the_trace_of_its_last_answer() -> None:
    one, _ = made()
    slow = Timings(blue_s=0.004, green_s=1e9)
    for name in ("a", "b"):
        one.add(comparison_of(id=name, run="r", timings=slow), pair_of("a", "a"))
    assert {key: found[0] for key, found in one.exemplars.items()} == {
        ("blue", BUCKETS.index(0.005)): trace_id("r", "b"),
        ("green", len(BUCKETS)): trace_id("r", "b"),
    }
