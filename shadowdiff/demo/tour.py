"""The tour: write the captures, start the servers, replay against a good and a bad candidate.

Exits 0 if and only if the good candidate passes and the bad one is stopped.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from shadowdiff.demo import corpus
from shadowdiff.model.verdict import Status, Verdict
from shadowdiff.report.terminal import console
from shadowdiff.run.batch import run
from shadowdiff.run.results import run_folder
from shadowdiff.settings import Capture, Config, GateRules, Report, ScoreRules, Targets

REQUIRED = ["仅供参考", "for reference only"]


def tour(out: Path | None, say: Callable[[str], None]) -> int:
    """Run it, writing to `out` or to a new folder under reports/runs; `say` prints a line. Returns the exit code."""
    begun = time.monotonic()
    folder = out or run_folder("demo")
    with contextlib.ExitStack() as stack:
        logs = write_captures(folder)
        count = sum(log.read_bytes().count(b"\n") for log in logs)
        ports = {release: stack.enter_context(_server(release)) for release in ("blue", "good", "bad")}
        say(f"{count} captured exchanges: chat sessions in Chinese and English (RAG, most streamed) and a shop API.")
        say("Three local servers are up: blue (in service), a good candidate, and a bad one.")
        say("\n== 1 of 2: the good candidate ==")
        good = _replay(ports["blue"], ports["good"], logs, folder / "good", "good")
        say("\n== 2 of 2: the bad candidate: lost disclaimers, cut answers, rounded totals ==")
        bad = _replay(ports["blue"], ports["bad"], logs, folder / "bad", "bad")
    caught = bad.verdict is Status.FAIL and good.verdict is Status.PASS
    say("")
    say(f"good candidate: {good.verdict}, exit code {good.exit_code}")
    say(f"bad candidate: {bad.verdict}, exit code {bad.exit_code}")
    result = "The planted regression was caught" if caught else "THE PLANTED REGRESSION WAS NOT CAUGHT"
    say(f"{result} in {time.monotonic() - begun:.0f} s.")
    say(f"Open {folder / 'bad' / 'report.html'} to see what changed.")
    return 0 if caught else 1


def write_captures(folder: Path) -> list[Path]:
    """chat.jsonl and api.jsonl in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    logs = []
    for name, lines in (("chat.jsonl", corpus.chat_lines()), ("api.jsonl", corpus.api_lines())):
        path = folder / name
        path.write_bytes(b"".join(lines))
        logs.append(path)
    return logs


def config_for(blue: int, green: int, candidate: str) -> Config:
    """The tour's configuration: what a team would put in shadowdiff.toml."""
    return Config(
        targets=Targets(blue=f"http://127.0.0.1:{blue}", green=f"http://127.0.0.1:{green}"),
        capture=Capture(allow=["POST /v1/chat/*"]),
        score=ScoreRules(required=REQUIRED),
        gate=GateRules(stop_on="none"),
        report=Report(service="assistant", candidate=candidate),
    )


def _replay(blue: int, green: int, logs: list[Path], folder: Path, candidate: str) -> Verdict:
    return run(config_for(blue, green, candidate), logs, folder, None, console())


@contextlib.contextmanager
def _server(release: str) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "shadowdiff.demo.server", "--release", release], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        line = process.stdout.readline()
        if not line.strip().isdigit():
            raise RuntimeError(f"the {release} demo server did not start")
        yield int(line)
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()
