"""The stable release, the canary, the model and the ingress, until SIGTERM.

python -m stories.lobechat.up work --ports 3200 3210 3211 3220 3290
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from stories.services import LOCAL, ROOT, Services, listening, needed, product, wait_for_the_end

HERE = ROOT / "stories" / "lobechat"
MAIN = """{1}daemon off; worker_processes 1; pid {0}/nginx.pid; error_log {0}/nginx.err crit;
events {{ worker_connections 2048; }}
http {{ access_log off; client_body_temp_path {0}/t1; proxy_temp_path {0}/t2; fastcgi_temp_path {0}/t3;
uwsgi_temp_path {0}/t4; scgi_temp_path {0}/t5; include {0}/ingress.conf; }}
"""


def ingress(folder: Path, ports: list[int], weight: int) -> None:
    """Write the ingress with a share of `weight` percent for the canary."""
    share = f"{weight}% canary; " if weight else ""  # nginx refuses 0%
    text = (HERE / "nginx.conf").read_text("utf-8").replace("WEIGHT% canary; ", share)
    for name, port in zip(("INGRESS", "STABLE", "CANARY", "SHADOW"), ports, strict=False):
        text = text.replace(name, str(port))
    (folder / "ingress.conf").write_text(text, "utf-8")


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
        (services.folder / "main.conf").write_text(
            MAIN.format(services.folder, "user root; " * (os.geteuid() == 0)), "utf-8"
        )
        ingress(services.folder, told.ports, 0)
        services.start("nginx", needed("nginx"), "-c", str(services.folder / "main.conf"))
        services.until(lambda: listening(told.ports[0]), "nginx")
        (told.folder / "ready").write_text("", "utf-8")
        print(f"ready on {LOCAL}", flush=True)
        wait_for_the_end()


if __name__ == "__main__":
    main()
