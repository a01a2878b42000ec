"""Highlights: nothing is lost or added, scripts without blanks work, long equal parts are folded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.report.marks import MAX_TOKENS, folded, marked


def test_highlights_work_without_blanks_between_words() -> None:
    left, right = marked("退款需要七天", "退款需要三十天")
    assert [p for p in left if p[1]] == [("七", "gone")]
    assert [p for p in right if p[1]] == [("三十", "new")]


@given(st.text(max_size=80), st.text(max_size=80))
def test_each_side_reads_as_it_was(one: str, two: str) -> None:
    left, right = marked(one, two)
    assert "".join(piece for piece, _ in left) == one and "".join(piece for piece, _ in right) == two
    same = ["".join(piece for piece, mark in side if not mark) for side in (left, right)]
    assert same[0] == same[1], "what carries no mark is the same on both sides"


def test_a_change_at_the_end_of_a_long_text_is_marked() -> None:
    text = "word " * (2 * MAX_TOKENS)
    left, right = marked(text + "seven", text + "nine")
    assert left[-1] == ("seven", "gone") and right[-1] == ("nine", "new")


def test_long_equal_parts_are_folded_and_say_how_much() -> None:
    left, _ = marked("a " * 1000 + "x" + " b" * 1000, "a " * 1000 + "y" + " b" * 1000)
    shown = folded(left, lambda count: f"<{count}>", context=20)
    assert [mark for _, mark in shown] == ["fold", "", "gone", "", "fold"]
    assert shown[0][0] == "<1980>" and sum(len(text) for text, _ in shown) < 100
    assert folded([("short", "")], lambda count: "") == [("short", "")]
    assert sum(len(text) for text, _ in folded([("z" * 9000, "")], lambda count: "…")) < 1000
