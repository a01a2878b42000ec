"""Exchanges are made one way: counted once, targets safe."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.capture.build import Builder, Unreadable, clean_target, header_pairs, status_of, timestamp
from shadowdiff.model.tally import Ledger


@pytest.mark.parametrize(
    ("target", "clean"),
    [
        ("/a//b/../c?x=%7E", "/a//b/../c?x=%7E"), ("http://h:1/p?q=1", "/p?q=1"), ("https://h", "/"), ("http://h?x=1", "/?x=1"), ("http://h/?", "/?"), ("http://[::1]:8/a", "/a"),
        ("/a b", "/a%20b"), ("/搜索?q=你", "/%E6%90%9C%E7%B4%A2?q=%E4%BD%A0"), ("/a#frag", "/a"), ("*", "*"),
    ],
)  # fmt: skip
def test_targets_stay_as_captured_but_for_what_cannot_be_sent(target: str, clean: str) -> None:
    assert clean_target(target) == clean


@pytest.mark.parametrize("target", ["relative", "ftp://h/", "", "http://", "http:///x"])
def test_other_targets_are_unreadable(target: str) -> None:
    with pytest.raises(Unreadable):
        clean_target(target)


@given(st.text(max_size=60))
def test_a_cleaned_target_can_never_split_a_request(text: str) -> None:
    try:
        clean = clean_target("/" + text)
    except Unreadable:
        return
    assert clean.isascii() and clean.isprintable() and " " not in clean


def test_unreadable_records_are_counted_and_only_the_first_are_said() -> None:
    ledger, said = Ledger(), []
    builder = Builder(ledger, warn=said.append)
    for number in range(20):
        builder.unreadable(f"log:{number}", "broken")
    assert (ledger.read, ledger.unreadable, len(said)) == (20, 20, 5)
    assert "only counted" in said[-1]


def test_headers_of_other_shapes_are_refused() -> None:
    with pytest.raises(Unreadable):
        header_pairs([["a"]])
    with pytest.raises(Unreadable):
        header_pairs("a: b")


def test_a_status_is_three_plain_digits_or_none() -> None:
    assert [status_of(text) for text in ("200", "599", "-", "000", "600", "²00", "٢٠٠", "9" * 5000, "")] == [
        200,
        599,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
    ]


def test_times_out_of_range_are_none() -> None:
    assert timestamp(True) is None and timestamp(-5) is None and timestamp("x") is None and timestamp(None) is None
