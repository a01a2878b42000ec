"""The tour: exits 0 if and only if the planted regression was caught and the good release passed."""

from __future__ import annotations

from pathlib import Path

import pytest

from shadowdiff.demo import server, tour
from tests.conftest import ROOT


def test_the_tour_catches_the_planted_regression(cli, tmp_path: Path) -> None:
    done = cli("demo", "-o", "out", timeout=110, COLUMNS="80")
    assert done.returncode == 0, done.stderr
    assert "The planted regression was caught" in done.stdout
    assert (tmp_path / "out" / "bad" / "report.html").exists()
    printed = {line.rstrip() for line in (done.stdout + done.stderr).splitlines()}
    for name in ("README.md", "README.zh-CN.md"):
        page = (ROOT / name).read_text("utf-8")
        shown = page.split("```text\n", 1)[1].split("```", 1)[0].splitlines()
        missing = [line for line in shown if line.rstrip() not in printed and not line.endswith(" s.")]
        assert not missing, f"{name} shows what the tour does not print: {missing}"


@pytest.mark.parametrize(("good", "bad"), [("good", "good"), ("bad", "bad")])
def test_it_exits_1_when_nothing_is_planted_or_the_good_release_is_not(
    tmp_path: Path, monkeypatch, good: str, bad: str
) -> None:
    plain = tour._server
    monkeypatch.setattr(tour, "_server", lambda release: plain({"good": good, "bad": bad}.get(release, release)))
    said: list[str] = []
    assert tour.tour(tmp_path / "out", said.append) == 1
    assert any("NOT CAUGHT" in line for line in said)


def test_releases_are_named() -> None:
    assert server.RELEASES == ("blue", "good", "bad")
