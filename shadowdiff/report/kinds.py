"""What each kind of finding is called in reports, and how kinds group."""

from __future__ import annotations

from shadowdiff.report.words import Words

FAILED = frozenset({"failure", "status"})
SCALAR = frozenset({"value", "text", "missing", "extra", "type"})
"""Changes at one JSON place, which can be ignored there."""
LIMITS = frozenset({"length", "similarity", "size"})
"""Changes that a limit of one's own decides on."""
GRAVE = FAILED | {"empty", "error", "refusal", "mojibake", "language", "kind", "leak", "repetition", "truncated"}
"""What no team accepts everywhere."""

_TITLES = {
    "failure": "green gives no whole answer ({shape})",
    "status": "another status ({shape})",
    "kind": "another kind of answer ({shape})",
    "empty": "the answer is empty, or nearly",
    "shape": "another form of answer ({shape})",
    "error": "an error message in the answer",
    "refusal": "a refusal",
    "language": "another language ({shape})",
    "mojibake": "broken characters",
    "leak": "inner text leaks into the answer",
    "repetition": "the answer repeats itself",
    "truncated": "the answer is cut off",
    "disclaimer": "a disclaimer is gone",
    "sticky": "a phrase that blue always says is gone",
    "reference": "a source is gone",
    "reuse": "the same answer to different questions",
    "script": "simplified and traditional characters change places",
    "unit": "a unit changed",
    "items": "the list changed",
    "items gone": "list items are gone",
    "items shorter": "list items are gone",
    "items longer": "list items are new",
    "lost": "sentences are gone",
    "new": "sentences are new",
    "length": "the length changed",
    "length shorter": "shorter than before",
    "length longer": "longer than before",
    "order": "another order",
    "type": "another type ({shape})",
    "missing": "a field is gone",
    "missing renamed or moved": "a field was renamed or moved",
    "extra": "a field is new",
    "link": "a link is gone",
    "markup": "other markup",
    "number": "numbers changed",
    "number gone": "numbers are gone",
    "number new": "numbers are new",
    "negation": "a negation came or went",
    "name": "a name changed",
    "value": "a value changed ({shape})",
    "value rounded": "a number was rounded",
    "text": "the text changed",
    "text gone": "the text is gone",
    "text new": "the text is new",
    "words": "words changed",
    "size": "much longer or shorter",
    "topic": "another answer altogether",
    "keyword": "{shape}",
    "similarity": "less alike than the limit",
    "header": "a header changed",
    "extract": "an extracted part changed",
    "difference": "a difference",
    "other": "other differences",
}


def title(kind: str, shape: str, rule: str, words: Words) -> str:
    """A kind and a shape in a few words; a plugin's kinds are said as they are."""
    known = _TITLES.get(f"{kind} {shape}") or _TITLES.get(kind)
    if known is None:
        return f"{rule}: {kind}" if rule != kind else kind
    return words(known, shape=words.said(shape)) if "{shape}" in known else words(known)


def titles() -> list[str]:
    """Every title, for the check that each has its translation."""
    return list(_TITLES.values())
