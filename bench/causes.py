"""Do pairs with the same planted fault end up in the same cause? Purity and number of causes on labelled pairs.

    python bench/causes.py [DEVSET]      # default: $SHADOWDIFF_SAMPLES/devset

Purity: share of pairs whose cause is mostly of their own fault. Inverse: share of pairs whose fault lies mostly in
their own cause. Faults are planted at random places, so causes are counted whole and by kind of change (places
folded), and as the report shows them.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable
from pathlib import Path

from shadowdiff.config import load
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.report.causes import Causes
from shadowdiff.report.shape import signature
from shadowdiff.run.compare import Comparer, rows

Labelled = tuple[dict[str, str], Comparison]


def labelled(devset: Path) -> list[Labelled]:
    """Every flagged regression with its label."""
    comparer = Comparer(load(None, {}, {}))
    comparer.learn(devset / "control.jsonl")
    labels = {}
    with (devset / "dev.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            labels[row["id"]] = {key: row[key] for key in ("kind", "label", "fault")}
    found = []
    for _, row in rows(devset / "dev.jsonl"):
        comparison = comparer.compare(row)
        if comparison.outcome is Outcome.MISMATCHED and labels[str(row.id)]["label"] == "regression":
            found.append((labels[str(row.id)], comparison))
    return found


def quality(pairs: list[Labelled], name: Callable[[Comparison], Hashable]) -> tuple[float, float, int, int]:
    """(purity, inverse purity, causes, faults)."""
    causes: dict[Hashable, Counter[str]] = defaultdict(Counter)
    faults: dict[str, Counter[Hashable]] = defaultdict(Counter)
    for label, comparison in pairs:
        fault, cause = label["fault"].removeprefix("env_"), name(comparison)
        causes[cause][fault] += 1
        faults[fault][cause] += 1
    pure = sum(max(found.values()) for found in causes.values()) / len(pairs)
    inverse = sum(max(found.values()) for found in faults.values()) / len(pairs)
    return pure, inverse, len(causes), len(faults)


def main() -> None:
    """Print the table as Markdown."""
    given = (
        sys.argv[1]
        if len(sys.argv) > 1
        else os.path.join(os.environ.get("SHADOWDIFF_SAMPLES", "../shared"), "devset")
    )
    pairs = labelled(Path(given))
    print("| answers | pairs | faults | grouped by | causes | purity | inverse |\n|---|---|---|---|---|---|---|")
    ways: dict[str, Callable[[Comparison], Hashable]] = {
        "rule, kind, place": lambda c: signature(c)[0][:3],
        "rule, kind, place, edit": lambda c: signature(c)[0],
        "rule, kind, edit (places folded)": lambda c: (
            signature(c)[0].rule,
            signature(c)[0].kind,
            signature(c)[0].shape,
        ),
    }
    for kind in ("text", "html", "json", ""):
        chosen = [pair for pair in pairs if kind in ("", pair[0]["kind"])]
        for way, name in ways.items():
            pure, inverse, causes, faults = quality(chosen, name)
            print(f"| {kind or 'all'} | {len(chosen)} | {faults} | {way} | {causes} | {pure:.3f} | {inverse:.3f} |")
    counted = Causes()
    for _, comparison in pairs:
        counted.add(comparison)
    print(
        f"\nThe report of all {len(pairs)} pairs lists {len(counted.handful(10_000))} causes ({len(counted.found)} signatures)."
    )


if __name__ == "__main__":
    main()
