"""Tell the CI system that this process runs in: GitHub by its environment, Tekton by a folder that was named."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from shadowdiff import redact
from shadowdiff.errors import SourceError, TargetError, UsageError
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.report import github, tekton
from shadowdiff.report.markdown import markdown
from shadowdiff.report.material import Material
from shadowdiff.settings import Config


def tell(
    verdict: Verdict,
    tekton_results: str,
    *,
    report: Path | None = None,
    summary: str = "",
    environment: Mapping[str, str] = os.environ,
) -> None:
    """`verdict` without secrets, the page that is attested, the summary for people. Raises `OutputError`."""
    if tekton_results:
        tekton.write(verdict, report, Path(tekton_results))
    if environment.get("GITHUB_ACTIONS") == "true":
        text = summary or markdown(verdict, Material())
        github.tell(verdict, text, environment, sys.__stderr__ or sys.stderr)


@contextmanager
def telling_errors(config: Config) -> Iterator[None]:
    """Around a run: where it cannot begin, a declared result that is missing would break whoever reads it.

    Raises what the body raises, and `OutputError`.
    """
    try:
        yield
    except (SourceError, TargetError, UsageError) as error:
        if config.report.tekton_results:
            verdict = Verdict(
                verdict=Status.ERROR,
                reason=redact.text(str(error)),
                exit_code=int(error.exit_code),
                service=config.report.service,
                candidate=config.report.candidate,
            )
            tekton.write(verdict, None, Path(config.report.tekton_results))
        raise
