"""Pointer patterns: exact, one segment, any depth; never slow."""

from __future__ import annotations

import time

import pytest

from shadowdiff.score.pointer import Patterns, escape, generalize


@pytest.mark.parametrize(
    ("pattern", "path", "hit"),
    [
        ("/a", "/a", True), ("/a", "/a/b", True), ("/a", "/ab", False), ("/a/*", "/a/b", True), ("/a/*", "/a", False),
        ("/**/t", "/t", True), ("/**/t", "/a/b/t", True), ("/**/t", "/a/bt", False), ("/a/**/t", "/a/x/y/t/z", True),
        ("/x_*", "/x_1", True), ("/x_*", "/y", False), ("/a.b", "/axb", False),
    ],
)  # fmt: skip
def test_matching(pattern: str, path: str, hit: bool) -> None:
    assert Patterns([pattern]).match(path) is hit


def test_an_empty_set_matches_nothing() -> None:
    assert not Patterns([]) and not Patterns([]).match("/a")


def test_keys_are_escaped_and_indexes_generalized() -> None:
    assert escape("a/b~c") == "a~1b~0c"
    assert generalize("/items/12/id") == "/items/*/id"


def test_a_hostile_path_cannot_stall_a_pattern() -> None:
    patterns = Patterns(["/**/a/**/b/**/c"])
    begun = time.process_time()
    patterns.match("/a/b" * 12 + "/d")
    assert time.process_time() - begun < 2
