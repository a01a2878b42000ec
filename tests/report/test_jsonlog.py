"""Logs for machines: a JSON object a line, bounded, without secrets."""

from __future__ import annotations

import io
import json

from shadowdiff.model.comparison import Outcome
from shadowdiff.model.tally import Tally
from shadowdiff.report import jsonlog
from shadowdiff.report.jsonlog import JsonConsole, JsonPairs
from shadowdiff.testing import comparison_of, pair_of


def console() -> tuple[JsonConsole, io.StringIO]:
    made, out = JsonConsole(), io.StringIO()
    made.file = out
    made.names = {"service": "shop", "candidate": "v2"}
    return made, out


def lines(out: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_what_is_said_is_a_line_with_its_level_and_no_secret() -> None:
    one, out = console()
    one.print("warning: token=s3cr3t-value here")
    one.print("two\nlines", markup=False)
    one.print(object())
    first, second = lines(out)
    assert first["level"] == "warning" and first["service"] == "shop" and "s3cr3t" not in first["message"]
    assert second["event"] == "message" and "\n" not in second["message"] and second["ts"].endswith("+00:00")


def test_a_pair_that_differs_has_its_id_verdict_side_and_trace() -> None:
    one, out = console()
    sink = JsonPairs(one)
    pair = pair_of("a", "b")
    for outcome, baseline in ((Outcome.MATCHED, True), (Outcome.MISMATCHED, True), (Outcome.ERRORED, False)):
        sink.add(comparison_of(outcome, id="x1", run="r", rules=("status",), baseline=baseline), pair)
    green, blue = lines(out)
    assert (green["pair_id"], green["verdict"], green["side"], green["rules"]) == (
        "x1",
        "mismatched",
        "green",
        ["status"],
    )
    assert len(green["trace_id"]) == 32 and (blue["verdict"], blue["side"]) == ("errored", "blue")


def test_a_flood_of_differences_is_counted_not_written() -> None:
    one, out = console()
    sink = JsonPairs(one, clock=lambda: 5.0)
    for _ in range(jsonlog.PER_SECOND + 50):
        sink.add(comparison_of(Outcome.MISMATCHED), pair_of("a", "b"))
    sink.close(Tally(), None)
    found = lines(out)
    assert len(found) == jsonlog.PER_SECOND + 1 and found[-1] == found[-1] | {"event": "pairs", "left_out": 50}


def test_quiet_is_quiet() -> None:
    one = JsonConsole(quiet=True)
    one.file = io.StringIO()
    one.print("warning: x")
    assert one.file.getvalue() == ""
