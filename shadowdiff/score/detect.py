"""Detectors: kinds of answers that are wrong whatever was asked. Each compares: green shows it, blue does not.

In:  two raw texts and their judged forms. Out: signs. Thresholds: scoring.md section 5; a detector that blue
sets off against itself on an endpoint is demoted to information there (`calibrate`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import msgspec

from shadowdiff.model.comparison import Severity
from shadowdiff.score import facts, phrases
from shadowdiff.score.forms import CJK

CRITICAL, MAJOR = Severity.CRITICAL, Severity.MAJOR
_LETTER = re.compile(r"[^\W\d_]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_SCRIPTS = (
    ("han", _HAN), ("latin", re.compile("[A-Za-z\u00c0-\u024f]")), ("kana", re.compile("[\u3040-\u30ff]")),
    ("hangul", re.compile("[\uac00-\ud7af]")), ("cyrillic", re.compile("[\u0400-\u04ff]")),
    ("arabic", re.compile("[\u0590-\u06ff]")), ("indic", re.compile("[\u0900-\u0dff\u0e00-\u0e7f]")),
)  # fmt: skip
_BROKEN = (
    ("\ufffd", re.compile("\ufffd")), ("????", re.compile(r"\?{4,}")),
    ("\\u", re.compile(r"(?:\\u[0-9a-fA-F]{4}){2,}")),
    ("&#", re.compile(r"(?:&#\d{2,6};){2,}")), ("â€", re.compile("â€")),
)  # fmt: skip
"""What must stand in a text for the pattern to be worth a look; each match counts three."""
_TWICE = re.compile("[ÃÂâäåæçèéïð][\u0080-\u00bf‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
_LEADS = frozenset("ÃÂâäåæçèéïð")
_FILLERS = re.compile("[锟斤拷烫屯]{2,}")
_MIXED = re.compile("[\u4e00-\u9fff](?<=[A-Za-z][\u4e00-\u9fff])[a-z\u4e00-\u9fff\ue000-\uf8ff] ?[a-z]")
_GBK = re.compile(
    "[鍙鐨勬槸鍦ㄤ簡涓嶆湁浜鸿繖鎴戜粬绗鍚堝悓鏍规嵁娉曞緥鐢佃剳璇峰洖绛旈棶棰樻偍鏃堕棿浠ヤ笅鎵€鑳藉彲瀹炶]"
)
_OLD = re.compile(f"[{''.join(sorted(phrases.TRADITIONAL_ONLY))}]")
_NEW = re.compile(f"[{''.join(sorted(phrases.SIMPLIFIED))}]")
_ODD = re.compile("[\u0080-\u009f\ue000-\uf8ff]")
_ENDS = frozenset(".!?。！？…\"'”’)）]】》`*:：;；~>|-")
_STOPS = " .!?,;:。！？；：，、…"
_WORDS = re.compile(r"[a-zà-ÿ]+")


class Sign(msgspec.Struct, frozen=True):
    """One thing wrong with green: a kind, how bad, and what blue and green show."""

    kind: str
    severity: Severity
    blue: str = ""
    green: str = ""


def signs(
    blue: str, green: str, one: str, two: str, profile: str, within: tuple[str, str] | None = None
) -> Iterator[Sign]:
    """Everything the detectors see. `one` and `two` are the judged forms.

    With `within` (the whole texts) the others are the changed parts of it, and the ends have been looked at.
    """
    if within is None:
        if len(two) < 0.02 * len(one) or (len(two) < 4 and len(one) >= 40):
            yield Sign("empty", CRITICAL, f"{len(one)} characters", f"{len(two)} characters")
            return
        yield from endings(blue, green, profile, one, two)
    whole_blue, whole_green = within or (blue, green)
    yield from _error(whole_blue, green if within else _ends(green))
    yield from _refusal(one, two, whole_blue, whole_green)
    if within is None or len(green) > 0.2 * len(whole_green):
        yield from _language(whole_blue, whole_green, one, two, 0.30 if profile != "sampled" else 0.35)
        yield from _script(blue, green)
    was, now = mojibake(blue), mojibake(green)
    if now >= 3 and now > was:
        yield Sign("mojibake", CRITICAL, "", "broken characters")
    yield from _leak(whole_blue, green)
    yield from _references(blue, green, whole_green)
    found = phrases.DISCLAIMER.search(_edges(one))
    if found and not phrases.DISCLAIMER.search(_edges(two) if within is None else whole_green.lower()):
        yield Sign("disclaimer", MAJOR, found[:60], "(gone)")


def endings(blue: str, green: str, profile: str, one: str | None = None, two: str | None = None) -> Iterator[Sign]:
    """What only the whole texts show: another kind of document, a loop, a cut end."""
    yield from _kind(blue, green)
    if repeats(green, blue):
        yield Sign("repetition", MAJOR, "", "the same words again and again")
    yield from _cut(blue, green, one or blue.strip(), two or green.strip(), profile)


def _edges(text: str) -> str:
    """Where disclaimers stand."""
    return text if len(text) <= 1000 else text[:400] + " " + text[-600:]


def _ends(text: str) -> str:
    return text[:700] + "\n" + text[-500:]


def _kind(blue: str, green: str) -> Iterator[Sign]:
    a, b = _shape(blue), _shape(green)
    if a != b:
        yield Sign("shape", CRITICAL, a, b)


def _shape(text: str) -> str:
    start = text[:200].lstrip()
    if re.match(r"<!doctype|<html|<\?xml|<body|<head", start, re.IGNORECASE):
        return "page"
    end = text[-40:].rstrip()
    return "json" if (start[:1], end[-1:]) in (("{", "}"), ("[", "]")) and '"' in start else "text"


def _error(blue: str, green: str) -> Iterator[Sign]:
    found = phrases.errors(green.lower())
    if found:
        here = blue.lower()
        new = [literal for literal in found if literal not in here]
        if new:
            yield Sign("error", CRITICAL, "", new[0])


def _refusal(one: str, two: str, blue: str, green: str) -> Iterator[Sign]:
    found = phrases.REFUSAL.search(two[:200])
    if found and len(green) <= max(400, 0.8 * len(blue)) and not phrases.REFUSAL.search(one[:200]):
        yield Sign("refusal", CRITICAL, one[:60], found[:60])


def shares(text: str) -> dict[str, float]:
    """The share of each script among the letters of the first 1,500 characters."""
    text = text[:1500]
    if text.isascii():
        return {"latin": 1.0} if _LETTER.search(text) else {}
    left = len(_LETTER.findall(text))
    counts: dict[str, int] = {}
    for name, pattern in _SCRIPTS:
        if left <= 0:
            break
        if count := len(pattern.findall(text)):
            counts[name] = count
            left -= count
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items()} if total else {}


def _language(blue: str, green: str, one: str, two: str, limit: float) -> Iterator[Sign]:
    if len(two) < 8:
        return
    a, b = shares(blue), shares(green)
    if not a or not b:
        return
    far = sum(abs(a.get(name, 0.0) - b.get(name, 0.0)) for name in {*a, *b}) / 2
    if far >= limit:
        yield Sign("language", CRITICAL, max(a, key=a.__getitem__), max(b, key=b.__getitem__))
        return
    if a.get("latin", 0) > 0.8 and b.get("latin", 0) > 0.8:
        before, after = _function(one), _function(two)
        if before and after and before != after:
            yield Sign("language", CRITICAL, before, after)


def _function(text: str) -> str:
    words = _WORDS.findall(text[-1000:])
    if len(words) < 12:
        return ""
    hits = {name: sum(map(known.__contains__, words)) / len(words) for name, known in phrases.FUNCTION_WORDS.items()}
    first, second = sorted(hits, key=hits.__getitem__, reverse=True)[:2]
    return first if hits[first] > 0.12 and hits[first] - hits[second] > 0.03 else ""


def mojibake(text: str) -> int:
    """How broken the characters of a text look; 3 and more is broken."""
    score = 0
    for word, pattern in _BROKEN:
        if word in text:
            score += 3 * len(pattern.findall(text))
    if text.isascii():
        return score
    if not _LEADS.isdisjoint(text):
        score += 2 * len(_TWICE.findall(text))
    han = len(_HAN.findall(text))
    if han:
        score += 3 * (len(_FILLERS.findall(text)) + len(_MIXED.findall(text)))
        if han > 12 and len(_GBK.findall(text)) > 0.06 * han:
            score += 3
    return score + (3 if len(_ODD.findall(text)) >= 2 else 0)


def _leak(blue: str, green: str) -> Iterator[Sign]:
    was = blue.lower()
    for found in phrases.LEAK.findall(green.lower()):
        if found not in was:
            yield Sign("leak", MAJOR, "", found[:60])
            return


def repeats(green: str, blue: str) -> bool:
    """Whether an 18-character probe from the end or the middle comes back four times, and in blue seldom."""
    size = len(green)
    if size < 72:
        return False
    for at in (size - 34, size - 90, int(0.72 * size), int(0.5 * size)):
        probe = green[max(0, at) : max(0, at) + 18]
        if len(probe.strip()) < 10 or len(set(probe)) < 4:
            continue
        count = green.count(probe)
        if count >= 4 and blue.count(probe) * 2 < count and _regular(green, probe):
            return True
    return False


def _regular(text: str, probe: str) -> bool:
    """Whether a probe comes back at one distance, as a loop does and a list with a common phrase does not."""
    places: list[int] = []
    at = text.find(probe)
    while at >= 0 and len(places) < 200:
        places.append(at)
        at = text.find(probe, at + 1)
    gaps = [b - a for a, b in pairwise(places)]
    return any(a == b == c for a, b, c in zip(gaps, gaps[1:], gaps[2:], strict=False))


def _cut(blue: str, green: str, one: str, two: str, profile: str) -> Iterator[Sign]:
    if green.count("```") % 2 and not blue.count("```") % 2:
        yield Sign("truncated", MAJOR, "", "a code fence is left open")
        return
    if blue.rstrip()[-1:] not in _ENDS or green.rstrip()[-1:] in _ENDS or one.rstrip(_STOPS) == two.rstrip(_STOPS):
        return
    if profile == "sampled" or len(two) < 0.95 * len(one) or one.startswith(two):
        yield Sign("truncated", MAJOR, blue[-30:].strip(), green[-30:].strip())


def _script(blue: str, green: str) -> Iterator[Sign]:
    a, b = _traditional(blue), _traditional(green)
    if a is not None and b is not None and abs(a - b) >= 0.5:
        words = ("simplified", "traditional")
        yield Sign("script", MAJOR, words[a > 0.5], words[b > 0.5])


def _traditional(text: str) -> float | None:
    """The share of traditional characters among those that differ by script, None with too few of them."""
    if text.isascii():
        return None
    old, new = len(_OLD.findall(text)), len(_NEW.findall(text))
    return old / (old + new) if old + new >= 4 else None


def _references(blue: str, green: str, within: str) -> Iterator[Sign]:
    """`within` is the whole of green, of which `green` may be a part."""
    lost = facts.links(blue) - facts.links(green)
    if lost and (green is within or lost - facts.links(within)):
        yield Sign("reference", MAJOR, min(lost), "(gone)")
    gone = facts.citations(blue) - facts.citations(green)
    if gone and green is not within:
        gone -= facts.citations(within)
    if gone:
        yield Sign("reference", MAJOR, f"[{min(gone)}]", "(gone)")


def shingles(text: str, width: int = 120) -> Counter[str]:
    """Pieces of the head and the tail of a judged form: CJK 3-grams, else word pairs."""
    out: Counter[str] = Counter()
    for part in (text[:width], text[-width:]):
        if re.search(f"[{CJK}]", part):
            out.update(part[i : i + 3] for i in range(len(part) - 2))
        else:
            words = part.split()
            out.update(" ".join(words[i : i + 2]) for i in range(len(words) - 1))
    return out
