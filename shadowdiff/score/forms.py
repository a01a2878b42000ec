"""The form in which texts are judged: what a reader does not see is gone, what two samples mint anew is masked.

Order as in scoring.md section 5: width, quotes, markup, list markers, case, spaces, then numbers (1,000 and
1.50 and 2024年5月1日 and 三天 in one spelling). Facts are read from this form, entities from the raw text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7af"
_MARKUP = {"*": "", "`": "", "#": "", ">": "", "|": " ", "_": " "}
LOOKALIKES = {
    "‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "…": "...", "，": ",", "。": ".", "：": ":",
    "；": ";", "！": "!", "？": "?", "、": ",", "（": "(", "）": ")",
    "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "", "\ufeff": "", "\u00ad": "",
}  # fmt: skip
"""What no reader tells apart."""
_SIGNS = LOOKALIKES | {
    "„": '"', "«": '"', "»": '"', "「": '"', "」": '"', "『": '"', "』": '"', "‐": "-", "‑": "-", "【": "[", "】": "]",
    "～": "~", "·": " ", "•": " ",
} | _MARKUP  # fmt: skip
MARKER = re.compile(
    r"^[ \t>]*(?:[-*+•·‣▪●○–—]|\(?\d{1,2}[.)、．](?!\d)|[（(]\d{1,2}[）)]|[（(]?[一二三四五六七八九十]{1,3}[、）)．.]|[a-z][.)])[ \t\u3000]*(?=\S)",
    re.MULTILINE,
)
_LATIN = re.compile(r"[a-z]{3} [a-z]{3}")
_DIGIT = re.compile("[0-9]")
_BY_CJK = re.compile(f" (?:(?<=[{CJK}] )|(?=[{CJK}]))")
_BEFORE = re.compile(r" (?=[,;!?)\]]|:(?!//))")
_AFTER = re.compile(r"[,;!?)\]:](?! |//)")
_THOUSANDS = re.compile(r"[0-9],(?=[0-9]{3}(?![0-9]))")
_ZEROS = re.compile(r"\.[0-9]*?0+(?![0-9])")
_DATE = re.compile(r"(\d{4}) ?年 ?0?(\d{1,2}) ?月(?: ?0?(\d{1,2}) ?[日号])?")
_ISO_DATE = re.compile(r"[0-9](?<![0-9][0-9])[0-9]{3}[-/.][0-9]{1,2}[-/.][0-9]{1,2}(?![0-9])")
_CN_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_CN_NUMBER = re.compile(
    r"(?<![零〇一二两三四五六七八九十百千万])[零〇一二两三四五六七八九十百千万]++(?=(?:个|天|日|月|年|小时|分钟|秒|元|块|次|条|款|项|人|名|倍|米|公里|斤|公斤|克|周|岁|种|点|步|章|节|亿|%|以上|以下))"
)
_EN_NUMBERS = {
    word: str(value)
    for value, word in enumerate(
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split(), 2
    )
} | {"twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "ninety": "90"}
_SPELLED = frozenset(_EN_NUMBERS)
_HYPHENED = tuple(f"{word}-" for word in _EN_NUMBERS)
_EN_NUMBER = re.compile(
    rf"\b({'|'.join(_EN_NUMBERS)})(?=[ -](?:business |working |full |more )?(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?"
    r"|percent|dollars?|euros?|miles?|kilometers?|meters?|feet|pounds?|grams?|cups?|people|times|points?|steps?|items?)\b)"
)
MASKS = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\d{4}-\d{1,2}-\d{1,2}[t ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:z|[+-]\d{2}:?\d{2})?"
    r"|(?<![\w.])1[0-9]{9}(?:[0-9]{3})?(?![\w.])"
    r"|(?<!\w)(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{12,}(?!\w)"
)


@lru_cache(maxsize=64)
def form(text: str) -> str:
    """The judged form of `text`."""
    text = MARKER.sub("", text)
    ascii_ = text.isascii()
    text = _replaced(text, _MARKUP) if ascii_ else narrow(text, _SIGNS)
    words = text.lower().split()
    text = " ".join(words)
    if _DIGIT.search(text):
        text = _digits(text, words)
    if (ascii_ or _LATIN.search(text)) and _spells(text, words):
        text = _EN_NUMBER.sub(lambda match: _EN_NUMBERS[match[1]], text)
    if not text.isascii():
        text = _BY_CJK.sub("", _CN_NUMBER.sub(_cn, text))
    return _AFTER.sub(_spaced, _BEFORE.sub("", text)).strip()


def narrow(text: str, signs: Mapping[str, str]) -> str:
    """NFKC, with the look-alikes in `signs` replaced; most texts are in NFKC once their signs are."""
    text = _replaced(text, signs)
    if unicodedata.is_normalized("NFKC", text):
        return text
    return _replaced(unicodedata.normalize("NFKC", text), signs)


def _replaced(text: str, signs: Mapping[str, str]) -> str:
    """One pass a sign that is there: half of what `str.translate` costs beyond ASCII."""
    for sign, instead in signs.items():
        if sign in text:
            text = text.replace(sign, instead)
    return text


def _digits(text: str, words: list[str]) -> str:
    """Numbers and dates in one spelling; ids and times masked."""
    if any(_DIGIT.search(word) for word in words if len(word) >= 10):
        text = MASKS.sub("\u25ae", text)
    if "," in text:
        text = _THOUSANDS.sub(_first, text)
    text = _ISO_DATE.sub(_iso, text)
    if "." in text:
        text = _ZEROS.sub(_trim, text)
    return _DATE.sub(_date, text) if "年" in text else text


def _spells(text: str, words: list[str]) -> bool:
    """Whether a spelled number stands in the text, alone or before a hyphen."""
    return not _SPELLED.isdisjoint(words) or ("-" in text and any(word in text for word in _HYPHENED))


def _spaced(match: re.Match[str]) -> str:
    return f"{match[0]} "


def _first(match: re.Match[str]) -> str:
    return match[0][0]


def _iso(match: re.Match[str]) -> str:
    parts = re.split("[-/.]", match[0])
    return "-".join((parts[0], *(part[1:] if len(part) == 2 and part[0] == "0" else part for part in parts[1:])))


def _trim(match: re.Match[str]) -> str:
    return match[0].rstrip("0").rstrip(".")


def _date(match: re.Match[str]) -> str:
    return f"{match[1]}-{match[2]}" + (f"-{match[3]}" if match[3] else "")


def _cn(match: re.Match[str]) -> str:
    """Chinese numerals up to 万 as digits; what is no number stays."""
    text = match[0]
    total = section = digit = 0
    for char in text:
        if char in _CN_DIGITS:
            digit = _CN_DIGITS[char]
        elif char == "万":
            total, section, digit = (total + section + digit) * 10_000, 0, 0
        else:
            section += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[char]
            digit = 0
    value = total + section + digit
    return str(value) if value or text in ("零", "〇") else text
