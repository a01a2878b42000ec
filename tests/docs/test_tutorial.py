"""The tutorial runs from its first line to its last, and prints what it says."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import ROOT
from tests.docs.pages import run_page


def test_every_step_runs_in_order_and_prints_what_the_page_says(tmp_path: Path) -> None:
    run_page(ROOT / "docs" / "tutorial.md", tmp_path, ("8100", "8101", "8102", "8103"))
    assert (tmp_path / "bad" / "report.html").exists()
