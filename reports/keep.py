"""Keep the tape of a finished run of a story, for `make samples`: `python reports/keep.py RUN... NAME`.

Bodies of pairs that matched are left out; several folders are parts of one run. What is kept is what was measured:
reports are written from it anew, by the code of the day.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

TAPES = Path(__file__).resolve().parent / "tapes"
FILES = ("run.json", "state.json")
BODIES = ("request", "blue", "green", "twin")


def slim(line: dict[str, Any]) -> dict[str, Any]:
    """`line` without what a report does not show."""
    if line.get("outcome") in ("matched", "ignored"):
        return {key: value for key, value in line.items() if key not in BODIES}
    return line


def keep(runs: list[Path], name: str) -> None:
    """Write the tape of `runs` under `name`."""
    parts = []
    for run in runs:
        lines = (run / "comparisons.jsonl").read_text("utf-8").splitlines()
        kept = [slim(json.loads(line)) for line in lines]
        parts.append({"comparisons": kept} | {file: json.loads((run / file).read_text("utf-8")) for file in FILES})
    TAPES.mkdir(exist_ok=True)
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    (TAPES / f"{name}.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def unpack(name: str, folder: Path) -> list[Path]:
    """The run folders of a kept tape, written below `folder`."""
    found = []
    for number, part in enumerate(json.loads(gzip.decompress((TAPES / f"{name}.json.gz").read_bytes()))):
        run = folder / name / str(number)
        run.mkdir(parents=True)
        lines = [json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in part["comparisons"]]
        (run / "comparisons.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
        for file in FILES:
            (run / file).write_text(json.dumps(part[file], ensure_ascii=False), "utf-8")
        found.append(run)
    return found


if __name__ == "__main__":
    keep([Path(one) for one in sys.argv[1:-1]], sys.argv[-1])
