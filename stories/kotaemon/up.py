"""Everything of the Kotaemon stories on this machine, until SIGTERM: stores, model, and a release a port.

python -m stories.kotaemon.up work 7860=0.10.0 7861=0.11.0 7862=0.11.0-rc1
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

from stories.services import LOCAL, ROOT, Services, answers, listening, product

HERE = ROOT / "stories" / "kotaemon"
QUIET = {"GRADIO_ANALYTICS_ENABLED": "False", "ANONYMIZED_TELEMETRY": "False", "HF_HUB_OFFLINE": "1"}


def up(services: Services, first: int, releases: dict[int, str]) -> None:
    """Start it all; ports of the stores and the model count up from `first`."""
    programs = product("kotaemon") / "bin"
    services.redis(first)
    postgres = services.postgres(first + 1)
    services.start(
        "chroma", str(programs / "chroma"), "run", "--host", LOCAL, "--port", str(first + 2),
        "--path", str(services.folder / "chroma"), env=QUIET,
    )  # fmt: skip
    services.until(lambda: listening(first + 2), "chroma")
    model = services.model(first + 3)
    stores = ("--redis", str(first), "--postgres", postgres, "--chroma", str(first + 2), "--model", model)
    fill = [str(programs / "python"), str(HERE / "fill.py"), "--postgres", postgres, "--chroma", str(first + 2)]
    subprocess.run([*fill, "--model", model], check=True)
    for port, release in releases.items():
        app = (str(programs / "python"), str(HERE / "app.py"), "--release", release, "--port", str(port))
        services.start(f"kotaemon-{port}", *app, *stores, env=QUIET)
    for port in releases:
        services.until(lambda port=port: answers(f"http://{LOCAL}:{port}/config"), f"kotaemon-{port}")


def main() -> None:
    """Start, say so, and stay."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("releases", nargs="+", metavar="PORT=RELEASE")
    parser.add_argument("--first", type=int, default=7900, help="port of Redis; the next three serve the others")
    told = parser.parse_args()
    with Services(told.folder.resolve()) as services:
        up(services, told.first, {int(one.split("=")[0]): one.split("=")[1] for one in told.releases})
        services.stay()


if __name__ == "__main__":
    main()
