"""A pair in the terminal: side by side where there is room, marks that need no color, causes to choose from, a pager."""

from __future__ import annotations

import io
from pathlib import Path

import orjson
import pytest
from rich.console import Console

from shadowdiff import tape
from shadowdiff.model.comparison import Finding, Outcome, Score
from shadowdiff.report.material import Material
from shadowdiff.report.pair import show_causes, show_pair
from shadowdiff.report.screen import paged
from shadowdiff.report.words import Words
from shadowdiff.testing import comparison_of, pair_of
from tests.e2e.targets import log_of, plain, twins


def line() -> dict:
    scores = (Score("structure", 0.5, (Finding("/days", "value", blue="seven", green="nine"),)),)
    made = comparison_of(Outcome.MISMATCHED, rules=("structure",), scores=scores, why="value at /days: seven → nine")
    return orjson.loads(tape.encode(made, pair_of("refund in seven days", "refund in nine days")))


def shown(width: int = 120, lang: str = "en", **more) -> str:
    out = io.StringIO()
    show_pair(line(), {"green": "http://g"}, Console(file=out, width=width, **more), None, Words(lang))
    return out.getvalue()


def test_both_answers_stand_side_by_side_or_one_above_the_other() -> None:
    assert any("seven days" in row and "nine days" in row for row in shown(120).splitlines())
    assert not any("seven days" in row and "nine days" in row for row in shown(60).splitlines())


def test_marks_are_told_apart_without_color() -> None:
    text = shown(force_terminal=True, color_system="truecolor", highlight=False)
    gone, new = text.split("refund in ")[1], text.split("refund in ")[2]
    assert gone.startswith("\x1b[1;9;") and new.startswith("\x1b[1;4;"), "struck through, underlined"


def test_every_word_around_a_pair_is_chinese_when_asked() -> None:
    text = shown(lang="zh")
    for word in ("不一致", "值（/days）", "规则", "位置"):
        assert word in text
    assert "mismatched" not in text and "structure" not in text


def test_causes_are_listed_with_their_names() -> None:
    made, out = Material(), io.StringIO()
    made.take(line(), tape.decode(line()))
    show_causes(made.causes, Words(), Console(file=out, width=120))
    assert next(iter(made.causes.found)) in out.getvalue() and "a value changed (text) at /days" in out.getvalue()


def test_long_text_goes_through_the_pager_only_when_wanted(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    sent: list[str] = []
    monkeypatch.setattr("pydoc.pager", sent.append)
    with paged() as out:
        out.print("x\n" * 500)
    assert not sent and capsys.readouterr().out.startswith("x\n"), "no terminal, no pager"
    with paged(True) as out:
        out.print("y")
    assert sent == ["y\n"]


def test_show_takes_a_cause_by_name_and_lists_them(cli, tmp_path: Path) -> None:
    log = log_of(tmp_path / "log.jsonl", 40)
    with twins(green=lambda path: plain(path + "x")) as (blue, green):
        cli("replay", log, "--blue", blue.url, "--green", green.url, "-o", "run", "--stop-on", "none")
    listed = cli("show", "run")
    name = listed.stdout.splitlines()[1].split()[0]
    pair = cli("show", "run", name)
    assert listed.returncode == pair.returncode == 0 and "# green" in pair.stdout, pair.stderr
    missing = cli("show", "run", "nothing")
    assert missing.returncode == 4 and "lists causes" in missing.stderr
