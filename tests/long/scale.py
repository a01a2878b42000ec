"""How long the long tests are: SHADOWDIFF_SCALE=short (CI, the default) or full (`make long`)."""

from __future__ import annotations

import os


def scale(short: int, full: int) -> int:
    return full if os.environ.get("SHADOWDIFF_SCALE") == "full" else short
