"""Tape: what is written is read back, torn ends are tolerated, damage is named, secrets never land."""

from __future__ import annotations

from pathlib import Path

import pytest

from shadowdiff import runinfo, tape
from shadowdiff.errors import SourceError
from shadowdiff.model.comparison import Finding, Outcome, Score, Severity, Timings
from shadowdiff.testing import comparison_of, exchange_of, pair_of, request_of


def full() -> tuple:
    scores = (
        Score("structure", 0.5, (Finding("/a", "value", Severity.MAJOR, "1", "2"),)),
        Score("length", 0.1, (), "no free text"),
    )
    made = comparison_of(
        Outcome.MISMATCHED, rules=("structure",), scores=scores, timings=Timings(0.1, 0.2, 0.3, 0.4, 0.0, 0.15, None, 0.01),
        session="s", unit="s#0", why="value at /a", control=(Outcome.MATCHED, Outcome.IGNORED), reask=True, source="log:1", tokens=9,
    )  # fmt: skip
    return made, pair_of('{"a":1}', '{"a":2}')


def test_a_line_reads_back_as_the_comparison_it_was(tmp_path: Path) -> None:
    comparison, pair = full()
    path = tmp_path / "comparisons.jsonl"
    path.write_bytes(tape.encode(comparison, pair))
    (line,) = tape.read(path)
    assert tape.decode(line) == comparison
    assert {"id", "route", "outcome", "rules", "scores", "timings"} <= set(line)


def test_a_torn_last_line_is_what_a_kill_leaves(tmp_path: Path) -> None:
    comparison, pair = full()
    line = tape.encode(comparison, pair)
    path = tmp_path / "comparisons.jsonl"
    path.write_bytes(line + line[:-20])
    assert len(list(tape.read(path))) == 1


def test_damage_in_the_middle_is_named_by_file_and_line(tmp_path: Path) -> None:
    comparison, pair = full()
    line = tape.encode(comparison, pair)
    path = tmp_path / "comparisons.jsonl"
    path.write_bytes(line + b"{broken\n" + line)
    with pytest.raises(SourceError, match=r"comparisons\.jsonl:2"):
        list(tape.read(path))


def test_a_damaged_name_of_a_time_is_refused_by_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "comparisons.jsonl"
    line = tape.encode(comparison_of(Outcome.MATCHED), pair_of("a", "a"))
    path.write_bytes(line.replace(b'"green_s"', b'" reen_s"'))
    with pytest.raises(SourceError, match=r"comparisons.jsonl:1: no comparison line \(.* reen_s"):
        list(tape.read(path))


def test_a_newer_version_says_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "comparisons.jsonl"
    path.write_bytes(b'{"v":99}\n')
    with pytest.raises(SourceError, match="upgrade"):
        list(tape.read(path))


def test_no_secret_lands_and_the_file_is_private(tmp_path: Path) -> None:
    secret = "s3cr3tValue9876"
    request = request_of(
        "POST", f"/x?token={secret}", f'{{"password":"{secret}"}}'.encode(), Authorization=f"Bearer {secret}"
    )
    pair = pair_of(
        f'{{"api_key":"{secret}","a":1}}', f'{{"api_key":"{secret}x","a":2}}', exchange=exchange_of(request)
    )
    sink = tape.TapeSink(tmp_path)
    finding = Finding("/api_key", "value", Severity.MAJOR, secret, secret + "x")
    why = f"value at /api_key: Bearer {secret}"
    sink.add(comparison_of(Outcome.MISMATCHED, scores=(Score("structure", 1.0, (finding,)),), why=why), pair)
    sink.close(None, None)  # type: ignore[arg-type]
    path = tmp_path / "comparisons.jsonl"
    assert secret not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_bodies_are_stored_for_mismatches_only_unless_told() -> None:
    comparison, pair = full()
    matched = comparison_of(Outcome.MATCHED)
    assert b'"blue":{' in tape.encode(comparison, pair)
    assert b'"blue":{' not in tape.encode(matched, pair)
    assert b'"blue":{' in tape.encode(matched, pair, "all")
    assert b'"blue":{' not in tape.encode(comparison, pair, "none")
    assert len(tape.encode(comparison, pair_of("x" * 200_000, "y" * 200_000))) < 200_000


def test_a_folder_without_results_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        runinfo.files(tmp_path / "nope")
    with pytest.raises(SourceError, match="holds no comparisons"):
        runinfo.files(tmp_path)


def test_no_answer_can_break_a_line(tmp_path: Path) -> None:
    """Whatever two targets say, their comparison can be written and read back."""
    from shadowdiff.contracts import Baseline
    from shadowdiff.score.panel import Panel
    from shadowdiff.score.structure import Structure
    from shadowdiff.testing import ODD_BODIES

    bodies = [*ODD_BODIES, b'{"a": "\\ud800", "b\\udfff": 1}', b'{"a": 12345678901234567890123}']
    panel = Panel([Structure()], paired=False)
    path = tmp_path / "comparisons.jsonl"
    with path.open("wb") as out:
        for one in bodies:
            for two in bodies:
                pair = pair_of(one, two)
                out.write(tape.encode(panel.compare(pair, Baseline()).comparison, pair, "all"))
    assert sum(1 for line in tape.read(path) if tape.decode(line)) == len(bodies) ** 2
