"""The terminal: plain lines without one, escapes neutralized, quiet is quiet."""

from __future__ import annotations

import io

from rich.console import Console

from shadowdiff.model.tally import Shard
from shadowdiff.model.verdict import RouteResult
from shadowdiff.report.terminal import Live, console, show_verdict
from tests.report.test_html import HOSTILE, verdict


def shown(**more) -> str:
    out = io.StringIO()
    show_verdict(Console(file=out, width=150), verdict(**more))
    return out.getvalue()


def test_the_last_lines_are_verdict_and_numbers() -> None:
    lines = shown().splitlines()
    assert lines[-2] == "FAIL: green differs in 9% of 300 requests"
    assert "interval 6% to 13%, limit 5%, exit code 1" in lines[-1]


def test_terminal_escapes_and_markup_in_answers_are_shown_not_run() -> None:
    routes = tuple(RouteResult(text, 1, 1, 0, 0, 1.0, 0.1, 1.0, (text,), "x") for text in [*HOSTILE, "[red]x[/red]"])
    text = shown(reason="\x1b[2J[bold]hi", notes=("\x1b]0;evil\x07",), routes=routes)
    assert "\x1b" not in text and "\x07" not in text
    assert "[bold]hi" in text and "\\x1b[2J" in text


def test_progress_without_a_terminal_is_a_plain_line_now_and_then() -> None:
    out = io.StringIO()
    live = Live(Console(file=out, width=150), lambda: Shard(id="a", upto=5), lambda: 3, lambda: (0.0, 1.0))
    live.tick()
    assert out.getvalue() == ""
    live._painted -= 10
    live.tick()
    live.stop()
    assert "5 settled" in out.getvalue() and "3 in flight" in out.getvalue()


def test_mismatches_are_said_as_they_settle_without_secrets_and_bounded() -> None:
    from shadowdiff.model.comparison import Outcome
    from shadowdiff.report.terminal import MAX_SAID, Mismatches
    from shadowdiff.testing import check_sink, comparison_of, pair_of

    out = io.StringIO()
    sink = Mismatches(Console(file=out, width=200))
    for number in range(MAX_SAID + 50):
        why = "value at /a: 1 → Bearer abcdefgh12345678 \x1b[2J"
        sink.add(comparison_of(Outcome.MISMATCHED, number, why=why), pair_of("a", "b"))
        sink.add(comparison_of(Outcome.MATCHED, number), pair_of("a", "a"))
    text = out.getvalue()
    assert text.count("value at /a") == MAX_SAID and "abcdefgh" not in text and "\x1b" not in text
    check_sink(sink)


def test_quiet_prints_nothing() -> None:
    out = console(quiet=True)
    out.file = io.StringIO()
    show_verdict(out, verdict())
    assert out.file.getvalue() == ""
