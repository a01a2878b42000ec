"""What a change is called: by kind, place and shape of the edit, never by values."""

from __future__ import annotations

import pytest

from shadowdiff.model.comparison import Comparison, Finding, Outcome, Score, Severity
from shadowdiff.report import kinds
from shadowdiff.report.shape import gravest, signature
from shadowdiff.report.words import ENGLISH, Words
from shadowdiff.testing import comparison_of


def differing(*findings: Finding) -> Comparison:
    return comparison_of(Outcome.MISMATCHED, rules=("structure",), scores=(Score("structure", 0.5, findings),))


@pytest.mark.parametrize(
    ("kind", "blue", "green", "shape"),
    [
        ("value", "56.25", "56", "rounded"), ("value", "56.25", "61", "number"), ("value", "true", "false", "true → false"),
        ("value", "2026-01-02", "2026-01-03", "date"), ("type", "12", "null", "number → null"), ("type", "[1]", "{}", "list → object"),
        ("items", "6 list items", "3 list items", "shorter"), ("length", "3 items", "12 items", "longer"),
        ("number", "3, 5", "", "gone"), ("number", "", "3", "new"), ("number", "3", "5", ""), ("disclaimer", "for reference", "(gone)", "gone"),
        ("status", "200", "503", "200 → 503"), ("kind", "json", "html", "json → html"),
        ("failure", "200", "silent for 30 s after 1234 bytes of body", "200 → silent for 30 s after # bytes of body"),
        ("keyword", "仅供参考", "(required phrase missing)", "仅供参考 (required phrase missing)"),
    ],
)  # fmt: skip
def test_the_edit_is_named_without_its_values(kind: str, blue: str, green: str, shape: str) -> None:
    assert signature(differing(Finding("/a", kind, blue=blue, green=green)))[0].shape == shape


def test_a_field_that_came_back_elsewhere_was_moved() -> None:
    gone = Finding("/total", "missing", blue="12.5")
    moved = differing(gone, Finding("/sum", "extra", Severity.INFO, green="12.5"))
    assert signature(moved)[0].shape == "renamed or moved" and signature(differing(gone))[0].shape == "gone"


def test_what_explains_the_rest_stands_for_a_pair() -> None:
    number, items = (
        Finding("", "number", blue="3", green=""),
        Finding("", "items", blue="6 list items", green="5 list items"),
    )
    refusal = Finding("", "refusal", Severity.CRITICAL)
    assert gravest(differing(number, items)).finding is items, "a list item took its number along"
    assert gravest(differing(number, items, refusal)).finding is refusal
    assert gravest(comparison_of(Outcome.MISMATCHED, rules=("mine",))).finding.kind == "mine"


def test_every_kind_of_finding_that_a_scorer_gives_has_a_title() -> None:
    import re

    from tests.conftest import ROOT

    given = set()
    for path in (ROOT / "shadowdiff" / "score").glob("*.py"):
        given |= set(re.findall(r'(?:Sign\(|Finding\([^,]+, |_add\([^,]+, )"(\w+)"', path.read_text("utf-8")))
    assert len(given) > 30
    untitled = {kind for kind in given if kinds.title(kind, "x", "rule", ENGLISH) == f"rule: {kind}"}
    assert not untitled
    assert kinds.title("tone", "", "manners", Words("zh")) == "manners: tone", "a plugin's kind is said as it is"
