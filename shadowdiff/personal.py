"""Numbers that name a person: Chinese identity cards (GB 11643), bank cards (ISO/IEC 7812), Chinese mobile phones.

Told by their check digits and prefixes, so that order numbers, prices and times stay.
"""

from __future__ import annotations

import re

_MANY = re.compile(r"\d(?:[ -]?\d){9}", re.ASCII)
_RUN = re.compile(
    r"(?:(?<![\w.])|(?<=\\u[0-9a-fA-F]{4}))"  # what stands before a number, be it an escaped character
    r"(?:\+?86[ -]?)?\d(?:[ -]?\d){9,17}(?:[ -]?[\dXx])?(?!\w)(?!\.\d)",
    re.ASCII,
)
_MOBILE = re.compile(r"(?:\+?86)?1[3-9]\d{9}")
_IDENTITY = re.compile(r"[1-9]\d{5}(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]")
_CARD = re.compile(r"4\d{12}(?:\d{3})?|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|6011\d{12}|62\d{14,17}")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def cleaned(value: str, mark: str) -> str:
    """`value` with such numbers as `mark`, also where they are written in groups."""
    if _MANY.search(value) is None:  # a fraction of what the whole pattern costs
        return value
    return _RUN.sub(lambda match: mark if named(match[0]) else match[0], value)


def named(run: str) -> str:
    """What kind of number a run of digits is, or an empty string."""
    digits = run.replace(" ", "").replace("-", "")
    if _MOBILE.fullmatch(digits):
        return "phone number"
    if _IDENTITY.fullmatch(digits) and _checked(digits):
        return "identity number"
    if _CARD.fullmatch(digits) and _luhn(digits):
        return "card number"
    return ""


def _checked(digits: str) -> bool:
    """ISO 7064 MOD 11-2 over the first seventeen."""
    total = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == digits[-1].upper()


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (2 - number % 2) for number, digit in enumerate(digits[::-1], 1)]
    plain = sum(int(digit) for digit in digits[::-1][0::2])
    return (plain + sum(value - 9 * (value > 9) for value in doubled[1::2])) % 10 == 0
