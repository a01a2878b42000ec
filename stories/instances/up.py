"""Redis, three instances of blue, three of green, and the balancers, until SIGTERM.

    python -m stories.instances.up work --first 9400 --green 2
Ports from --first: balancers of blue and green, sidecars 1 to 3, blue 1 to 3, green 1 to 3, Redis.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from stories.instances.chat import RELEASES
from stories.services import ROOT, Services, listening, needed, nginx_main

NAMES = (
    "INBLUE",
    "INGREEN",
    "SIDE1",
    "SIDE2",
    "SIDE3",
    "BLUE1",
    "BLUE2",
    "BLUE3",
    "GREEN1",
    "GREEN2",
    "GREEN3",
    "REDIS",
)


def main() -> None:
    """Start, say so, and stay."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--green", choices=RELEASES, required=True)
    told = parser.parse_args()
    ports = {name: told.first + number for number, name in enumerate(NAMES)}
    with Services(told.folder.resolve()) as services:
        services.redis(ports["REDIS"])
        for name in NAMES[5:11]:
            release = "1" if name.startswith("BLUE") else told.green
            chat = (sys.executable, "-m", "stories.instances.chat", "--port", str(ports[name]), "--release", release)
            services.start(name.lower(), *chat, "--redis", str(ports["REDIS"]), cwd=ROOT)
            services.until(lambda name=name: listening(ports[name]), name.lower())
        text = (ROOT / "stories" / "instances" / "nginx.conf").read_text("utf-8")
        for name in NAMES:
            text = text.replace(f":{name};", f":{ports[name]};")
        services.start("nginx", needed("nginx"), "-c", str(nginx_main(services.folder, text)))
        services.until(lambda: listening(ports["INGREEN"]), "nginx")
        services.stay()


if __name__ == "__main__":
    main()
