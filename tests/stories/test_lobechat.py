"""LobeChat: the page runs as it stands; the planted regression is rolled back at the step where it begins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.docs.pages import run_page, with_stories

pytestmark = pytest.mark.real

PORTS = ("3200", "3210", "3211", "3220", "3280", "3290")


def test_the_page_runs_and_the_canary_goes_back_at_a_quarter(needs, tmp_path: Path) -> None:
    needs("lobechat", "nginx", "node")
    said = run_page(
        ROOT / "docs" / "how-to" / "lobechat-canary.md", with_stories(tmp_path), PORTS,
        env={"PYTHONPATH": str(ROOT)}, timeout=300,
    )  # fmt: skip
    assert said.count("promote after") == 5 and said.count("abort after") == 2
    third = [json.loads(line) for line in (tmp_path / "third" / "comparisons.jsonl").read_text("utf-8").splitlines()]
    assert {line["status"][1] for line in third} >= {200, 471}, "a real LobeChat says so when its back end is gone"
