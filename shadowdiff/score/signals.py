"""What no single pair of resampled answers proves and many do: how far two texts are apart, signal by signal.

In:  two texts. Out: a distance 0 to 1 for each signal; counts are cut at four (scoring.md section 7). `excess` sets
green's distance from blue against the twin's, so that it has mean 0 where green is another sample of blue.
"""

from __future__ import annotations

from rapidfuzz import fuzz

from shadowdiff.model.exchange import Pair
from shadowdiff.score import facts, phrases
from shadowdiff.score.forms import form
from shadowdiff.score.judge import length_change, topic
from shadowdiff.score.text import prose

SIGNALS = ("similarity", "length", "topic", "numbers", "names", "negations", "items")
MOST = 4
"""Counted at most: one long list must not weigh more than many changed answers."""
MAX_CHARS = 4000


def distances(one: str, two: str) -> dict[str, float]:
    """How far `two` is from `one` by each signal."""
    if one == two:
        return dict.fromkeys(SIGNALS, 0.0)
    one, two = one[:MAX_CHARS], two[:MAX_CHARS]
    a, b = form(one), form(two)
    return {
        "similarity": 1 - fuzz.ratio(a, b) / 100,
        "length": length_change(a, b),
        "topic": topic(a, b),
        "numbers": _some(len(facts.numbers(b)[0].keys() - facts.numbers(a)[0].keys())),
        "names": _some(len(facts.names(two).keys() - facts.names(one).keys())),
        "negations": _some(abs(phrases.negations(a) - phrases.negations(b))),
        "items": _some(abs(facts.items(one) - facts.items(two))),
    }


def excess(pair: Pair) -> dict[str, float]:
    """By signal, how much farther green is from blue and the twin than these from each other, -1 to 1.

    Empty where an answer has no free text.
    """
    blue, green, twin = prose(pair.blue_doc), prose(pair.green_doc), prose(pair.twin_doc)
    if not blue or not green or not twin:
        return {}
    first, second, own = distances(blue, green), distances(twin, green), distances(blue, twin)
    return {name: (first[name] + second[name]) / 2 - own[name] for name in SIGNALS}


def _some(count: int) -> float:
    return min(MOST, count) / MOST
