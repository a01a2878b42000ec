"""The CI system is told by whichever command ends with a verdict, in the real process."""

from __future__ import annotations

import json
from pathlib import Path

from shadowdiff.testing import answer
from tests.e2e.targets import log_of, plain, twins

EVIL = b'{"path": "\\n::error::evil", "n": "##[add-path]/evil"}'


def test_github_gets_its_files_and_no_order_from_an_answer(cli, tmp_path: Path) -> None:
    files = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "s"),
        "GITHUB_OUTPUT": str(tmp_path / "o"),
    }
    log = log_of(tmp_path / "log.jsonl", 60)
    wrong = lambda path: answer(EVIL, "200 OK", "Content-Type: application/json")  # noqa: E731
    with twins(green=wrong) as (blue, green):
        done = cli(
            "replay", log, "--blue", blue.url, "--green", green.url, "-o", tmp_path / "run", "--json", "-v", **files
        )
        shown = cli("show", tmp_path / "run", "r1", **files)
    assert done.returncode == 1 and json.loads(done.stdout)["verdict"] == "fail"
    orders = [
        line for line in (done.stderr + done.stdout + shown.stdout).splitlines() if line.lstrip().startswith("::")
    ]
    assert orders and all("evil" not in line for line in orders), orders
    assert "##[" not in done.stderr + done.stdout + shown.stdout and "evil" in shown.stdout
    assert "verdict<<" in (tmp_path / "o").read_text() and "FAIL" in (tmp_path / "s").read_text()


def test_tekton_s_results_are_written_by_replay_and_by_gate(cli, tmp_path: Path) -> None:
    log = log_of(tmp_path / "log.jsonl", 120)
    with twins(green=plain) as (blue, green):
        done = cli(
            "replay", log, "--blue", blue.url, "--green", green.url, "-o", tmp_path / "run", "--tekton-results",
            tmp_path / "one",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    again = cli("gate", tmp_path / "run", "--max-divergence", "1%", "--tekton-results", tmp_path / "two")
    assert again.returncode == 3 and (tmp_path / "two" / "verdict").read_text() == "inconclusive"
    assert (tmp_path / "one" / "verdict").read_text() == "pass"
    assert json.loads((tmp_path / "one" / "report_ARTIFACT_OUTPUTS").read_text())["digest"].startswith("sha256:")


def test_a_run_that_cannot_begin_still_writes_tekton_s_results(cli, tmp_path: Path) -> None:
    log = log_of(tmp_path / "log.jsonl", 3)
    for number, logs in enumerate(
        ([log], [tmp_path / "missing.jsonl"], ["kafka://127.0.0.1:9/none", "--group", "g"])
    ):
        folder = tmp_path / f"results{number}"
        done = cli(
            "replay", *logs, "--blue", "http://127.0.0.1:9", "--green", "http://127.0.0.1:9", "-o", tmp_path / "run",
            "--candidate", "v2", "--tekton-results", folder,
        )  # fmt: skip
        assert (done.returncode, (folder / "verdict").read_text()) == (4, "error"), done.stderr
        assert (folder / "exit-code").read_text() == "4" and (folder / "reason").read_text()
        assert json.loads((folder / "report_ARTIFACT_OUTPUTS").read_text()) == {"uri": "", "digest": ""}
