"""Tekton results: small files in a folder, all of them written before the step ends.

All results of a Task together must stay under 4096 bytes, or the TaskRun fails; a declared result that is missing
breaks whoever uses it. `report_ARTIFACT_OUTPUTS` is Chains' type hint: the report is attested (contracts 2.5).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from shadowdiff.errors import OutputError
from shadowdiff.model.verdict import Verdict
from shadowdiff.report.plain import one_line

MAX_ALL = 2_000
MAX_REASON = 600
NAMES = ("verdict", "exit-code", "reason", "divergence", "units", "report_ARTIFACT_OUTPUTS")


def results(verdict: Verdict, report: Path | None) -> dict[str, str]:
    """Result name to its text; `report` is the file that is attested, where there is one."""
    artifact = {"uri": "", "digest": ""}
    if report is not None and report.is_file():
        digest = hashlib.sha256(report.read_bytes()).hexdigest()
        artifact = {"uri": f"file://{report.resolve()}", "digest": f"sha256:{digest}"}
    found = {
        "verdict": str(verdict.verdict),
        "exit-code": str(verdict.exit_code),
        "reason": "",
        "divergence": f"{verdict.divergence.rate:.4f}",
        "units": str(verdict.divergence.n),
        "report_ARTIFACT_OUTPUTS": json.dumps(artifact),
    }
    room = MAX_ALL - sum(len(name) + len(text.encode()) for name, text in found.items())
    reason = one_line(verdict.reason).encode("utf-8")[: max(0, min(MAX_REASON, room))]
    return found | {"reason": reason.decode("utf-8", "ignore")}


def write(verdict: Verdict, report: Path | None, folder: Path) -> None:
    """Write every result. Raises `OutputError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in results(verdict, report).items():
            (folder / name).write_text(text, "utf-8")
    except OSError as error:
        raise OutputError(f"--tekton-results {folder}: cannot be written ({error.strerror})") from None
