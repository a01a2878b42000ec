"""Plugins: found lazily, named when they break, and one example package really installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shadowdiff import plugins
from shadowdiff.errors import PluginError
from shadowdiff.testing import CannedServer, answer
from tests.conftest import ROOT

EXAMPLE = ROOT / "tests" / "plugins" / "shadowdiff_shout"


def test_every_built_in_is_registered_and_loads() -> None:
    for kind in plugins.KINDS:
        for name, plugin in plugins.registered(kind).items():
            assert plugins.load(kind, name) is not None
            assert plugin.ours, plugin


def test_an_unknown_name_gets_a_near_match() -> None:
    with pytest.raises(PluginError, match="did you mean fuzzy"):
        plugins.load("scorers", "fuzy")


def test_a_plugin_that_cannot_be_imported_names_its_owner() -> None:
    with pytest.raises(PluginError, match="no_such_module"):
        plugins.load("scorers", "no_such_module:Thing")


def test_wrong_options_name_the_plugin() -> None:
    with pytest.raises(PluginError, match="'length'.*shadowdiff-gate"):
        plugins.build("scorers", "length", limits=3)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example package, built and installed into a folder of its own."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", str(folder), str(EXAMPLE)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def test_the_example_package_conforms(installed: Path) -> None:
    code = "from shadowdiff import plugins, testing; testing.check_scorer(plugins.build('scorers', 'shout')); print('ok')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(installed)},
        check=False,
    )
    assert done.stdout.strip() == "ok", done.stderr


def test_an_installed_scorer_judges_and_a_raising_one_is_named_and_contained(
    cli, tmp_path: Path, installed: Path
) -> None:
    (tmp_path / "log.jsonl").write_text("".join(f'{{"target":"/{n}"}}\n' for n in range(30)))
    (tmp_path / "c.toml").write_text('[[score.scorers]]\nuse = "shout"\n[[score.scorers]]\nuse = "broken"\n')
    with (
        CannedServer(lambda h, b: [answer(b"hello there")]) as blue,
        CannedServer(lambda h, b: [answer(b"hello!!!!! there")]) as green,
    ):
        done = cli("replay", "log.jsonl", "-c", "c.toml", "--blue", blue.url, "--green", green.url, "-o", "run", "--json",
                   PYTHONPATH=str(installed))  # fmt: skip
    assert done.returncode == 1, done.stderr
    verdict = json.loads(done.stdout)
    assert "shout" in verdict["routes"][0]["rules"]
    assert "shadowdiff-scorer-shout" in done.stderr and "deliberately broken" in done.stderr
