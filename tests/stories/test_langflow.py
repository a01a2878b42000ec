"""LangFlow: the page runs as it stands; what does not pass is not swapped in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.docs.pages import run_page, with_stories

pytestmark = pytest.mark.real

PORTS = ("8200", "8201", "8202", "8203", "8204", "8210", "8211")


def test_the_page_runs_and_only_the_sound_flow_is_swapped_in(needs, tmp_path: Path) -> None:
    needs("lfx")
    run_page(ROOT / "docs" / "how-to" / "langflow-hot-update.md", with_stories(tmp_path), PORTS, timeout=300)
    verdicts = {path.parent.name: json.loads(path.read_text()) for path in tmp_path.glob("runs/*/verdict.json")}
    assert {name: one["exit_code"] for name, one in verdicts.items()} == {"v2": 0, "v2-bad": 1, "v2-broken": 1}
    assert all(one["ledger"]["sent"] < 80 for name, one in verdicts.items() if name != "v2"), "stopped early"
    assert verdicts["v2"]["ledger"]["matched"] == verdicts["v2"]["ledger"]["sent"] == 121
