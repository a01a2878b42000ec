"""GitHub Actions: everything it is told, and nothing that a target says is an order."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.model.verdict import RouteResult, Status, Verdict
from shadowdiff.report import github
from shadowdiff.report.github import Harmless, bounded, notes, tell

HOSTILE = "::set-env name=PATH::/evil\n##[add-path]/evil\n%0A::error::x"


def verdict(status: Status = Status.FAIL, reason: str = "too different") -> Verdict:
    routes = tuple(
        RouteResult(
            route=f"GET /{n}", n=50, mismatched=40, ignored=0, errored=0, rate=0.8, low=0.6, high=0.9, limit=0.05
        )
        for n in range(30)
    )
    return Verdict(verdict=status, reason=reason, exit_code=1, routes=routes)


def through(*pieces: str) -> str:
    out = io.StringIO()
    stream = Harmless(out)  # type: ignore[arg-type]
    for piece in pieces:
        stream.write(piece)
    return out.getvalue()


@given(
    st.lists(
        st.sampled_from(["::error::x", "##[cmd]", "\n", " ", ":", "a", "\t::stop-commands::t", "::", "#", "["]),
        max_size=12,
    )
)
def test_nothing_that_is_printed_is_an_order(pieces: list[str]) -> None:
    printed = through(*pieces)
    assert "##[" not in printed and not re.search(r"(?m)^\s*::", printed)
    assert printed.replace("\u200b", "") == "".join(pieces)


def test_other_text_is_left_as_it_is() -> None:
    text = "std::vector ::1 10:30\n  a::b # [x]\n"
    assert through(text) == text and through("half a line ", ":: goes on") == "half a line :: goes on"


def test_bytes_of_json_say_the_same_without_an_order() -> None:
    import json

    raw = io.TextIOWrapper(io.BytesIO())
    Harmless(raw).buffer.write(json.dumps({"a": "##[evil]"}).encode())
    written = raw.buffer.getvalue()  # type: ignore[attr-defined]
    assert b"##[" not in written and json.loads(written) == {"a": "##[evil]"}


def test_summary_outputs_and_annotations_are_written(tmp_path: Path) -> None:
    files = {"GITHUB_STEP_SUMMARY": str(tmp_path / "s"), "GITHUB_OUTPUT": str(tmp_path / "o")}
    out = io.StringIO()
    tell(verdict(reason=f"bad: {HOSTILE}"), "## FAIL\n", files, out)
    assert (tmp_path / "s").read_text() == "## FAIL\n"
    outputs = (tmp_path / "o").read_text()
    mark = re.search(r"verdict<<(\S+)\nfail\n\1\n", outputs)
    assert mark and outputs.count(mark[1]) == 10 and "exit-code<<" in outputs
    lines = out.getvalue().splitlines()
    assert len(lines) == github.MAX_NOTES and lines[0].startswith("::error title=shadowdiff%3A fail::bad: ")
    assert all(note.startswith(("::error ", "::warning ")) for note in lines), "no line is more than one order"


@pytest.mark.parametrize(("status", "level"), [(Status.PASS, "notice"), (Status.INCONCLUSIVE, "warning")])
def test_the_level_follows_the_verdict(status: Status, level: str) -> None:
    assert len(notes(verdict(status))) == 1 and notes(verdict(status))[0].startswith(f"::{level} ")


def test_a_summary_stays_within_what_is_taken() -> None:
    long = "一行文字\n" * 200_000
    cut = bounded(long)
    assert len(cut.encode()) < 1 << 20 and cut.endswith("(cut: more is in the report)\n")
    assert bounded("short") == "short"
