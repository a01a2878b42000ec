"""What the stories need: their products (`make stories`), and a cluster that behaves like one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.act.test_rollouts import kubeconfig
from tests.conftest import ROOT
from tests.servers.kube import Kube, kubernetes


@pytest.fixture
def needs() -> Callable[..., None]:
    """Skip, saying so, where a product or a program is not here."""

    def look(*names: str) -> None:
        for name in names:
            if shutil.which(name) is None and not (ROOT / ".venv" / name / "made").exists():
                pytest.skip(f"{name} is not here: make stories, apt-get install redis-server postgresql nginx-light")

    return look


@pytest.fixture
def kube() -> Iterator[Kube]:
    with kubernetes() as made:
        yield made


@pytest.fixture
def kubeconfig_of(kube: Kube, tmp_path: Path) -> str:
    folder = tmp_path / "kube"
    folder.mkdir()
    return kubeconfig(folder, kube.url, token="t0ken")
