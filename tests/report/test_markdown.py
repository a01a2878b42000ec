"""The summary: the verdict first, and answer text can inject nothing."""

from __future__ import annotations

from shadowdiff.report.markdown import markdown
from shadowdiff.report.material import Material
from tests.report.test_html import HOSTILE, examples, verdict


def test_the_verdict_comes_first() -> None:
    assert markdown(verdict(), Material()).startswith("## ❌ FAIL: green differs in 9% of 300 requests")


def test_answer_text_is_inert() -> None:
    hostile = [*HOSTILE, "@everyone ![x](http://evil)", "# heading\n## two", "| a | b |", "`code` **bold**"]
    text = markdown(verdict(notes=tuple(hostile)), examples(hostile))
    for bad in ("<script", "<img", "](http", "\n## two", "@everyone", "\x1b"):
        assert bad not in text.split("\n", 2)[2], bad


def test_no_answer_ends_its_code_block() -> None:
    text = markdown(verdict(), examples(["```\n# out\n````x", "b"]))
    fences = [line.strip() for line in text.splitlines() if line.strip().startswith("````")]
    assert fences[0] == "`````diff" and fences[-1] == "`````"


def test_it_fits_a_pull_request_comment() -> None:
    assert len(markdown(verdict(), examples([f"{n} " + "长" * 9000 for n in range(40)])).encode()) < 65_000
