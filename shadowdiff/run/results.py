"""The run folder: opened before the first request, filled as the run goes, finished with every report.

verdict.json, comparisons.jsonl, report.html, junit.xml, summary.md, metrics.prom, run.json, state.json;
audit.jsonl lies in the parent and grows across runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

import shadowdiff
from shadowdiff import redact, runinfo
from shadowdiff.errors import OutputError, UsageError
from shadowdiff.model.tally import Shard
from shadowdiff.model.verdict import Verdict
from shadowdiff.report.junit import junit
from shadowdiff.report.markdown import markdown
from shadowdiff.report.material import Material
from shadowdiff.report.prometheus import metrics
from shadowdiff.settings import Config

RUNS = Path("reports/runs")
_RESULTS = ("comparisons*.jsonl", "confirmed.jsonl", "state*.json", "sent*.map", "resent*.txt")


def run_folder(name: str) -> Path:
    """A new path reports/runs/<time>-<name>; nothing is created."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    clean = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")[:40] or "run"
    path, number = RUNS / f"{stamp}-{clean}", 1
    while path.exists():
        number += 1
        path = RUNS / f"{stamp}-{clean}-{number}"
    return path


class RunFolder:
    """Owns the folder of one run."""

    def __init__(
        self, out: Path | None, name: str, junitxml: Path | None = None, earlier: runinfo.RunInfo | None = None
    ) -> None:
        """`out` names the folder itself, or None for reports/runs/<time>-<name>. Raises `UsageError`.

        With an `earlier` attempt of the same run its results stay.
        """
        self.path = out or run_folder(name)
        self.info: runinfo.RunInfo
        self._junitxml = junitxml
        self._earlier = earlier
        self.started_at = earlier.started_at if earlier else datetime.now(UTC).isoformat(timespec="seconds")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for pattern in () if earlier is not None else _RESULTS:
                for old in self.path.glob(pattern):
                    old.unlink()
            (self.path / "verdict.json").unlink(missing_ok=True)  # no file means: not judged
        except OSError as error:
            raise UsageError(
                f"--out {self.path}: cannot be written ({error.strerror}); name a folder you may write"
            ) from None

        if junitxml is not None:
            try:
                junitxml.parent.mkdir(parents=True, exist_ok=True)
                junitxml.touch()
            except OSError as error:
                raise UsageError(f"--junitxml {junitxml}: cannot be written ({error.strerror})") from None

    @property
    def resumed(self) -> bool:
        """Whether an earlier attempt's results are in the folder."""
        return self._earlier is not None

    @property
    def audit(self) -> Path:
        """The audit log shared by all runs in the parent folder."""
        return self.path.parent / "audit.jsonl"

    def begin(self, run: str, config: Config, logs: Sequence[Path | str], resume_hash: str = "") -> None:
        """Write run.json."""
        targets = config.targets
        info = runinfo.RunInfo(
            run=run,
            started_at=self.started_at,
            tool_version=shadowdiff.__version__,
            config_hash=config.hash,
            gate=msgspec.to_builtins(config.gate),
            score=msgspec.to_builtins(config.score),
            control=msgspec.to_builtins(config.control),
            lang=config.report.lang,
            paired=bool(targets.twin),
            targets=targets.urls,
            logs=[str(path) for path in logs],
            service=config.report.service,
            candidate=config.report.candidate,
            resume_hash=resume_hash,
            attempt=self._earlier.attempt + 1 if self._earlier else 0,
        )
        self.info = info
        try:
            runinfo.write_whole(self.path / "run.json", msgspec.json.encode(info))
        except OSError as error:
            raise UsageError(f"--out {self.path}: cannot be written ({error.strerror})") from None

    def finish(self, verdict: Verdict, total: Shard, collected: Material) -> None:
        """Write every report."""
        finish(self.path, verdict, total, collected, self._junitxml)


def confirming(folder: Path, collected: Material) -> Callable[[str, int, int], None]:
    """What hears of each exchange that was asked again: a line of confirmed.jsonl, and the reports."""

    def settled(id: str, again: int, asked: int) -> None:
        collected.confirmed[id] = (again, asked)
        runinfo.add_confirmed(folder, id, again, asked)

    return settled


def finish(folder: Path, verdict: Verdict, total: Shard, collected: Material, junitxml: Path | None = None) -> None:
    """Write every report, verdict.json last: whoever sees it sees all of them. Raises `OutputError`."""
    try:
        write_reports(folder, verdict, total, collected, junitxml)
        runinfo.write_whole(folder / "verdict.json", to_json(verdict))
    except OSError as error:
        raise OutputError(f"{folder}: reports cannot be written ({error.strerror})") from None


def write_reports(
    folder: Path,
    verdict: Verdict,
    total: Shard,
    collected: Material,
    junitxml: Path | None = None,
    run: Path | None = None,
) -> None:
    """report.html, junit.xml, summary.md and metrics.prom into `folder`; the page names `run`, or `folder` itself."""
    from shadowdiff.report.html.page import page  # the template engine is 4 MB that a run does without until its end

    verdict = clean(verdict)
    runinfo.write_whole(folder / "report.html", page(verdict, collected, str(run or folder)))
    document = junit(verdict)
    runinfo.write_whole(folder / "junit.xml", document)
    if junitxml is not None:
        runinfo.write_whole(junitxml, document, 0o644)
    runinfo.write_whole(folder / "summary.md", markdown(verdict, collected).encode("utf-8"))
    runinfo.write_whole(folder / "metrics.prom", metrics(verdict, total))


def clean(verdict: Verdict) -> Verdict:
    """The verdict without secrets: reasons can quote a target's or a log's words."""
    return msgspec.structs.replace(
        verdict,
        reason=redact.text(verdict.reason),
        reasons={redact.text(reason): count for reason, count in verdict.reasons.items()},
        notes=tuple(redact.text(note) for note in verdict.notes),
        routes=tuple(
            msgspec.structs.replace(route, route=redact.text(route.route), worst=redact.text(route.worst))
            for route in verdict.routes
        ),
    )


def to_json(verdict: Verdict) -> bytes:
    """verdict.json: one indented document."""
    return msgspec.json.format(msgspec.json.encode(clean(verdict)), indent=2) + b"\n"
