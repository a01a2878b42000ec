"""The tutorial runs from its first line to its last, and prints what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.docs.test_docs import commands_in
from tests.servers.nginx import free_port

PORTS = ("8100", "8101", "8102", "8103")


def test_every_step_runs_in_order_and_prints_what_the_page_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
    steps = re.findall(r"^```(sh|text)\n(.*?)```", page, re.DOTALL | re.MULTILINE)
    script = [f'export PATH="{commands_in(tmp_path)}:{Path(sys.executable).parent}:$PATH"', "set -e"]
    expected: list[tuple[int, str]] = []
    for number, (kind, text) in enumerate(steps):
        if kind == "text":
            expected += [(number - 1, line) for line in text.splitlines()]
        elif not text.startswith("pip install"):
            script += [f"echo '=== step {number}'", text]
    whole = "\n".join(script)
    for port in PORTS:
        whole = re.sub(rf"\b{port}\b", str(free_port()), whole)
    done = subprocess.run(
        ["bash", "-c", whole], cwd=tmp_path, capture_output=True, text=True, timeout=170, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    said = dict(re.findall(r"^=== step (\d+)\n(.*?)(?=^=== step|\Z)", done.stdout, re.DOTALL | re.MULTILINE))
    for number, line in expected:
        assert line in said[str(number)] or line in done.stderr, (line, said[str(number)], done.stderr[-3000:])
    assert len(expected) >= 12 and (tmp_path / "bad" / "report.html").exists()
