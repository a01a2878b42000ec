"""What the stories need: their products (`make stories`)."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from tests.conftest import ROOT


@pytest.fixture
def needs() -> Callable[..., None]:
    """Skip, saying so, where a product or a program is not here."""

    def look(*names: str) -> None:
        for name in names:
            if shutil.which(name) is None and not (ROOT / ".venv" / name / "made").exists():
                pytest.skip(f"{name} is not here: make stories, apt-get install redis-server postgresql nginx-light")

    return look
