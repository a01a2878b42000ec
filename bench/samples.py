"""Every sample file: its format, what was read, what was skipped, and why.

python bench/samples.py [FOLDER]     # default: $SHADOWDIFF_SAMPLES/samples, or ../shared/samples
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

from shadowdiff import plugins
from shadowdiff.capture.build import Builder
from shadowdiff.capture.sniff import sniff
from shadowdiff.errors import SourceError
from shadowdiff.model.tally import Ledger


def row(path: Path, name: str) -> str:
    """One line of the table."""
    ledger = Ledger()
    try:
        kind = sniff(path)
        found = list(plugins.build("sources", kind, path=path, builder=Builder(ledger), post="").stream())
    except SourceError as error:
        return f"| {name} | - | - | - | refused: {str(error).split(': ', 1)[1][:90]} |"
    states = Counter(str(exchange.body_state) for exchange in found)
    held = ", ".join(f"{count} body {state}" for state, count in states.items() if state in ("missing", "truncated"))
    why = "; ".join(
        f"{count} × {reason.removeprefix('unreadable: ')[:70]}" for reason, count in ledger.reasons.items()
    )
    return f"| {name} | {kind} | {len(found)} | {ledger.unreadable} | {'; '.join(filter(None, (why, held)))} |"


def main() -> None:
    """Print the table as Markdown."""
    given = sys.argv[1] if len(sys.argv) > 1 else f"{os.environ.get('SHADOWDIFF_SAMPLES', '../shared')}/samples"
    root = Path(given)
    print("| file | format | read | skipped | reasons |\n|---|---|---|---|---|")
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.suffix != ".md":
            print(row(path, str(path.relative_to(root))))


if __name__ == "__main__":
    main()
