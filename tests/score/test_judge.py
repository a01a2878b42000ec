"""Judging texts: what changed, by profile, with what was learnt; never a stall."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.contracts import TextNoise
from shadowdiff.score.judge import SAME, judge

EN = (
    "To renew a passport, fill in form DS-82 and send it with two photos. The fee is 130 dollars, paid by check. "
    "Processing takes six weeks. You must not send cash.\n\n"
    "1. Print the form.\n2. Sign it in black ink.\n3. Attach a photo taken in Boston or elsewhere.\n\n"
    "If you travel soon, ask for faster service; it costs 60 dollars more and takes three weeks."
)
ZH = (
    "办理居住证需要以下材料。\n\n1. 身份证原件和复印件。\n2. 近期一寸免冠照片2张。\n3. 居住地址证明，例如租赁合同。\n\n"
    "根据《居住证暂行条例》第九条，公安机关应当自受理之日起15日内制作发放。办理首次申领居住证不收取费用。"
    "逾期不领的，需要重新申请。"
)


def kinds(blue: str, green: str, profile: str = "stable", noise: TextNoise | None = None) -> list[str]:
    return [sign.kind for sign in judge(blue, green, profile, noise).signs if sign.severity != "info"]


@pytest.mark.parametrize(
    ("text", "old", "new", "kind"),
    [
        (EN, "130 dollars", "180 dollars", "number"), (EN, "130 dollars", "130 euros", "unit"), (EN, "must not send", "must send", "negation"),
        (EN, "in Boston or", "in Chicago or", "name"), (EN, "2. Sign it in black ink.\n3.", "2.", "items"),
        (EN, " Processing takes six weeks.", "", "number"), (ZH, "15日", "50日", "number"), (ZH, "2张", "2套", ""),
        (ZH, "不收取", "收取", "negation"), (ZH, "《居住证暂行条例》", "《户口登记条例》", "name"),
        (ZH, "逾期不领的，需要重新申请。", "", "lost"), (ZH, "\n2. 近期一寸免冠照片2张。\n3.", "\n2.", "items"),
    ],
)  # fmt: skip
def test_a_changed_fact_is_found_and_named(text: str, old: str, new: str, kind: str) -> None:
    assert old in text
    found = kinds(text, text.replace(old, new))
    assert (kind in found) if kind else True


@pytest.mark.parametrize("text", [EN, ZH])
def test_surface_and_order_of_items_are_no_change(text: str) -> None:
    for green in (
        text.replace("\n", "\r\n"), text.replace("1. ", "- ").replace("2. ", "- ").replace("3. ", "- "),
        text.replace(". ", ".  "), f"**{text[:20]}**{text[20:]}", text.replace("，", ","), text.upper() if text is ZH else text,
    ):  # fmt: skip
        assert kinds(text, green) == [], green


def test_sampled_lets_wording_go_and_keeps_kinds_of_answers() -> None:
    other = (
        "You can renew by mail: complete DS-82, add two passport photos and a check for 130 dollars. Expect about six weeks. "
        "Expedited service is available for an additional 60 dollars. Never mail cash with the form, please."
    )
    assert kinds(EN, other, "sampled") == [] and kinds(EN, other)
    assert "refusal" in kinds(EN, "I'm sorry, I can't help with passports.", "sampled")
    assert "topic" in kinds(
        EN,
        "Bananas ripen faster in a paper bag because the gas they give off stays close to them.",
        "sampled",
        TextNoise(topic=0.6),
    )


def test_what_blue_does_itself_is_demoted_and_volatile_footers_are_left_out() -> None:
    one, two = EN + "\n\nGenerated at 10:01:22, request 7f3a9", EN + "\n\nGenerated at 10:05:47, request 8c1d2"
    assert kinds(one, two)
    assert kinds(one, two, noise=TextNoise(volatile=frozenset({"Generated at #, request #"}))) == []
    assert kinds(EN, EN.replace("130", "180"), noise=TextNoise(demoted=frozenset({"number", "unit"}))) == []


def test_a_sticky_phrase_that_is_gone_is_found() -> None:
    noise = TextNoise(sticky=frozenset({"ask our", "our desk", "desk first"}))
    assert "sticky" in kinds(EN + " Please ask our desk first.", EN + " Have a nice day there.", "sampled", noise)


def test_equal_texts_are_the_same_object_of_no_cost() -> None:
    assert judge(EN, EN) is SAME


@pytest.mark.parametrize("profile", ["strict", "stable", "sampled"])
@pytest.mark.parametrize("size", [32_000, 1_000_000])
def test_long_texts_do_not_stall_and_say_what_was_judged(profile: str, size: int) -> None:
    one, two = (EN * (size // len(EN))), (ZH * (size // len(ZH)))
    begun = time.process_time()
    verdict = judge(one, two, profile)
    assert verdict.flag and "judged by the first and last" in verdict.note
    assert time.process_time() - begun < 2


@given(st.text(max_size=300), st.text(max_size=300), st.sampled_from(["strict", "stable", "sampled"]))
def test_any_two_texts_get_a_verdict_between_0_and_1(one: str, two: str, profile: str) -> None:
    verdict = judge(one, two, profile)
    assert 0 <= verdict.score <= 1 and (not verdict.flag or verdict.signs)
    assert not judge(one, one, profile).flag


@pytest.mark.parametrize("profile", ["strict", "stable"])
def test_a_change_in_the_middle_of_a_long_answer_is_seen(profile: str) -> None:
    """Only texts that are mostly different are judged by their ends; what changed is looked for everywhere."""
    lines = [f"Step {n}: turn the valve by {n % 90} degrees and wait for {n % 7} minutes." for n in range(4000)]
    blue = "\n".join(lines)
    lines[2000] = lines[2000].replace("degrees", "degrees but not").replace("wait for 5", "wait for 50")
    verdict = judge(blue, "\n".join(lines), profile)
    assert verdict.flag and not verdict.note and "number" in {sign.kind for sign in verdict.signs}


def test_what_is_judged_by_its_ends_says_so() -> None:
    blue, green = (
        "\n".join(f"{word} number {n} of the long tale is told here." for n in range(900)) for word in ("Part", "Act")
    )
    assert "first and last 6000 characters" in judge(blue, green).note
