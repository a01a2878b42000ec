"""Alignment: what only one side says, whatever moved or was dressed differently."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.score.align import changes, regions

TEXT = "\n".join(f"Sentence number {n} speaks of thing {n * 7} in some detail." for n in range(12))


def test_only_what_changed_is_left() -> None:
    found = changes(TEXT, TEXT.replace("thing 35", "thing 36"))
    assert found is not None
    assert (found.blue, found.green) == (
        "Sentence number 5 speaks of thing 35 in some detail.", "Sentence number 5 speaks of thing 36 in some detail.",
    )  # fmt: skip


def test_what_moved_or_was_dressed_differently_is_no_change() -> None:
    lines = TEXT.split("\n")
    for green in ("\n".join(lines[::-1]), TEXT.replace("\n", "\n\n- "), TEXT.replace("Sentence", "**Sentence**")):
        found = changes(TEXT, green)
        assert found is None or found.one == found.two


def test_another_text_is_not_aligned() -> None:
    assert changes(TEXT, "Bananas ripen. " * 40) is None


@given(st.text(alphabet="ab \n.。1", max_size=60), st.text(alphabet="ab \n.。1", max_size=60))
def test_equal_texts_leave_nothing_and_any_texts_are_aligned(one: str, two: str) -> None:
    same = changes(one, one)
    assert same is not None and same.one == same.two == ""
    changes(one, two)


@given(st.text(max_size=40), st.text(max_size=40))
def test_regions_are_parts_of_their_texts(one: str, two: str) -> None:
    for left, right in regions(one, two):
        assert left in one and right in two
