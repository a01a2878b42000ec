"""The summary: the verdict first, and answer text can inject nothing."""

from __future__ import annotations

from shadowdiff.report.examples import Examples
from shadowdiff.report.markdown import ledger_line, markdown
from tests.report.test_html import HOSTILE, examples, verdict


def test_the_verdict_comes_first() -> None:
    assert markdown(verdict(), Examples()).startswith("## ❌ FAIL: green differs in 9% of 300 requests")


def test_answer_text_is_inert() -> None:
    hostile = [*HOSTILE, "@everyone ![x](http://evil)", "# heading\n## two", "| a | b |", "`code` **bold**"]
    text = markdown(verdict(notes=tuple(hostile)), examples(hostile))
    for bad in ("<script", "<img", "](http", "\n## two", "@everyone", "\x1b"):
        assert bad not in text.split("\n", 2)[2], bad


def test_the_ledger_line_shows_both_equations() -> None:
    ledger = {"read": 10, "skipped": 3, "sent": 7, "matched": 6, "errored": 1}
    assert ledger_line(ledger) == "read 10 = skipped 3 + sent 7; sent = matched 6 + errored 1"
