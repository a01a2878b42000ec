"""Canned replies: the same words to different questions."""

from __future__ import annotations

import pytest

from shadowdiff.score import reuse as module
from shadowdiff.score.reuse import REUSED, Replies

CANNED = "The harbor is quiet tonight and the lights are on."


def test_the_same_reply_to_different_questions_is_counted() -> None:
    replies = Replies()
    assert [replies.note("r", f"Answer number {n} about its own subject.", CANNED) for n in range(4)] == [1, 2, 3, 4]
    assert replies.note("other", "Answer number 9.", CANNED) == 1
    assert REUSED == 3


def test_what_blue_says_too_or_short_replies_are_no_canned_ones() -> None:
    replies = Replies()
    assert [replies.note("r", CANNED, f"**{CANNED}**") for _ in range(5)] == [0] * 5
    assert replies.note("r", "A long answer of blue.", "Yes.") == 0
    assert [replies.note("r", "One and the same answer.", CANNED) for _ in range(5)] == [1] * 5


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REPLIES", 10)
    replies = Replies()
    for n in range(100):
        replies.note("r", f"blue says {n} here", f"green says {n} there")
    assert len(replies._seen) == 10
