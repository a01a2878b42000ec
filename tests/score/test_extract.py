"""Extracted pieces are compared exactly, whatever the words around them."""

from __future__ import annotations

import pytest

from shadowdiff.contracts import Baseline
from shadowdiff.errors import UsageError
from shadowdiff.score.extract import Extract
from shadowdiff.testing import check_scorer, pair_of


def found(pattern: str, blue: str, green: str) -> list[tuple[str, str]]:
    return [(f.blue, f.green) for f in Extract([pattern]).score(pair_of(blue, green), Baseline()).findings]


def test_a_flipped_answer_in_a_text_written_anew_is_found() -> None:
    assert found(r"\[(Yes|No)\]", "We checked it twice. [Yes]", "After a long look: [No]") == [("Yes", "No")]
    assert found(r"\[(Yes|No)\]", "We checked it twice. [Yes]", "After a long look: [Yes]") == []


def test_a_lost_match_and_optional_groups() -> None:
    assert found(r"total: (\d+)?", "total: 12", "nothing") == [("12", "(no match)")]
    assert found(r"\\boxed\{(.*?)\}", r"so \boxed{ 4 }", r"thus \boxed{4}") == []


def test_a_bad_pattern_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"--extract '\(': no regular expression"):
        Extract(["("])


def test_conforms() -> None:
    check_scorer(Extract([r"\d+"]))
