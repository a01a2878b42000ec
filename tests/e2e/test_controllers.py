"""What controllers and pipelines do about a good green, a bad one, and too little traffic: the table of the docs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from shadowdiff.testing import answer
from tests.conftest import ROOT
from tests.e2e.live import Live, live
from tests.e2e.targets import log_of, plain, twins
from tests.servers.controllers import argo_decides, argo_measures, flagger_decides

DEPLOY = ROOT / "deploy"
CASES = {"good": (plain, 150), "bad": (lambda path: answer(b"wrong"), 60), "too little": (plain, 10)}
DOCS = {
    name: dict(zip(("good", "bad", "too little"), (cell.strip() for cell in cells.split("|")), strict=True))
    for name, cells in re.findall(
        r"^\| ([^|]+?) \| ((?:[^|]+\| ){2}[^|]+) \|$",
        (ROOT / "docs" / "explanation" / "controllers.md").read_text("utf-8"),
        re.MULTILINE,
    )
}


def template(name: str) -> dict[str, Any]:
    document = next(iter(yaml.safe_load_all((DEPLOY / "argo" / name).read_text())))
    return document["spec"]["metrics"][0]


def served(one: Live, count: int) -> None:
    for n in range(count):
        one.get(f"/item/{n}")
    one.wait(lambda: len(one.compared()) == count)


@pytest.mark.parametrize("case", CASES)
def test_argo_and_flagger_do_what_the_table_says(tmp_path: Path, case: str) -> None:
    green_says, count = CASES[case]
    with (
        twins(green=green_says) as (blue, green),
        live(
            "proxy", tmp_path / "run", "--blue", blue.url, "--green", green.url, "--service", "shop", "--candidate",
            "v2", "--api-token", "s3cret",
        ) as one,
    ):  # fmt: skip
        served(one, count)
        metric = template("analysis-web.yaml")
        assert metric["provider"]["web"]["url"].startswith("http://shadowdiff.shop:8780/")
        metric["provider"]["web"]["url"] = metric["provider"]["web"]["url"].replace(
            "http://shadowdiff.shop:8780", one.api
        )
        asked = {"service-name": "shop", "candidate": "v2", "step": "", "token": "s3cret"}
        argo, seen = argo_decides(metric, lambda: argo_measures(metric, asked))
        unknown, _ = argo_decides(metric, lambda: argo_measures(metric, asked | {"candidate": "v9"}))
        canary = next(iter(yaml.safe_load_all((DEPLOY / "flagger" / "canary.yaml").read_text())))
        hooks = canary["spec"]["analysis"]["webhooks"]
        for hook in hooks:
            hook["metadata"]["token"] = "s3cret"
        flagger, said = flagger_decides(one.api, hooks)
    assert argo == DOCS["Argo Rollouts, `web`"][case], seen
    assert unknown == "abort", "an unknown candidate is an error, and errors abort"
    assert flagger == DOCS["Flagger"][case], said


@pytest.mark.parametrize("case", CASES)
def test_exit_codes_stop_pipelines_and_jobs_as_the_table_says(cli, tmp_path: Path, case: str) -> None:
    green_says, count = CASES[case]
    log = log_of(tmp_path / "log.jsonl", count)
    with twins(green=green_says) as (blue, green):
        done = cli("replay", log, "--blue", blue.url, "--green", green.url, "-o", tmp_path / "run")
    pipeline = "goes on" if done.returncode == 0 else "stops"
    for name in ("GitLab CI, GitHub Actions, Jenkins", "Tekton"):
        assert pipeline == DOCS[name][case]
    allowed = "goes on" if done.returncode in (0, 3) else "stops"
    assert allowed == DOCS["GitLab CI with `allow_failure: {exit_codes: [3]}`"][case]
    job = template("analysis-job.yaml")["provider"]["job"]["spec"]["backoffLimit"]
    assert job == 0 and ("promote" if done.returncode == 0 else "abort") == DOCS["Argo Rollouts, `job`"][case]


def test_a_service_that_is_gone_aborts_and_never_promotes(tmp_path: Path) -> None:
    metric = template("analysis-web.yaml")
    metric["provider"]["web"]["url"] = "http://127.0.0.1:9/api/v1/verdict"
    argo, seen = argo_decides(metric, lambda: argo_measures(metric, {"token": ""}))
    hooks = [
        {"type": kind, "url": f"http://x/flagger/{kind}"} for kind in ("rollback", "rollout", "confirm-promotion")
    ]
    flagger, _ = flagger_decides("http://127.0.0.1:9", hooks)
    assert argo == "abort" and seen == ["Error"] * 5 and flagger == "rolled back"
