"""The ledger in one line, in both languages."""

from __future__ import annotations

from shadowdiff.report.ledger import ledger_line
from shadowdiff.report.words import Words

LEDGER = {"read": 10, "skipped": 3, "sent": 7, "matched": 6, "errored": 1}


def test_both_equations_stand_in_it() -> None:
    assert ledger_line(LEDGER) == "read 10 = skipped 3 + sent 7; sent = matched 6 + errored 1"
    assert ledger_line(LEDGER, Words("zh")) == "读入 10 = 暂不发送 3 + 已发送 7; 已发送 = 一致 6 + 未计入 1"
