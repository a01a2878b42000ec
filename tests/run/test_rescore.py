"""Rescore: stored answers under other rules; what cannot be judged again and what proves nothing is said."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from shadowdiff import runinfo, tape
from shadowdiff.config import load
from shadowdiff.contracts import Baseline
from shadowdiff.errors import UsageError
from shadowdiff.model.comparison import Outcome
from shadowdiff.model.tally import Ledger, Shard
from shadowdiff.model.verdict import Status
from shadowdiff.run import saved
from shadowdiff.run.rescore import rescore, table
from shadowdiff.run.scoring import panel
from shadowdiff.settings import Config
from shadowdiff.testing import exchange_of, pair_of

SAID = "The parcel leaves our depot within 3 days and reaches you on the day after, as a rule."


def recorded(folder: Path, store: str = "all", count: int = 180) -> Path:
    """A run of JSON answers of which a third differ in `/took`, and one in `/text`."""
    folder.mkdir()
    config = Config()
    info = runinfo.RunInfo(
        "run1", "t", "v", "h", gate=msgspec.to_builtins(config.gate), score=msgspec.to_builtins(config.score)
    )
    runinfo.write_whole(folder / "run.json", msgspec.json.encode(info))
    sink, scorers = tape.TapeSink(folder, store=store), panel(config)
    for n in range(count):
        blue = f'{{"took":1,"text":"{SAID}"}}'
        green = blue.replace('"took":1', '"took":2') if n % 3 == 0 else blue
        green = green.replace("3 days", "9 days") if n == 1 else green
        pair = pair_of(blue, green, exchange=exchange_of(id=f"r{n}", seq=n, unit=f"r{n}"))
        sink.add(scorers.compare(pair, Baseline()).comparison, pair)
    sink.state(Shard(id="run1/0", ledger=Ledger(read=count, sent=count)), [], True, "")
    sink.close(None, None)  # type: ignore[arg-type]
    return folder


def test_an_ignore_rule_is_tried_without_traffic(tmp_path: Path) -> None:
    config = load(None, {"score.ignore": ["/took"]}, {})
    found = rescore(recorded(tmp_path / "a"), config, tmp_path / "b")
    assert found.judged == found.pairs == 180 and not found.kept
    assert found.moved[("mismatched", "ignored")][:2] == (60, "r0") and len(found.moved) == 1
    verdict, _ = saved.judge([tmp_path / "b"], None)
    assert verdict.verdict is Status.INCONCLUSIVE and verdict.reason.startswith("exploratory")
    assert "it would read: pass" in verdict.reason and verdict.ledger["mismatched"] == 1
    assert any("exploratory" in line for line in table(found))


def test_the_runs_own_rules_and_rules_tuned_elsewhere_are_no_exploration(tmp_path: Path) -> None:
    run = recorded(tmp_path / "a")
    same = rescore(run, load(None, {}, {}), tmp_path / "b")
    assert not same.exploratory and not same.moved
    assert saved.judge([tmp_path / "b"], None)[0].verdict is Status.FAIL
    elsewhere = {"score.ignore": ["/took"], "score.tuned_on": ["run0"]}
    assert not rescore(run, load(None, elsewhere, {}), tmp_path / "c").exploratory
    here = {"score.ignore": ["/took"], "score.tuned_on": ["run0", "run1"]}
    assert "tuned on these very pairs" in rescore(run, load(None, here, {}), tmp_path / "d").exploratory


def test_pairs_without_stored_answers_keep_their_outcome_and_are_counted(tmp_path: Path) -> None:
    """Equal bytes stay equal under any rule; of the others only mismatches are stored by default."""
    run = recorded(tmp_path / "a", store="none")
    found = rescore(run, load(None, {}, {}), tmp_path / "b")
    assert found.judged == 119 and sum(found.kept.values()) == 61
    assert "could not be judged again" in found.exploratory
    assert rescore(recorded(tmp_path / "c", "mismatched"), load(None, {}, {}), tmp_path / "d").judged == 180


def test_what_the_run_had_learnt_is_still_known(tmp_path: Path) -> None:
    run = recorded(tmp_path / "a")
    scorers = panel(Config())
    pair = pair_of('{"took":1}', '{"took":2}', twin='{"took":3}', exchange=exchange_of(id="x", seq=500, unit="x"))
    made = scorers.compare(pair, Baseline()).comparison
    with (run / "comparisons.jsonl").open("ab") as file:
        file.write(tape.encode(made, pair, "all"))
    found = rescore(run, load(None, {}, {}), tmp_path / "b")
    assert found.moved[("mismatched", "ignored")][0] == 60


def test_the_folder_that_is_read_is_never_written(tmp_path: Path) -> None:
    run = recorded(tmp_path / "a")
    with pytest.raises(UsageError, match="is the folder that is read"):
        rescore(run, load(None, {}, {}), run)
    (run / "run.json").unlink()
    with pytest.raises(UsageError, match=r"run\.json"):
        rescore(run, load(None, {}, {}), tmp_path / "b")


def test_a_rescored_run_is_another_shard(tmp_path: Path) -> None:
    run = recorded(tmp_path / "a")
    rescore(run, load(None, {}, {}), tmp_path / "b")
    verdict, _ = saved.judge([run, tmp_path / "b"], None)
    assert verdict.ledger["sent"] == 360
    assert {c.outcome for c in map(tape.decode, tape.read(tmp_path / "b" / "comparisons.jsonl"))} == {
        Outcome.MATCHED,
        Outcome.MISMATCHED,
    }
