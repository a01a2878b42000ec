"""What an operator or a capture writes as a pattern cannot hold up a run, whatever a target answers."""

from __future__ import annotations

import pytest

from shadowdiff.contracts import Baseline
from shadowdiff.errors import UsageError
from shadowdiff.model.exchange import Expect
from shadowdiff.score.extract import Extract
from shadowdiff.score.keywords import Keywords
from shadowdiff.score.regex import compiled
from shadowdiff.testing import exchange_of, pair_of


@pytest.mark.parametrize("pattern", [r"^(a+)+$", r"(a|aa)+$", r"(.*a){12}$", r"(\w+\s?)+$"])
def test_a_pattern_that_would_take_for_ever_does_not(pattern: str) -> None:
    text = "a" * 20_000 + "!"
    assert compiled(pattern, "--extract").search(text) is None
    Extract([pattern]).score(pair_of(text, "b" + text), Baseline())


def test_lines_have_ends_and_chinese_is_whole() -> None:
    assert compiled("^答案是(.)$", "x").search("问\n答案是甲\n")[1] == "甲"


@pytest.mark.parametrize("pattern", [r"(?=x)", r"(\w)\1", r"(?<!a)b"])
def test_what_cannot_be_had_is_said_with_where_to_read_on(pattern: str) -> None:
    with pytest.raises(UsageError, match=r"--extract .*no look-around and no back-reference, see https"):
        compiled(pattern, "--extract")


def test_a_broken_pattern_in_a_capture_is_told_and_fails_nobody() -> None:
    exchange = exchange_of(expect=Expect(regex=("(", "kettle")))
    score = Keywords().score(pair_of("a kettle", "a kettle", exchange=exchange), Baseline())
    assert [finding.fires for finding in score.findings] == [False]
    assert "no regular expression" in score.findings[0].green
