"""What a loop with two rules of thumb says of the answers of a finished run: `python rules_of_thumb.py RUN`.

Length (more than 30 % longer or shorter) and keyword (仅供参考 said by blue and not by green): what teams check today.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

LENGTH, KEYWORD = 0.3, "仅供参考"


def flagged(blue: str, green: str) -> str:
    """Which rule flags this pair, if any."""
    if KEYWORD in blue and KEYWORD not in green:
        return "keyword"
    return "length" if abs(len(green) - len(blue)) > LENGTH * len(blue) else ""


if __name__ == "__main__":
    counts: Counter[str] = Counter()
    for text in (Path(sys.argv[1]) / "comparisons.jsonl").open(encoding="utf-8"):
        line = json.loads(text)
        blue, green = ((line.get(side) or {}).get("body", "") for side in ("blue", "green"))
        if (line.get("blue") or {}).get("kind") != "chat":
            continue
        if blue and green:
            counts["answers"] += 1
            counts[f"flagged by {flagged(blue, green)}" if flagged(blue, green) else "let through"] += 1
            counts["of them mismatched for shadowdiff"] += (
                not flagged(blue, green) and line["outcome"] == "mismatched"
            )
    print(", ".join(f"{name} {count}" for name, count in counts.items()))
