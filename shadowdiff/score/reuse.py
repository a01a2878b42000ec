"""A canned reply in no language in particular: green says the same to different questions, and blue does not.

The one detector that needs more than its pair. It holds hashes only, and at most MAX_REPLIES replies.
"""

from __future__ import annotations

from collections import OrderedDict

import msgspec
from rapidfuzz import fuzz

from shadowdiff.model.comparison import Comparison, Finding, Outcome, Score, Severity
from shadowdiff.model.exchange import Pair
from shadowdiff.model.tally import DIVERGENCE
from shadowdiff.score.forms import form
from shadowdiff.score.text import prose

REUSED = 3
"""Different answers of blue that one reply of green stood for, before it counts."""
MIN_CHARS = 12
MAX_REPLIES = 20_000
ALIKE = 65
"""Similarity (0 to 100) from which an answer is blue's own in other words; unrelated ones have 15 to 50."""
_HEAD = 2000


class Replies:
    """Counts, by route and reply of green, how many different answers blue gave."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, int], set[int]] = OrderedDict()

    def note(self, route: str, blue: str, green: str) -> int:
        """Take one pair of texts; how many different answers of blue this reply of green has stood for."""
        said = beginning(green)
        if len(said) < MIN_CHARS:
            return 0
        answered = hash(beginning(blue))
        key = (route, hash(said))
        found = self._seen.setdefault(key, set())
        self._seen.move_to_end(key)
        if answered != key[1] and len(found) < 100:
            found.add(answered)
        if len(self._seen) > MAX_REPLIES:
            self._seen.popitem(last=False)
        return len(found)

    def judge(self, comparison: Comparison, pair: Pair) -> Comparison:
        """`comparison`, mismatched where green has given the same reply to several questions."""
        if comparison.outcome in (Outcome.MISMATCHED, Outcome.ERRORED):
            return comparison
        one, two = prose(pair.blue_doc), prose(pair.green_doc)
        if one == two or not two or alike(one, two) or self.note(comparison.route, one, two) < REUSED:
            return comparison
        finding = Finding("", "reuse", Severity.CRITICAL, one[:160], two[:160])
        return msgspec.structs.replace(
            comparison,
            outcome=Outcome.MISMATCHED,
            rules=(*comparison.rules, "reuse"),
            scores=(*comparison.scores, Score("reuse", 1.0, (finding,))),
            bets={**comparison.bets, DIVERGENCE: 1.0},
            why=f"reuse: green says the same to {REUSED} and more different questions",
        )


def alike(blue: str, green: str) -> bool:
    """Whether green says much the same as blue: a thank-you in other words is no canned reply."""
    return fuzz.ratio(beginning(blue), beginning(green)) >= ALIKE


def beginning(text: str) -> str:
    """The form of a text as far as answers are compared here."""
    return form(text[:_HEAD])
