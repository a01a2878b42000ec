"""The stable release, the canary, the model and the ingress, until SIGTERM.

python -m stories.lobechat.up work --ports 3200 3210 3211 3220 3290
"""

from __future__ import annotations

import argparse
from pathlib import Path

from stories.services import ROOT, Services, listening, needed, nginx_main, product

HERE = ROOT / "stories" / "lobechat"


def ingress(ports: list[int], weight: int) -> str:
    """The ingress with a share of `weight` percent for the canary."""
    share = f"{weight}% canary; " if weight else ""  # nginx refuses 0%
    text = (HERE / "nginx.conf").read_text("utf-8").replace("WEIGHT% canary; ", share)
    for name, port in zip(("INGRESS", "STABLE", "CANARY", "SHADOW"), ports, strict=False):
        text = text.replace(name, str(port))
    return text


def main() -> None:
    """Start, say so, and stay."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ports", type=int, nargs=5, metavar=("INGRESS", "STABLE", "CANARY", "SHADOW", "MODEL"))
    told = parser.parse_args()
    bundle = product("lobechat") / "server.mjs"
    with Services(told.folder.resolve()) as services:
        base = services.model(told.ports[4])
        for port, build in ((told.ports[1], "1.143.3"), (told.ports[2], "1.144.0")):
            server = [needed("node"), str(bundle), "--port", str(port), "--base", base, "--build", build]
            services.start(f"lobechat-{port}", *server, "--faults", str(services.folder / f"faults-{port}"))
            services.until(lambda port=port: listening(port), f"lobechat-{port}")
        main = nginx_main(services.folder, ingress(told.ports, 0))
        services.start("nginx", needed("nginx"), "-c", str(main))
        services.until(lambda: listening(told.ports[0]), "nginx")
        services.stay()


if __name__ == "__main__":
    main()
