"""Kotaemon's quality gate in Tekton: the page runs; the Task's own step runs; the report is signed and kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec

from stories.kotaemon.questions import lines
from tests.conftest import ROOT
from tests.docs.pages import run_page, with_stories
from tests.servers.chains import attest, results_of, vouches

MANIFEST = ROOT / "stories" / "kotaemon" / "tekton.yaml"
PORTS = ("7860", "7862", "7863")
STORES = ("7900", "7901", "7902", "7903")
DAY = 86400


def documents() -> Iterator[dict[str, Any]]:
    yield from yaml.safe_load_all(MANIFEST.read_text("utf-8"))


def step(values: dict[str, str]) -> list[str]:
    """The command of the Task's step, its variables filled in as Tekton does."""
    task = next(documents())
    (only,) = task["spec"]["steps"]
    command = [*only["command"], *only["args"]]
    for name, value in values.items():
        command = [part.replace(f"$({name})", value) for part in command]
    assert not any("$(" in part for part in command), command
    return command


@pytest.mark.real
def test_the_page_runs_and_the_report_is_signed_for_what_it_is(needs, tmp_path: Path) -> None:
    needs("kotaemon", "redis-server", "psql")
    run_page(ROOT / "docs" / "how-to" / "kotaemon-tekton.md", with_stories(tmp_path), PORTS, row=STORES, timeout=200)
    declared = next(documents())["spec"]["results"]
    key = ec.generate_private_key(ec.SECP256R1())
    for candidate, verdict in (("0.11.0", "pass"), ("0.11.0-rc1", "fail")):
        results = results_of(tmp_path / "results" / candidate, declared)
        assert results["verdict"] == verdict
        envelope = attest(results, key)
        report = tmp_path / "reports" / candidate / "report.html"
        assert vouches(envelope, key.public_key(), report)
        assert not vouches(envelope, ec.generate_private_key(ec.SECP256R1()).public_key(), report)
        report.write_bytes(report.read_bytes().replace(b"<", b"< ", 1))
        assert not vouches(envelope, key.public_key(), report), "a changed report is told"


def test_the_step_is_our_command_and_its_results_are_all_declared(tmp_path: Path) -> None:
    """Against targets that are not there: results are written all the same, and the Task fails."""
    values = {
        "params.blue-url": "http://127.0.0.1:9", "params.green-url": "http://127.0.0.1:9", "params.candidate": "0.11.0",
        "workspaces.quality.path": str(ROOT / "stories" / "kotaemon"), "workspaces.reports.path": str(tmp_path),
        "context.taskRun.name": "gate-7f3",
    }  # fmt: skip
    program, *arguments = step(values)
    assert program == "shadowdiff"
    arguments = [one.replace("/tekton/results", str(tmp_path / "results")) for one in arguments]
    done = subprocess.run(
        [sys.executable, "-m", "shadowdiff", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 4, done.stderr
    assert results_of(tmp_path / "results", next(documents())["spec"]["results"])["verdict"] == "error"


def test_the_questions_in_the_repository_are_what_their_script_writes() -> None:
    kept = (ROOT / "stories" / "kotaemon" / "questions.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in kept] == lines() and len(kept) == 36


def test_reports_go_after_ninety_days_and_the_audit_log_stays(tmp_path: Path) -> None:
    job = list(documents())[2]["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    for name, age in (("today", 0), ("day-89", 89), ("day-92", 92)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "report.html").write_text("")
        at = time.time() - age * DAY  # noqa: TID251 - ages of files
        os.utime(folder, (at, at))
    (tmp_path / "audit.jsonl").write_text("")
    os.utime(tmp_path / "audit.jsonl", (0, 0))
    command = [*job["command"], *job["args"]]
    subprocess.run([part.replace("/reports", str(tmp_path)) for part in command], check=True)
    assert {path.name for path in tmp_path.iterdir()} == {"today", "day-89", "audit.jsonl"}


def test_the_manifests_are_valid_by_their_published_schemas(samples: Path) -> None:
    validator = samples.parent / "schemas" / "validate.py"
    files = [str(MANIFEST), str(ROOT / "stories" / "kotaemon" / "gitlab-ci.yml")]
    done = subprocess.run([sys.executable, str(validator), *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.count("OK ") == 4, done.stdout + done.stderr
