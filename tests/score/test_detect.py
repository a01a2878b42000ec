"""Detectors: green shows it, blue does not."""

from __future__ import annotations

import pytest

from shadowdiff.score.detect import mojibake, signs
from shadowdiff.score.forms import form

EN = (
    "The warranty covers repairs for two years from the day you bought the device. Send it back with the receipt, and we "
    "repair it at no cost. Parts that wear out, such as the battery, are covered for six months only. See https://shop.example/w [1]."
)
ZH = (
    "保修期为两年，自购买之日起计算。请连同发票一起寄回，我们会免费维修。电池等易损件的保修期只有六个月。"
    "如果您在保修期内自行拆机，维修将按照价目表收费。请您妥善保管购买凭证，以便后续处理。"
)


def kinds(blue: str, green: str, profile: str = "stable") -> set[str]:
    return {sign.kind for sign in signs(blue, green, form(blue), form(green), profile)}


@pytest.mark.parametrize(
    ("blue", "green", "kind"),
    [
        (EN, "", "empty"), (ZH, "。", "empty"), (EN, "<!DOCTYPE html><p>hello</p>", "shape"), (EN, '{"error": "x"}', "shape"),
        (EN, EN[:150] + "\n[ERROR] upstream connect error", "error"), (ZH, ZH[:60] + "\n系统繁忙，请稍后再试", "error"),
        (EN, "I'm sorry, but I can't help with that request.", "refusal"), (ZH, "抱歉，我无法回答这个问题。", "refusal"),
        (ZH, EN, "language"), (EN, "La garantie couvre les réparations pendant deux ans à partir du jour de l'achat, et les pièces "
         "qui ne sont pas dans la liste sont pour vous au prix de la facture.", "language"),
        (EN.replace("device", "device’s"), EN.replace("device", "deviceâ€™s"), "mojibake"),
        (ZH, ZH.encode().decode("latin-1"), "mojibake"), (EN, EN.replace("receipt", "r\ufffdceipt"), "mojibake"),
        (EN, EN + " <|im_end|>", "leak"), (EN, EN.replace("the device", "{product_name}"), "leak"), (ZH, ZH + "\n用户：还有吗", "leak"),
        (EN, EN[:90] + " and we repair it at no cost" * 9, "repetition"), (EN, EN[:170], "truncated"),
        (EN, EN + "\n```python\nprint(1)", "truncated"), (ZH, ZH.translate(str.maketrans("为两购买开发维请关", "為兩購買開發維請關")) .replace("费", "費").replace("时", "時").replace("内", "內").replace("后续", "後續"), "script"),
        (EN, EN.replace("https://shop.example/w", "the site"), "reference"), (EN, EN.replace(" [1]", ""), "reference"),
        (EN + " This is not legal advice.", EN, "disclaimer"), (ZH + "以上内容仅供参考。", ZH, "disclaimer"),
    ],
)  # fmt: skip
def test_a_wrong_kind_of_answer_is_named(blue: str, green: str, kind: str) -> None:
    assert kind in kinds(blue, green)


@pytest.mark.parametrize("text", [EN, ZH])
@pytest.mark.parametrize("profile", ["strict", "stable", "sampled"])
def test_the_same_answer_sets_nothing_off(text: str, profile: str) -> None:
    assert (
        kinds(text, text, profile) == set() == kinds(text, text.replace(". ", ".\n").replace("。", "。\n"), profile)
    )


def test_what_blue_shows_too_is_no_sign() -> None:
    refusal = "抱歉，我无法回答这个问题。"
    assert "refusal" not in kinds(refusal, "很抱歉，这个问题我不便回答。")
    assert "error" not in kinds(EN + " error: none", EN + " error: none known")


def test_plain_texts_are_not_broken() -> None:
    assert mojibake(ZH) == mojibake(EN) == mojibake("naïve café – „quoted“ 你好") == 0
