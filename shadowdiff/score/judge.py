"""Judge two texts: align them, classify what changed, and decide by profile.

In:  blue's and green's raw text, the profile, what was learnt from blue against itself. Out: signs, and a
score 0 to 1. Cheapest first: equal bytes, equal judged form, then only the changed windows (sentences) where the
texts are mostly the same, else the whole of both (scoring.md sections 4 and 5).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat

import msgspec
from rapidfuzz.distance import Indel

from shadowdiff.contracts import TextNoise
from shadowdiff.model.comparison import Severity
from shadowdiff.score import facts, phrases
from shadowdiff.score.align import Changed, changes, holds, regions
from shadowdiff.score.detect import Sign, endings, signs
from shadowdiff.score.forms import CJK, form
from shadowdiff.score.text import vocabulary

MAX_CHARS = 12_000
"""Longer texts that are mostly different, and longer changes, are judged by their head and tail of half this length
each, and say so."""
MAX_ALIGNED = 6_000
MAX_LINE = 320
"""A line whose values alone change is a footer, not a paragraph."""
_HAS_CJK = re.compile(f"[{CJK}]")
_SENTENCE = re.compile(r"[.!?;]\s*$")
_TERM = re.compile(f"[{CJK}]{{2,6}}")
_EDGES = "*_`\"'.,;:!?()[]{}“”‘’#"
_DIGITS = re.compile(r"(?<![A-Za-z0-9:._/+-])[A-Za-z:._/+-]*+[0-9][A-Za-z0-9:._/+-]*")
_DIGIT = re.compile("[0-9]")
_WEIGHT = {Severity.CRITICAL: 1.0, Severity.MAJOR: 0.8, Severity.INFO: 0.2}


class TextVerdict(msgspec.Struct, frozen=True):
    """`flag` says whether a rule of the profile fired; `score` ranks, 0 to 1."""

    flag: bool
    score: float
    signs: tuple[Sign, ...] = ()
    note: str = ""

    @property
    def why(self) -> str:
        """One line."""
        shown = [f"{s.kind}: {s.blue} → {s.green}" if s.blue or s.green else s.kind for s in self.signs[:3]]
        return "; ".join(shown) or "the same to a reader"


SAME = TextVerdict(False, 0.0)


def judge(blue: str, green: str, profile: str = "stable", noise: TextNoise | None = None) -> TextVerdict:
    """The verdict on one pair of texts under `profile` (strict, stable or sampled)."""
    if blue == green:
        return SAME
    noise = noise or TextNoise()
    if noise.volatile:
        blue, green = _without(blue, noise.volatile), _without(green, noise.volatile)
    changed = changes(blue, green)
    note = ""
    if changed is None:
        blue, green, note = _bounded(blue, green)
        one, two = form(blue), form(green)
        if one == two:
            return TextVerdict(False, 0.0, note=note)
        found = list(_whole(blue, green, one, two, profile, noise))
    elif changed.one == changed.two:
        return TextVerdict(False, 0.0)
    else:
        raw, raw_green, note = _bounded(changed.blue, changed.green)
        if note:
            changed = Changed(raw, raw_green, *_bounded(changed.one, changed.two)[:2])
        found = list(_windows(blue, green, changed, profile, noise))
    found = [_demote(sign, noise) for sign in found]
    flag = any(sign.severity is not Severity.INFO for sign in found)
    found.sort(key=lambda sign: (sign.severity is Severity.INFO, sign.severity is not Severity.CRITICAL))
    score = max((_WEIGHT[sign.severity] for sign in found), default=0.05)
    return TextVerdict(flag, min(1.0, score + 0.02 * len(found)), tuple(found), note)


def _demote(sign: Sign, noise: TextNoise) -> Sign:
    if sign.kind in noise.demoted:
        return Sign(sign.kind, Severity.INFO, sign.blue, sign.green)
    return sign


def _bounded(blue: str, green: str) -> tuple[str, str, str]:
    if len(blue) <= MAX_CHARS and len(green) <= MAX_CHARS:
        return blue, green, ""
    half = MAX_CHARS // 2
    cut = [text if len(text) <= MAX_CHARS else text[:half] + "\n" + text[-half:] for text in (blue, green)]
    return cut[0], cut[1], f"judged by the first and last {half} characters"


def _without(text: str, volatile: frozenset[str]) -> str:
    """`text` without the first and last lines whose values change from answer to answer."""
    lines = text.split("\n")
    full = [index for index, line in enumerate(lines) if line.strip()]
    drop = {i for i in (*full[:3], *full[-3:]) if len(lines[i]) <= MAX_LINE and shape(lines[i]) in volatile}
    if not drop:
        return text
    return "\n".join(line for index, line in enumerate(lines) if index not in drop)


def shape(line: str) -> str:
    """A line with every word that holds a digit replaced, to tell a footer by its form."""
    line = line.strip()
    return _DIGITS.sub("#", line) if _DIGIT.search(line) else line


def _windows(blue: str, green: str, changed: Changed, profile: str, noise: TextNoise) -> Iterator[Sign]:
    """Mostly the same texts: the whole is looked at for its shape and its ends, the rules see what changed."""
    if len(green.strip()) < 0.02 * len(blue.strip()):
        yield Sign("empty", Severity.CRITICAL, f"{len(blue)} characters", f"{len(green)} characters")
        return
    yield from endings(blue, green, profile)
    yield from signs(changed.blue, changed.green, changed.one, changed.two, profile, within=(blue, green))
    if noise.sticky:
        lost = [piece for piece in noise.sticky if piece in changed.one and piece not in changed.two]
        if len(lost) >= 2:
            yield from _sticky(form(blue), form(green), noise.sticky)
    if profile != "sampled":
        yield from _stable(blue, green, changed.one, changed.two, profile, changed)
    elif length_change(blue, green) > 0.5:
        yield from _sampled(form(blue), form(green), noise)


def _whole(blue: str, green: str, one: str, two: str, profile: str, noise: TextNoise) -> Iterator[Sign]:
    seen = list(signs(blue, green, one, two, profile))
    yield from seen
    if any(sign.kind in ("empty", "shape") for sign in seen):
        return
    if noise.sticky:
        yield from _sticky(one, two, noise.sticky)
    if profile == "sampled":
        yield from _sampled(one, two, noise)
    else:
        yield from _stable(blue, green, one, two, profile)


def _sticky(one: str, two: str, sticky: frozenset[str]) -> Iterator[Sign]:
    here = [piece for piece in sticky if piece in one]
    if len(here) >= 2:
        lost = [piece for piece in here if piece not in two]
        if len(lost) * 2 > len(here):
            yield Sign("sticky", Severity.MAJOR, lost[0], "(a phrase that blue always says is gone)")


def topic(one: str, two: str, weights: Mapping[str, float] | None = None) -> float:
    """1 - |A∩B| / min(|A|, |B|) over token sets, each token by its weight; those of no own weight have that of ""."""
    a, b = vocabulary(one), vocabulary(two)
    if not a or not b:
        return 0.0 if a == b else 1.0
    if not weights:
        return 1.0 - len(a & b) / min(len(a), len(b))
    rare = repeat(weights.get("", 1.0))
    mass = [sum(map(weights.get, part, rare)) for part in (a & b, a, b)]
    return 1.0 - mass[0] / max(1e-9, min(mass[1], mass[2]))


def length_change(one: str, two: str) -> float:
    """1 - shorter / longer, in characters of the judged form."""
    longer = max(len(one), len(two))
    return 1.0 - min(len(one), len(two)) / longer if longer else 0.0


def _sampled(one: str, two: str, noise: TextNoise) -> Iterator[Sign]:
    limit = 0.90 if noise.length is None else min(0.95, noise.length + 0.03)
    change = length_change(one, two)
    if change > limit:
        yield Sign("size", Severity.MAJOR, f"{len(one)} characters", f"{len(two)} characters")
    limit = 0.88 if noise.topic is None else min(0.97, noise.topic + 0.02)
    far = topic(one, two, noise.weights)
    if far > limit and min(len(one), len(two)) >= 8:
        yield Sign("topic", Severity.MAJOR, one[:60], two[:60])


def _stable(
    blue: str, green: str, one: str, two: str, profile: str, changed: Changed | None = None
) -> Iterator[Sign]:
    """Rules of `strict` and `stable`. With `changed`, `one` and `two` hold only what changed of the texts."""
    raw_blue, raw_green = (changed.blue, changed.green) if changed is not None else (blue, green)
    a, b = vocabulary(one), vocabulary(two)
    lost, new = a - b, b - a
    if changed is None and len(lost) > 0.5 * len(a) and len(new) > 0.5 * len(b) and min(len(a), len(b)) >= 8:
        yield Sign("topic", Severity.MAJOR, one[:60], two[:60])  # another answer: what changed in it says no more
        return
    yield from _facts(raw_blue, raw_green, one, two, (blue, green))
    yield from _blocks(one, two, profile)
    if profile == "strict":
        if lost or new:
            yield Sign("words", Severity.MAJOR, _some(lost), _some(new))
        return
    enough = changed is None or len(one) + len(two) > 0.15 * (len(blue) + len(green))
    whole = (blue, green) if changed is not None else (None, None)
    if enough and (_many(lost, a, 0.12, whole[0]) or _many(new, b, 0.15, whole[1])):
        yield Sign("words", Severity.MAJOR, _some(lost), _some(new))
    if length_change(blue, green) > 0.25:
        before, after = (len(one), len(two)) if changed is None else (len(form(blue)), len(form(green)))
        if 1 - min(before, after) / max(before, after, 1) > 0.30 and abs(before - after) >= 16:
            yield Sign("size", Severity.MAJOR, f"{before} characters", f"{after} characters")
    if changed is None and topic(one, two) > 0.60:
        yield Sign("topic", Severity.MAJOR, one[:60], two[:60])


def _many(words: frozenset[str], seen: frozenset[str], share: float, whole: str | None) -> bool:
    """Whether `words` are more than a share of the words in `whole`, of which `seen` are those of a part."""
    if len(words) <= share * max(8, len(seen)):
        return False
    return whole is None or len(words) > share * max(8, len(vocabulary(whole)))


def _facts(blue: str, green: str, one: str, two: str, within: tuple[str, str]) -> Iterator[Sign]:
    """Facts lost and new; `within` are the whole texts, of which `blue` and `green` may be the changed part."""
    values, pairs = facts.numbers(one)
    others, other_pairs = facts.numbers(two)
    if set(values) != set(others):
        lost, new = set(values) - set(others), set(others) - set(values)
        yield Sign("number", Severity.MAJOR, _some(lost), _some(new))
    elif values != others:
        yield Sign("number", Severity.MAJOR, _some((values - others).keys()), _some((others - values).keys()))
    else:
        gone, came = pairs - other_pairs, other_pairs - pairs
        if gone and came:
            yield Sign("unit", Severity.MAJOR, _some(gone.keys()), _some(came.keys()))
    before, after = phrases.negations(one), phrases.negations(two)
    if before != after:
        yield Sign("negation", Severity.MAJOR, f"{before} negations", f"{after} negations")
    named, naming = facts.names(blue), facts.names(green)
    lost_names = [name for name in named if name not in naming and name.lower() not in two and name not in within[1]]
    new_names = [name for name in naming if name not in named and name.lower() not in one and name not in within[0]]
    if lost_names and new_names:
        yield Sign("name", Severity.MAJOR, _some(lost_names), _some(new_names))
    else:
        exchanged = _exchanged(blue, green)
        if exchanged:
            yield Sign("name", Severity.MAJOR, *exchanged)
    was, now = facts.items(blue), facts.items(green)
    if was != now and blue is not within[0]:
        was, now = facts.items(within[0]), facts.items(within[1])
    if was != now and was >= 2:
        yield Sign("items", Severity.MAJOR, f"{was} list items", f"{now} list items")


def _exchanged(blue: str, green: str) -> tuple[str, str] | None:
    """A capitalised word within a sentence that stands where another one stood."""
    a, b = blue.split(), green.split()
    if len(a) > 3000 or len(b) > 3000:
        return None
    said = {word.strip(_EDGES).lower() for word in a}
    for op in Indel.opcodes(a, b):
        tag, i, j, k, m = op.tag, op.src_start, op.src_end, op.dest_start, op.dest_end
        if tag != "insert" or m - k > 3 or not k:
            continue
        fresh = b[k].strip(_EDGES)
        if not fresh[:1].isupper() or fresh.lower() in said or b[k - 1][-1:] in ".!?:" or len(fresh) < 3:
            continue
        near = {word.strip(_EDGES) for word in a[max(0, i - 3) : j + 3]}
        gone = next((w for w in near if w[:1].isupper() and w not in b[max(0, k - 3) : m + 3]), "")
        if gone:
            return gone, fresh
    return None


def _blocks(one: str, two: str, profile: str) -> Iterator[Sign]:
    """The largest lost and the largest new block that the other side does not hold elsewhere."""
    if len(one) > MAX_ALIGNED or len(two) > MAX_ALIGNED:
        return
    lost, new, dropped = "", "", ""
    here, there = vocabulary(one), vocabulary(two)
    swapped: Counter[tuple[str, str]] = Counter()
    for block, other in regions(one, two):
        if len(block) > len(lost) and not holds(two, there, block):
            lost = block
            dropped = dropped or (block if not other else "")
        if len(other) > len(new) and not holds(one, here, other):
            new = other
        if _TERM.fullmatch(block) and _TERM.fullmatch(other):
            swapped[(block, other)] += 1
    repeated = [pair for pair, count in swapped.items() if count >= 2 and pair[0] not in two]
    if repeated:
        yield Sign("name", Severity.MAJOR, repeated[0][0], repeated[0][1])
    wide = _HAS_CJK.search(lost) is not None
    whole = _SENTENCE.search(dropped) is not None and len(dropped) > (8 if wide else 20)
    if whole or len(lost) > (6 if profile == "strict" else 14 if wide else 28):
        yield Sign("lost", Severity.MAJOR, lost[:120], "")
    wide = _HAS_CJK.search(new) is not None
    if len(new) > (6 if profile == "strict" else 60 if wide else 120):
        yield Sign("new", Severity.MAJOR, "", new[:120])


def _some(words: Iterable[str]) -> str:
    listed = sorted(words)
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")


__all__ = ["SAME", "TextVerdict", "judge", "length_change", "shape", "topic"]
