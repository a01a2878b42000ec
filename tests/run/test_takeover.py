"""A second start on the same folder: what may have changed since, and what makes it another service."""

from __future__ import annotations

from pathlib import Path

import pytest

from shadowdiff.config import load
from shadowdiff.run.reload import change_of
from shadowdiff.run.takeover import rules_hash, same_service
from shadowdiff.settings import Config

BASE = '[targets]\nblue = "http://b"\ngreen = "http://g"\n'


def config(folder: Path, text: str = "") -> Config:
    file = folder / "shadowdiff.toml"
    file.write_text(BASE + text)
    return load(file, {}, {})


@pytest.mark.parametrize(
    "text",
    [
        '[[actions]]\nuse = "exec"\non = ["fail"]\ncommand = ["true"]\n',
        "[score]\nignore = ['/id']\n",
        "[gate]\nmax_divergence = '2%'\n",
        "[capture]\ndeny = ['/admin']\n",
        "[send]\nrate = '5/s'\n",
    ],
)
def test_what_a_reload_takes_a_restart_takes_too(tmp_path: Path, text: str) -> None:
    old, new = config(tmp_path), config(tmp_path, text)
    assert change_of(old, new).keys
    assert same_service(old) == same_service(new)


@pytest.mark.parametrize(
    "text",
    [
        "[gate]\nunit = 'request'\n",
        "[sessions]\nby = 'query:sid'\n",
        "[[rewrite]]\ntarget = 'green'\npath_prefix = '/v1'\n",
        "[timeouts]\ntotal = '3s'\n",
    ],
)
def test_what_decides_what_is_sent_makes_another_service(tmp_path: Path, text: str) -> None:
    assert same_service(config(tmp_path)) != same_service(config(tmp_path, text))


def test_other_targets_are_the_same_service_only_where_they_may_be_reloaded(tmp_path: Path) -> None:
    def of(green: str, more: str) -> str:
        (tmp_path / "shadowdiff.toml").write_text(BASE.replace("http://g", green) + more)
        return same_service(load(tmp_path / "shadowdiff.toml", {}, {}))

    allowed = "[service]\nreload_targets = true\n"
    assert of("http://g", "") != of("http://h", "")
    assert of("http://g", allowed) == of("http://h", allowed)


def test_limits_read_the_same_evidence_and_scoring_does_not(tmp_path: Path) -> None:
    base = rules_hash(config(tmp_path))
    assert rules_hash(config(tmp_path, "[gate]\nmax_divergence = '2%'\n")) == base
    assert rules_hash(config(tmp_path, "[score]\nignore = ['/id']\n")) != base
