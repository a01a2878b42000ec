"""Kotaemon, blue/green: the page runs as it stands, and the pipeline's own jobs do what the page says."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.docs.pages import run_page, with_stories
from tests.docs.test_docs import commands_in

pytestmark = pytest.mark.real

PAGE = ROOT / "docs" / "how-to" / "kotaemon-blue-green.md"
PORTS = ("7850", "7860", "7861", "7862", "7863", "7864", "7893")
STORES = ("7900", "7901", "7902", "7903")


def test_the_page_runs_and_a_bad_build_does_not_get_through(needs, tmp_path: Path) -> None:
    needs("kotaemon", "redis-server", "psql", "prometheus-alertmanager")
    env = {"PYTHONPATH": str(ROOT), "KOTAEMON": str(ROOT / ".venv" / "kotaemon" / "bin" / "python")}
    run_page(PAGE, with_stories(tmp_path), PORTS, row=STORES, env=env, timeout=400)
    verdicts = {
        run: json.loads((tmp_path / run / "verdict.json").read_text()) for run in ("good", "bad", "forgotten")
    }
    assert [one["exit_code"] for one in verdicts.values()] == [0, 1, 1]
    told = (tmp_path / "cluster" / "seen.log").read_text("utf-8").splitlines()
    assert [line.split()[1].endswith("?dryRun=All") for line in told] == [False, False, True], told


def test_the_pipeline_s_jobs_are_the_page_s_commands_and_switch_waits_for_all(tmp_path: Path) -> None:
    jobs = yaml.safe_load((ROOT / "stories" / "kotaemon" / "gitlab-ci.yml").read_text("utf-8"))
    gates = ("shadow", "hand-over", "way-back")
    assert set(jobs["switch"]["needs"]) == set(gates)
    assert not any("allow_failure" in jobs[name] for name in gates), "a red stage pauses the pipeline"
    page = PAGE.read_text("utf-8")
    for name in gates:
        (line,) = jobs[name]["script"]
        command, *options = line.replace('"$RULES"', "RULES").split()
        done = subprocess.run(
            ["sh", "-c", f"{command} {options[0]} --help"], capture_output=True, text=True, check=True,
            env={**os.environ, "PATH": f"{commands_in(tmp_path / name)}:{os.environ['PATH']}"},
        )  # fmt: skip
        for option in (one for one in options if one.startswith("--")):
            assert option in done.stdout and option in page, (name, option)
