"""The judged form: what a reader does not see is gone, what states something stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.score.forms import form


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("**Bold**  and `code`", "bold and code"),
        ("- first\n- second", "1. First\n2) Second"),
        ("“quoted” — it’s…", '"quoted" - it\'s...'),
        ("全角ＡＢＣ，１２３。", "全角abc,123."),
        ("共 1,000.50 元", "共1000.5元"),
        ("2024年5月1日生效", "2024-05-01 生效"),
        ("三天内退款", "3天内退款"),
        ("within three business days", "within 3 business days"),
        ("id 3f2504e0-4f89-11d3-9a0c-0305e82c3301 end", "id 6fa459ea-ee8a-3ca4-894e-db77e160355e end"),
        ("中文 English 混排", "中文English混排"),
        ("a\u200bb\ufeff", "ab"),
    ],
)
def test_surface_is_gone(one: str, two: str) -> None:
    assert form(one) == form(two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("7天", "30天"), ("3.5 kg", "35 kg"), ("17.5", "17.05"), ("is safe", "is not safe"), ("第十条", "第九条"), ("$5", "€5"),
        ("三天内退款", "七天内退款"), ("one of them", "none of them"), ("2024-05-01", "2024-05-02"),
    ],
)  # fmt: skip
def test_what_is_stated_stays(one: str, two: str) -> None:
    assert form(one) != form(two)


@given(st.text(max_size=200))
def test_any_text_has_a_form_and_it_is_its_own(text: str) -> None:
    assert form(form(text)) == form(form(form(text)))
