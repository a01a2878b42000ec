"""Facts: numbers with units, negations, names, links, citations, items."""

from __future__ import annotations

import pytest

from shadowdiff.score import facts
from shadowdiff.score.forms import form
from shadowdiff.score.phrases import negations


def test_numbers_carry_their_units_and_links_and_marks_hold_none() -> None:
    values, pairs = facts.numbers(form("See [1] https://a.b/2024/5: pay $20 or 15 euros in 3天, at 425°F."))
    assert set(values) == {"20", "15", "3", "425"}
    assert set(pairs) == {"20 $", "15 euros", "3 天", "425 °f"}


def test_links_lose_only_query_and_final_signs() -> None:
    assert facts.links("see https://A.com/x?utm=1#y, or [doc](docs/a.md) (http://b.org/z).") == {
        "https://a.com/x", "http://b.org/z", "docs/a.md",
    }  # fmt: skip


def test_citation_marks_of_every_spelling() -> None:
    assert facts.citations("a[1] b【2】 c[^3]\n来源：x") == {"1", "2", "3", "source line"}


def test_names_are_told_from_sentence_starts() -> None:
    assert set(facts.names("The city of Paris and NASA wrote 《民法典》. However, it rains.")) == {
        "Paris",
        "NASA",
        "民法典",
    }


def test_items_by_their_markers() -> None:
    assert facts.items("1. a\n2. b\n\n- c\n（3）d\n3.5 kg\nplain") == 4


@pytest.mark.parametrize(
    ("text", "count"),
    [("it is not safe", 1), ("you can't and you never will", 2), ("不安全，也没有保障", 2), ("不过非常重要，不仅如此", 0),
     ("nothing", 1), ("notable knot", 0), ("cannot / can not", 2)],
)  # fmt: skip
def test_negations_are_counted_and_look_alikes_are_not(text: str, count: int) -> None:
    assert negations(text) == count
