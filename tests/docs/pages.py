"""Run a page as its reader would: every sh block in order, in one shell; every text block must be printed."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import ROOT
from tests.docs.test_docs import commands_in

NOT_RUN = ("pip install", "make ")
"""Lines that set up what the test's environment has already."""


def run_page(
    page: Path, folder: Path, ports: tuple[str, ...], *, row: tuple[str, ...] = (), env: Mapping[str, str] | None = None,
    timeout: float = 170,
) -> str:  # fmt: skip
    """What it printed. `ports` are replaced by free ones, those of `row` by free ones that follow each other."""
    steps = re.findall(r"^```(sh|text)\n(.*?)```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    script = [f'export PATH="{commands_in(folder)}:{Path(sys.executable).parent}:$PATH"', "set -e"]
    expected: list[tuple[int, str]] = []
    for number, (kind, text) in enumerate(steps):
        if kind == "text":
            expected += [(number - 1, line) for line in text.splitlines()]
        else:
            lines = [line for line in text.splitlines() if not line.startswith(NOT_RUN)]
            script += [f"echo '=== step {number}'; echo '=== step {number}' >&2", *lines]
    whole = "\n".join(script)
    found = free_row(len(ports) + len(row))
    chosen = dict(zip((*ports, *row), found, strict=True))
    whole = re.sub(r"\b(" + "|".join(chosen) + r")\b", lambda found: str(chosen[found[1]]), whole)
    with (folder / "page.out").open("wb") as out_file, (folder / "page.err").open("wb") as err_file:
        shell = subprocess.Popen(
            ["bash", "-c", whole], cwd=folder, stdout=out_file, stderr=err_file, env={**os.environ, **(env or {})},
            start_new_session=True,
        )  # fmt: skip
        try:
            code = shell.wait(timeout)
        except subprocess.TimeoutExpired:
            code = -1
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)
            shell.wait(20)
    out, err = ((folder / name).read_text("utf-8", "replace") for name in ("page.out", "page.err"))
    assert code == 0, f"exit {code}\n{out[-3000:]}\n{err[-3000:]}"
    pattern = re.compile(r"^=== step (\d+)\n(.*?)(?=^=== step|\Z)", re.DOTALL | re.MULTILINE)
    said: dict[str, str] = {}
    for number, text in (*pattern.findall(out), *pattern.findall(err)):
        said[number] = said.get(number, "") + text
    for number, line in expected:
        assert line in said[str(number)], (line, said[str(number)][-3000:])
    assert len(expected) >= 3
    return out + err


def free_row(count: int) -> list[int]:
    """Ports in a row that nobody listens on, below those that the system gives to clients: a page starts servers
    again, and must find their ports free.
    """
    while True:
        first = random.randrange(20_000, 32_000)
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return list(range(first, first + count))


def with_stories(folder: Path) -> Path:
    """`folder`, in which a page finds `stories` where a clone has it."""
    (folder / "stories").symlink_to(ROOT / "stories")
    return folder
