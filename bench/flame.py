"""Write docs/explanation/flame.svg: where the time of a replay goes. `pip install py-spy; python bench/flame.py [PAIRS]`.

py-spy samples the whole process 500 times a second while it replays against two nginx servers.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.pair_cost import SERVER, capture
from tests.servers.nginx import nginx

ROOT = Path(__file__).resolve().parent.parent
SVG = ROOT / "docs" / "explanation" / "flame.svg"


def main() -> None:
    """Record it."""
    spy = shutil.which("py-spy") or str(Path(sys.executable).with_name("py-spy"))
    with nginx(SERVER) as blue, nginx(SERVER) as green, tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        capture(log, int(sys.argv[1]) if len(sys.argv) > 1 else 60_000)
        subprocess.run(
            [spy, "record", "-r", "500", "-F", "-f", "flamegraph", "-o", str(SVG),
             "--", sys.executable, "-m", "shadowdiff", "replay", str(log), "--blue", f"http://127.0.0.1:{blue}", "--green",
             f"http://127.0.0.1:{green}", "--max-in-flight", "64", "--stop-on", "none", "--no-control", "-q", "-o",
             str(Path(folder) / "run")], check=True,
        )  # fmt: skip
    clean(SVG)


def clean(path: Path) -> None:
    """A picture that stands for itself: no script, and no path of the machine it was made on."""
    text = re.sub(r"<script.*?</script>", "", path.read_text("utf-8"), flags=re.DOTALL)
    text = re.sub(r'(<text id="title"[^>]*>).*?(</text>)', r"\1shadowdiff replay, wall time by stack\2", text)
    for name in ("search", "matched", "unzoom", "details"):
        text = re.sub(rf'<text id="{name}".*?</text>', "", text, flags=re.DOTALL)
    path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
