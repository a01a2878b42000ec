"""Learn from blue against blue how one endpoint's texts vary: limits, footers, sticky phrases, false alarms.

In:  pairs of texts that blue gave to the same question. Out: a `TextNoise`. Sizes and quantiles: scoring.md
section 6; with fewer than ten pairs the fixed limits stay.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from shadowdiff.contracts import TextNoise
from shadowdiff.model.comparison import Severity
from shadowdiff.score.detect import shingles
from shadowdiff.score.forms import form
from shadowdiff.score.judge import judge, length_change, shape, topic
from shadowdiff.score.text import tokens

MIN_PAIRS = 10
QUANTILE = 0.98
DEMOTE_SHARE = 0.10
DEMOTE_COUNT = 2
STICKY_SHARE = 0.80
MIN_ANSWERS = 10
RARE = 2
"""Answers a word may stand in and still be rare."""
MAX_VOLATILE = 160
"""A footer is short; a paragraph with a number in it is an answer."""
_NEVER_DEMOTED = frozenset({"empty", "shape", "error", "mojibake"})


def learn_texts(pairs: Sequence[tuple[str, str]], profile: str = "stable") -> TextNoise:
    """What `pairs` of blue with itself teach about one endpoint."""
    volatile = _volatile(pairs)
    answers = [text for pair in pairs for text in pair]
    forms = [form(text) for text in answers]
    weights = _weights(forms)
    length = far = None
    if len(pairs) >= MIN_PAIRS:
        ones, twos = forms[::2], forms[1::2]
        length = _quantile([length_change(one, two) for one, two in zip(ones, twos, strict=True)])
        far = _quantile([topic(one, two, weights) for one, two in zip(ones, twos, strict=True)])
    bare = TextNoise(pairs=len(pairs), length=length, topic=far, volatile=volatile, weights=weights)
    fired: Counter[str] = Counter()
    for one, two in pairs:
        verdict = judge(one, two, profile, bare)
        fired.update({sign.kind for sign in verdict.signs if sign.severity is not Severity.INFO})
    demoted = frozenset(
        kind
        for kind, count in fired.items()
        if count >= DEMOTE_COUNT and count > DEMOTE_SHARE * len(pairs) and kind not in _NEVER_DEMOTED
    )
    return TextNoise(
        pairs=len(pairs), length=length, topic=far, demoted=demoted, volatile=volatile, sticky=_sticky(forms),
        weights=weights,
    )  # fmt: skip


def _quantile(values: list[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(QUANTILE * len(ordered)) - 1)]


def _volatile(pairs: Sequence[tuple[str, str]]) -> frozenset[str]:
    """Shapes of first and last lines that stay while their values change."""
    found: Counter[str] = Counter()
    for one, two in pairs:
        ends = [[line.strip() for line in text.split("\n") if line.strip()] for text in (one, two)]
        edges = [[*lines[:3], *lines[-3:]] for lines in ends]
        other = {shape(line): line for line in edges[1]}
        for line in edges[0]:
            form_ = shape(line)
            if (
                "#" in form_
                and len(line) <= MAX_VOLATILE
                and sum(c.isalpha() for c in form_) >= 2
                and form_ in other
                and other[form_] != line
            ):
                found[form_] += 1
    return frozenset(found)


def _weights(forms: Sequence[str]) -> dict[str, float]:
    """idf over the endpoint's own answers: ln((N + 1) / (df + 1)) (scoring.md section 3).

    Rare words, which are most of them, share the weight under the empty key: the table travels with each pair.
    """
    if len(forms) < 2 * MIN_PAIRS:
        return {}
    seen: Counter[str] = Counter()
    for text in forms:
        seen.update(set(tokens(text, 5_000)))
    known = {token: math.log((len(forms) + 1) / (count + 1)) for token, count in seen.items() if count > RARE}
    return known | {"": math.log((len(forms) + 1) / (1 + RARE / 2))}


def _sticky(forms: Sequence[str]) -> frozenset[str]:
    """Pieces that stand at the head or the tail of at least four in five answers."""
    if len(forms) < MIN_ANSWERS:
        return frozenset()
    seen: Counter[str] = Counter()
    for text in forms:
        seen.update(set(shingles(text)))
    return frozenset(piece for piece, count in seen.items() if count >= STICKY_SHARE * len(forms))
