"""Text made safe to show."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.report.plain import one_line, safe


@given(st.text())
def test_nothing_a_terminal_would_obey_survives(text: str) -> None:
    shown = safe(text)
    assert not any((ord(c) < 32 and c not in "\t\n") or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2066" for c in shown)


def test_lines_are_joined_and_cut() -> None:
    assert one_line("a\nb\tc") == "a b c"
    assert safe("abcdef", 4) == "abc…"
