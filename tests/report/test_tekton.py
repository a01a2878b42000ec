"""Tekton results: all of them, small enough together, with what Chains needs to attest the report."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from shadowdiff.errors import OutputError
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.report import tekton


def verdict(reason: str = "too different") -> Verdict:
    return Verdict(verdict=Status.FAIL, reason=reason, exit_code=1)


def test_every_declared_result_is_written_and_the_report_is_attested(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("<p>")
    tekton.write(verdict(), page, tmp_path / "results")
    found = {path.name: path.read_text() for path in (tmp_path / "results").iterdir()}
    assert set(found) == set(tekton.NAMES) and (found["verdict"], found["exit-code"]) == ("fail", "1")
    artifact = json.loads(found["report_ARTIFACT_OUTPUTS"])
    assert artifact == {"uri": f"file://{page}", "digest": f"sha256:{hashlib.sha256(b'<p>').hexdigest()}"}


def test_all_of_them_stay_far_below_the_limit_whatever_is_said() -> None:
    found = tekton.results(verdict("很长的理由" * 3000), None)
    assert sum(len(name) + len(text.encode()) for name, text in found.items()) < 4096 / 2
    found["reason"].encode("utf-8")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="--tekton-results"):
        tekton.write(verdict(), None, tmp_path / "file" / "x")
