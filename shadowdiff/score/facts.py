"""What a text states that must not change unseen: numbers, units, negations, names, links, citations, list items.

In:  a judged form (`forms.form`) for numbers, units and negations; the raw text for names, links and items,
whose case and line breaks matter. Out: small sets and counts to compare (scoring.md section 5).
"""

from __future__ import annotations

import re
from collections import Counter

from shadowdiff.score.forms import CJK, MARKER

_NUMBER = re.compile(r"[0-9][0-9]*(?:\.[0-9]+)?")
_ADJOINS = re.compile(f"[a-z{CJK}]")
_CITED = re.compile(r"\[\^?\d{1,3}\]")
_URL = re.compile(r"https?://[^\s<>\"')\]}，。；、）】]+", re.IGNORECASE)
_LINKED = re.compile(r"\]\((?!https?:)([^)\s]{1,300})\)")
_MARKS = re.compile(r"\[\^?(\d{1,3})\]|【(\d{1,3})(?:†[^】]*)?】|〔(\d{1,3})〕")
_SOURCE = re.compile(r"(?im)^[ \t>*_-]*(?:sources?|references?|来源|参考(?:文献|资料)?|出处|引用)[*_ ]*[:：]")
_ITEM = re.compile(
    r"^[ \t]*(?:[-*+•·▪●]|\(?\d{1,2}[.)、．](?!\d)|[（(]\d{1,2}[）)]|[（(]?[一二三四五六七八九十]{1,3}[、）)])[ \t\u3000]*\S",
    re.MULTILINE,
)
_CAPITAL = re.compile(r"[A-Z](?<=[a-z,;:()\"'] [A-Z])(?:[a-z]+(?:[-'][A-Za-z]+)?|[A-Z]+s?)(?![\w])")
_CAPS = re.compile(r"[A-Z](?<!\w[A-Z])[A-Z0-9]+\b")
_TITLE = re.compile(r"《([^》\n]{1,40})》")
_WORD = re.compile(r"[a-z%‰°$€£¥]+")

UNITS = frozenset(
    "% ‰ percent percentage points point s sec secs second seconds min mins minute minutes h hr hrs hour hours day days "
    "week weeks month months year years decade decades century centuries ms km m cm mm mile miles foot feet ft inch inches "
    "yard yards meter meters metre metres kilometer kilometers kilometre kilometres centimeter centimeters kg g mg gram grams "
    "kilogram kilograms pound pounds lb lbs oz ounce ounces ton tons tonne tonnes l ml liter liters litre litres gallon gallons "
    "cup cups tablespoon tablespoons teaspoon teaspoons tbsp tsp dollar dollars usd euro euros eur yuan rmb yen gbp cent cents "
    "thousand million billion trillion hundred degree degrees celsius fahrenheit c f °c °f k kb mb gb tb bytes bits byte bit hz "
    "khz mhz ghz watt watts kw kwh w v volt volts amp amps calories kcal calorie joules mph kmh people times fold acres acre".split()
)
UNITS_ZH = (
    "个小时", "小时", "分钟", "秒钟", "毫秒", "秒", "工作日", "天", "日", "个月", "月", "周岁", "周", "星期", "年", "世纪", "岁",
    "美元", "欧元", "日元", "英镑", "港元", "人民币", "元", "角", "分", "万元", "亿元", "万", "亿", "千", "百", "公里", "千米", "厘米",
    "毫米", "平方米", "立方米", "平方公里", "米", "里", "公斤", "千克", "毫克", "克", "斤", "两", "吨", "毫升", "升", "摄氏度", "华氏度",
    "度", "个百分点", "个百分", "倍", "人", "名", "次", "条", "款", "项", "章", "节", "步", "个", "种", "台", "辆", "件", "本", "页", "篇", "兆", "千瓦", "瓦",
    "伏", "安", "卡", "千卡", "楼", "层", "号", "点", "折", "成", "股", "亩", "公顷", "%", "‰",
)  # fmt: skip
_UNIT_ZH = re.compile("|".join(sorted(map(re.escape, UNITS_ZH), key=len, reverse=True)))


def numbers(text: str) -> tuple[Counter[str], Counter[str]]:
    """(numbers, numbers with their unit) of a judged form; links and citation marks hold no numbers."""
    if "://" in text:
        text = _URL.sub(" ", text)
    if "[" in text:
        text = _CITED.sub(" ", text)
    values: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for match in _NUMBER.finditer(text):
        begin = match.start()
        before = text[begin - 1 : begin]
        value = match[0]
        if before == "-" and not _joins(text[begin - 2 : begin - 1]):
            value, begin = f"-{value}", begin - 1
        elif _joins(before) and not _ADJOINS.match(before):
            continue
        values[value] += 1
        unit = _unit(text, match.end(), begin)
        if unit:
            pairs[f"{value} {unit}"] += 1
    return values, pairs


def _joins(char: str) -> bool:
    """Whether a number cannot begin behind `char`: part of a word, a version or a decimal."""
    return char == "." or char == "_" or char.isalnum()


def _unit(text: str, at: int, begin: int) -> str:
    rest = text[at : at + 24].lstrip(" -")
    if found := _UNIT_ZH.match(rest):
        return found[0]
    if (word := _WORD.match(rest)) and word[0] in UNITS:
        return word[0]
    before = text[max(0, begin - 1) : begin]
    return before if before in "$€£¥" else ""


def links(raw: str) -> frozenset[str]:
    """Host and path of every link, without query and final signs."""
    found: set[str] = set()
    if "://" in raw:
        found = {url.split("?")[0].split("#")[0].rstrip("./,:;*_").lower() for url in _URL.findall(raw)}
    if "](" in raw:
        found |= {target.split("?")[0].lower() for target in _LINKED.findall(raw)}
    return frozenset(found)


def citations(raw: str) -> frozenset[str]:
    """Citation marks by number, and whether a source line stands."""
    marked = "[" in raw or "【" in raw or "〔" in raw
    found = {next(filter(None, groups)) for groups in _MARKS.findall(raw)} if marked else set()
    if _SOURCE.search(raw):
        found.add("source line")
    return frozenset(found)


def names(raw: str) -> Counter[str]:
    """Capitalised words within a sentence, ALLCAPS, and titles in 《》."""
    found = Counter(_CAPITAL.findall(raw))
    found.update(_CAPS.findall(raw))
    if "《" in raw:
        found.update(_TITLE.findall(raw))
    return found


def items(raw: str) -> int:
    """List items by their markers."""
    return len(_ITEM.findall(raw))


def lines(raw: str) -> list[str]:
    """Lines without their list markers."""
    return [line.strip() for line in MARKER.sub("", raw).splitlines() if line.strip()]
