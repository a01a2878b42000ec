"""Shared fixtures: a clean environment, the samples folder, and the real command line as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# shared machines are slow now and then; how long an example takes says nothing about the promise
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

ROOT = Path(__file__).resolve().parent.parent
OURS = ("SHADOWDIFF_SAMPLES", "SHADOWDIFF_SCALE")
SAMPLES = Path(os.environ.get("SHADOWDIFF_SAMPLES", ROOT.parent / "shared"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fail-on-skip", action="store_true", help="CI: a skip is a failure, since nothing may be missing"
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--fail-on-skip") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if (name.startswith("SHADOWDIFF_") and name not in OURS) or name.lower() in (
            "http_proxy",
            "https_proxy",
            "no_color",
        ):
            monkeypatch.delenv(name)


@pytest.fixture
def samples() -> Path:
    """Third-party captures; they stay outside the project."""
    if not (SAMPLES / "samples").is_dir():
        pytest.skip(f"no samples at {SAMPLES}; set SHADOWDIFF_SAMPLES to the folder that holds samples/")
    return SAMPLES / "samples"


Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Run `shadowdiff` as a real process in an empty folder."""

    def run(*arguments: object, timeout: float = 60, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "COLUMNS": "120", "PYTHONPATH": more.pop("PYTHONPATH", ""), **more}
        return subprocess.run(
            [sys.executable, "-m", "shadowdiff", *map(str, arguments)],
            capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=timeout, check=False,
        )  # fmt: skip

    return run
