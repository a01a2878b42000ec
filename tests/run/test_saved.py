"""Saved runs: the same verdict again, shards merge in any order, a cut run never passes."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shadowdiff import runinfo, tape
from shadowdiff.errors import UsageError
from shadowdiff.gate.limits import Limits
from shadowdiff.model.comparison import Outcome
from shadowdiff.model.tally import Ledger, Shard
from shadowdiff.model.verdict import Status
from shadowdiff.report.view import curl_lines
from shadowdiff.run import saved
from shadowdiff.settings import Config
from shadowdiff.testing import comparison_of, pair_of


def write(
    folder: Path, outcomes: list[Outcome], complete: bool = True, shard: str = "r/0", extra_read: int = 0
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    info = runinfo.RunInfo("r", "t", "v", "h", gate=msgspec.to_builtins(Config().gate))
    runinfo.write_whole(folder / "run.json", msgspec.json.encode(info))
    sink = tape.TapeSink(folder)
    for number, outcome in enumerate(outcomes):
        sink.add(comparison_of(outcome, number), pair_of("a", "b"))
    ledger = Ledger(read=len(outcomes) + extra_read, sent=len(outcomes), skipped=extra_read)
    sink.state(Shard(id=shard, ledger=ledger), [], complete, "")
    sink.close(None, None)  # type: ignore[arg-type]
    return folder


GOOD, BAD = [Outcome.MATCHED] * 150, [Outcome.MISMATCHED] * 30


def test_the_verdict_of_a_saved_run_is_repeated_with_its_own_settings(tmp_path: Path) -> None:
    verdict, _ = saved.judge([write(tmp_path / "a", GOOD, extra_read=5)], None)
    assert verdict.verdict is Status.PASS and verdict.ledger["read"] == 155 and verdict.ledger["skipped"] == 5
    verdict, _ = saved.judge([write(tmp_path / "b", BAD)], None)
    assert verdict.verdict is Status.FAIL
    assert (
        saved.judge([tmp_path / "b" / "comparisons.jsonl"], Limits(max_divergence=0.99))[0].verdict is not Status.FAIL
    )


def test_a_run_that_was_cut_short_never_passes_but_still_fails(tmp_path: Path) -> None:
    assert saved.judge([write(tmp_path / "a", GOOD, complete=False)], None)[0].verdict is Status.INCONCLUSIVE
    assert saved.judge([write(tmp_path / "b", BAD, complete=False)], None)[0].verdict is Status.FAIL


def test_the_same_shard_twice_counts_once(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", GOOD)
    assert saved.judge([folder, folder], None)[0].divergence.n == 150


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_any_split_in_any_order_gives_the_same_verdict(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    outcomes = rng.choices([Outcome.MATCHED, Outcome.MISMATCHED, Outcome.IGNORED], [90, rng.randrange(20), 5], k=200)
    whole = write(tmp_path / f"w{seed}", outcomes)
    cut = rng.randrange(201)
    parts = [
        write(tmp_path / f"p{seed}", outcomes[:cut], shard="r/1"), write(tmp_path / f"q{seed}", outcomes[cut:], shard="r/2"),
    ]  # fmt: skip
    rng.shuffle(parts)
    one, two = saved.judge([whole], None)[0], saved.judge([*parts, parts[0]], None)[0]
    assert (one.verdict, one.divergence) == (two.verdict, two.divergence)


def test_sessions_are_counted_as_units_again(tmp_path: Path) -> None:
    sink = tape.TapeSink(tmp_path)
    for number in range(40):
        session = f"s{number % 10}"
        sink.add(comparison_of(Outcome.MATCHED, number, session=session, unit=f"{session}#0"), pair_of("a", "a"))
    sink.close(None, None)  # type: ignore[arg-type]
    verdict, total = saved.judge([tmp_path / "comparisons.jsonl"], Limits())
    assert (total.units, verdict.divergence.unit) == (10, "session")


def test_limits_parse_and_refuse_by_name() -> None:
    from shadowdiff.run.limits import gate_limits
    from shadowdiff.settings import GateRules

    assert gate_limits(Config()).max_divergence == 0.05
    for rules in (GateRules(max_divergence="500%"), GateRules(alpha="0%"), GateRules(max_divergence="100%")):
        with pytest.raises(UsageError, match=r"gate\."):
            gate_limits(Config(gate=rules))


def test_curl_lines_are_quoted_for_a_shell() -> None:
    line = {"request": {"method": "POST", "target": "/x", "headers": [["Host", "h"], ["A", "it's"]], "body": "$(rm)"}}
    ((role, curl),) = curl_lines(line, {"green": "http://g/", "blue": "recorded"})
    import shlex

    assert role == "green" and shlex.split(curl)[-2:] == ["$(rm)", "http://g/x"]
