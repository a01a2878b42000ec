"""Versions of the flow, each served by lfx on a port of its own, until SIGTERM.

python -m stories.langflow.up work 8201=v1 8202=v2
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

from stories.langflow.users import KEY, call
from stories.services import LOCAL, ROOT, Services, product

HERE = ROOT / "stories" / "langflow"
ENV = {"LANGFLOW_API_KEY": KEY, "DO_NOT_TRACK": "true", "LFX_TELEMETRY_ENABLED": "false"}


def main() -> None:
    """Start, say so, and stay."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("versions", nargs="+", metavar="PORT=VERSION")
    told = parser.parse_args()
    programs = product("lfx") / "bin"
    with Services(told.folder.resolve()) as services:
        ports = []
        for one in told.versions:
            port, _, version = one.partition("=")
            file = services.folder / version / "assistant.json"
            write = [str(programs / "python"), str(HERE / "flows.py"), version, str(file)]
            subprocess.run(write, check=True, capture_output=True)
            ports.append(port)
            services.start(
                f"lfx-{port}", str(programs / "lfx"), "serve", str(file), "--port", port, "--host", LOCAL,
                "--log-level", "critical", cwd=file.parent, env=ENV,
            )  # fmt: skip
        for port in ports:
            services.until(lambda port=port: bool(call(f"http://{LOCAL}:{port}/flows")), f"lfx-{port}", 150)
        services.stay()


if __name__ == "__main__":
    main()
