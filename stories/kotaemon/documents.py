"""What Kotaemon has read: series of documents in two languages, our own writing, with the questions they answer."""

from __future__ import annotations

import random
from collections.abc import Iterator

COPIES = 8
SERIES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("售后手册", (
        ("{n}号套餐怎么申请退款？", "{n}号套餐在签收后{a}天内可以无理由退款，请在订单页面选择原因并上传照片，客服会在{b}小时内审核。"),
        ("退款多久能到账？", "{n}号套餐的退款在审核通过后{b}个工作日内原路退回，信用卡订单需要{c}个工作日。"))),
    ("Service handbook", (
        ("How do I return plan {n}?", "Plan {n} can be returned within {a} days of delivery; open the order page, give a reason and attach a photo. Support answers within {b} hours."),
        ("How long until the money is back?", "For plan {n} the money goes back in {b} business days; credit cards take {c}."))),
    ("产品说明书", (
        ("稳健{n}号理财的收益率是多少？", "稳健{n}号理财的业绩比较基准为年化{a}.{b}%，起购金额{c}万元，封闭期{a}个月。"),
        ("它的风险等级是几级？", "稳健{n}号理财的风险等级为R{b}，购买前需要完成风险测评，投资者应能承受{c}%以内的波动。"))),
    ("Fund prospectus", (
        ("What does the Steady {n} fund yield?", "The Steady {n} fund has a benchmark of {a}.{b}% a year, a minimum of {c}0,000 yuan and is closed for {a} months."),
        ("How risky is it?", "The Steady {n} fund is rated R{b} and suits investors who can bear swings of {c}%."))),
    ("健康指南", (
        ("体检报告里第{n}项指标偏高怎么办？", "第{n}项指标轻度升高时建议清淡饮食{a}周，每天步行{c}000步以上再复查；超过上限{b}倍请尽快就医。"),
        ("多久复查一次？", "第{n}项指标一般{a}周后空腹复查，正在服药的患者每{b}个月复查一次。"))),
    ("User manual, chapter 3", (
        ("How do I set up a guest network on router {n}?", "On router {n}: 1. open the admin page and log in; 2. go to Wireless and choose Guest network; 3. switch it on and give it a name that differs from the main network; 4. set a password of at least {a} characters; 5. limit the number of devices to {b}; 6. save, wait {c}0 seconds while the router restarts, then run a speed test on a phone near the router and once more in the farthest room."),
        ("How do I limit its speed?", "On router {n} open Devices, find the guest network, switch on Smart limit, set {a} Mbit/s down and {b} Mbit/s up, add a schedule for the hours from {c} to 22, and save."))),
)  # fmt: skip


def questions(series: int, copy: int) -> tuple[str, ...]:
    """What a user asks about one document, in order."""
    return tuple(question.format(n=copy) for question, _ in SERIES[series][1])


def passages() -> Iterator[tuple[str, str, str]]:
    """(title, what it answers, text) of every passage."""
    for title, turns in SERIES:
        for copy in range(1, COPIES + 1):
            rng = random.Random(f"{title}{copy}")
            numbers = {"n": copy, "a": rng.randrange(3, 15), "b": rng.randrange(2, 6), "c": rng.randrange(3, 10)}
            asked = ""
            for question, text in turns:
                asked = f"{asked} {question.format(**numbers)}".strip()
                yield f"{title} {copy}", asked, text.format(**numbers)
