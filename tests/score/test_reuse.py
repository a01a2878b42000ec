"""Canned replies: the same words to different questions."""

from __future__ import annotations

import pytest

from shadowdiff.model.comparison import Outcome
from shadowdiff.score import reuse as module
from shadowdiff.score.reuse import REUSED, Replies
from shadowdiff.testing import comparison_of, pair_of

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


def test_a_thank_you_in_other_words_is_no_canned_reply() -> None:
    """Found by the sample reports: every conversation ended so, and green was stopped for it."""
    replies, said = Replies(), "You are welcome. If anything else comes up, please ask at any time."
    for n in range(20):
        pair = pair_of(("Sure. ", "Of course. ", "")[n % 3] + said + ("", " Anything else?")[n % 2], said)
        assert replies.judge(comparison_of(Outcome.MATCHED, n), pair).outcome is Outcome.MATCHED
    found = [
        replies.judge(
            comparison_of(Outcome.MATCHED, n), pair_of(f"Item {n} costs {n * 7} and weighs {n * 3}.", CANNED)
        )
        for n in range(5)
    ]
    assert [one.outcome for one in found][-1] is Outcome.MISMATCHED
