"""Plant faults and harmless changes in answers; every one is a function of (answer, others, rng), or None."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from bench.faults.corpus import Answer

Plant = Callable[[Answer, list[Answer], random.Random], "str | None"]
REFUSALS = {"en": ["I'm not in a position to answer that.", "That question falls outside what I may discuss here, sorry."],
            "zh": ["这个我帮不上忙，请换个方式提问。", "很遗憾，我没有办法就此给出答复。"]}  # fmt: skip
ERRORS = [
    "HTTP 502: upstream gave up",
    "Traceback (most recent call last): KeyError",
    "服务暂不可用，错误码 5003",
    "worker crashed: out of memory",
]
LEAKS = ["<|eot|>", "{{customer_name}}", "### Instruction: answer politely", "${SESSION}", "[INST] be brief [/INST]"]


def _other(answer: Answer, others: list[Answer], rng: random.Random) -> Answer:
    return rng.choice([o for o in others if o.lang == answer.lang and o.subject != answer.subject])


def _sentence(answer: Answer, rng: random.Random) -> str | None:
    parts = [
        p
        for p in re.split(r"(?<=[.。])\s*|\n+", answer.text)
        if len(p) > (12 if answer.lang == "zh" else 40) and "http" not in p
    ]
    return rng.choice(parts[1:]) if len(parts) > 2 else None


def number(answer, others, rng):
    found = [
        m
        for m in re.finditer(r"\d+", answer.text)
        if answer.text[max(0, m.start() - 1)] not in "/[" and answer.text[m.end() : m.end() + 1] not in ".]"
    ]
    if not found:
        return None
    hit = rng.choice(found)
    return answer.text[: hit.start()] + str(int(hit[0]) + rng.choice([1, 3, 10])) + answer.text[hit.end() :]


def unit(answer, others, rng):
    pairs = (
        [("天", "周"), ("元", "美元"), ("分钟", "小时")]
        if answer.lang == "zh"
        else [(" days", " weeks"), (" dollars", " euros"), (" minutes", " hours")]
    )
    usable = [(a, b) for a, b in pairs if re.search(r"\d" + a, answer.text)]
    if not usable:
        return None
    old, new = rng.choice(usable)
    return re.sub(r"(\d)" + old, r"\g<1>" + new, answer.text, count=1)


def negation(answer, others, rng):
    for old, new in (
        ("不能", "能"),
        ("不得", "可以"),
        ("不要", "要"),
        ("不予", "予以"),
        ("不在", "在"),
        (" is not ", " is "),
        (" are not ", " are "),
        ("cannot", "can"),
        ("never ", "always "),
        ("must not", "must"),
        ("do not ", "do "),
    ):
        if old in answer.text:
            return answer.text.replace(old, new, 1)
    return None


def lost_item(answer, others, rng):
    items = re.findall(r"^(?:\d\.|-) .*\n?", answer.text, re.MULTILINE)
    return answer.text.replace(rng.choice(items), "", 1) if len(items) >= 3 else None


def lost_sentence(answer, others, rng):
    found = _sentence(answer, rng)
    return answer.text.replace(found, "", 1) if found else None


def name(answer, others, rng):
    other = _other(answer, others, rng)
    mine, theirs = (re.search(r"(?:office|branch|People) in (\w+)|Place: (\w+)", a.text) for a in (answer, other))
    if not mine or not theirs:
        return None
    return answer.text.replace(mine[1] or mine[2], theirs[1] or theirs[2])


def disclaimer(answer, others, rng):
    return answer.text.rsplit("\n\n", 1)[0]


def citation(answer, others, rng):
    return re.sub(r"(?:Source: |来源：)https://\S+ \[1\]", "", answer.text)


def wrong_language(answer, others, rng):
    return rng.choice([o for o in others if o.lang != answer.lang]).text


def mojibake(answer, others, rng):
    text = (
        answer.text
        if answer.lang == "zh"
        else answer.text.replace("'", "’")
        .replace(" - ", " – ")
        .replace("is", "isn’t" if "is" in answer.text else "is", 1)
    )
    return text.encode().decode(rng.choice(["latin-1", "cp1252"]), "replace") if not text.isascii() else None


def swap(answer, others, rng):
    return _other(answer, others, rng).text


def extra(answer, others, rng):
    return answer.text + "\n\n" + _other(answer, others, rng).text.split("\n\n")[0]


OLD = str.maketrans(
    "为这个们时间请费价办务后电话书学车门员单对须证续处发会来说内两应将还没过样无与从开关动长业专东严图场护险维质签检测选购买热点种类级练线纸缴领预题备费观",
    "為這個們時間請費價辦務後電話書學車門員單對須證續處發會來說內兩應將還沒過樣無與從開關動長業專東嚴圖場護險維質簽檢測選購買熱點種類級練線紙繳領預題備費觀",
)
SYNONYMS = {
    "en": (("handles", "takes care of"), ("Remember", "Bear in mind"), ("customers", "clients"), ("happens", "occurs"), ("Bring", "Take along")),
    "zh": (("请注意", "请留意"), ("请记住", "请牢记"), ("逐件核对", "一件一件核对"), ("客服", "服务人员"), ("最重要的一条", "最要紧的一条")),
}  # fmt: skip


def traditional(answer, others, rng):
    return answer.text.translate(OLD) if answer.lang == "zh" else None


def synonyms(answer, others, rng):
    text = answer.text
    for old, new in SYNONYMS[answer.lang]:
        text = text.replace(old, new)
    return text if text != answer.text else None


def reordered(answer, others, rng):
    """Bullets, which have no order, in another one."""
    lines = answer.text.split("\n")
    places = [n for n, line in enumerate(lines) if line.startswith("- ")]
    if len(places) < 2:
        return None
    bullets = [lines[n] for n in places]
    for n, line in zip(places, bullets[1:] + bullets[:1], strict=True):
        lines[n] = line
    return "\n".join(lines)


FAULTS: dict[str, Plant] = {
    "truncated": lambda a, o, r: a.text[: int(len(a.text) * r.choice([0.35, 0.55, 0.75]))],
    "empty": lambda a, o, r: r.choice(["", " ", "。", "..."]),
    "refusal": lambda a, o, r: r.choice(REFUSALS[a.lang]),
    "error": lambda a, o, r: r.choice(ERRORS),
    "partial error": lambda a, o, r: a.text[: len(a.text) // 2] + "\n" + r.choice(ERRORS),
    "number": number, "unit": unit, "negation": negation, "list item lost": lost_item, "sentence lost": lost_sentence,
    "name": name, "disclaimer lost": disclaimer, "citation lost": citation, "wrong language": wrong_language,
    "mojibake": mojibake, "repetition": lambda a, o, r: a.text + (_sentence(a, r) or a.text[-30:]) * 9,
    "leak": lambda a, o, r: a.text + " " + r.choice(LEAKS), "swap": swap, "extra": extra,
    "other script": traditional,
}  # fmt: skip
BENIGN: dict[str, Plant] = {
    "identical": lambda a, o, r: a.text,
    "line ends": lambda a, o, r: a.text.replace("\n", "\r\n"),
    "blank lines": lambda a, o, r: a.text.replace("\n\n", "\n\n\n"),
    "markdown": lambda a, o, r: re.sub(r"^(.{6,24}?)([,.，。:：])", r"**\1**\2", a.text, count=1),
    "bullets": lambda a, o, r: re.sub(r"^\d\. ", "- ", a.text, flags=re.MULTILINE),
    "punctuation": lambda a, o, r: a.text.translate(str.maketrans("，。：", ",.:")) if a.lang == "zh" else a.text.replace("'", "’").replace('"', "“"),
    "full width": lambda a, o, r: a.text.translate(str.maketrans("0123456789", "０１２３４５６７８９")) if a.lang == "zh" else None,
    "number format": lambda a, o, r: re.sub(r"(\d+)( dollars|元)", r"\1.00\2", a.text, count=1),
    "synonyms": synonyms,
    "list reordered": reordered,
    "closing": lambda a, o, r: a.text + ("\n\nHope this helps!" if a.lang == "en" else "\n\n希望对您有帮助！"),
}  # fmt: skip
