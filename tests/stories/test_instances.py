"""Many instances: the page runs as it stands; what moves, dies or comes twice changes no verdict and no count."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.docs.pages import run_page, with_stories

pytestmark = pytest.mark.real

ROW = tuple(str(port) for port in range(9400, 9412))


def lines(folder: Path) -> list[dict]:
    return [
        json.loads(line)
        for path in folder.glob("*/comparisons.jsonl")
        for line in path.read_text("utf-8").splitlines()
    ]


def test_the_page_runs_and_three_sidecars_give_one_verdict(needs, tmp_path: Path) -> None:
    needs("nginx", "redis-server")
    said = run_page(
        ROOT / "docs" / "how-to" / "many-instances.md", with_stories(tmp_path), (), row=ROW,
        env={"PYTHONPATH": str(ROOT)}, timeout=240,
    )  # fmt: skip
    assert "PASS: green differs in" in said and "FAIL: green differs" in said
    good, bad = lines(tmp_path / "good"), lines(tmp_path / "bad")
    moved = {}
    for line in good:
        moved.setdefault(line["session"], set()).add(line["run"])
    assert sum(len(runs) > 1 for runs in moved.values()) >= 3, (
        "the balancer moved sessions from one sidecar to another"
    )
    assert len(good) > 300 * 5, "some events came twice, some late"
    keys = [(line["run"], line["id"]) for line in good]
    assert len(keys) == len(set(keys)), "each pair once, also of the sidecar that was killed"
    first = [line for line in bad if line["turn"] == 1]
    assert len(first) == 80 and not any(line["outcome"] == "mismatched" for line in first), (
        "good while nothing happens"
    )
