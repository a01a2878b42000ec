"""A changed number in 30 % of resampled answers: seen by no pair, found in aggregate?

    python bench/aggregate.py [FOLDER] [--rounds 20]      # default: $SHADOWDIFF_SAMPLES/datasets, or ../shared/datasets

Blue, twin and green are three runs of the same model on the same question (llm_stability); in a share of the greens one
fault is planted. The last columns: the pairs until a signal's mean excess is above 0 with 99 % confidence, looked at after
every pair (median over rounds; the order is shuffled and the questions repeat), and in how many rounds.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import re
import statistics
from collections import defaultdict
from pathlib import Path

from shadowdiff.gate.evidence import Evidence, bin_of
from shadowdiff.score.judge import judge
from shadowdiff.score.signals import SIGNALS, distances

ALPHA = 0.01
EVERY = 10
MOST = 2000


def number(text: str, rng: random.Random) -> str:
    """One number another."""
    found = list(re.finditer(r"\d+", text))
    if not found:
        return text
    match = rng.choice(found)
    return f"{text[: match.start()]}{int(match[0]) + rng.randint(3, 90)}{text[match.end() :]}"


def negation(text: str, rng: random.Random) -> str:
    """One verb negated."""
    return re.sub(r"\b(is|are|can|will|does)\b", r"\1 not", text, count=1)


def cut(text: str, rng: random.Random) -> str:
    """The last fifth gone."""
    return text[: int(len(text) * 0.8)]


PLANTS = {"nothing": lambda text, rng: text, "number": number, "negation": negation, "last fifth cut": cut}


def triples(folder: Path) -> list[tuple[str, str, str]]:
    """Three runs of a model on a question whose answers vary."""
    out = []
    for line in (folder / "llm_stability_aa_en.jsonl").read_text("utf-8").splitlines():
        runs = json.loads(line)["runs"]
        if len(runs) >= 3 and len(set(runs[:3])) == 3:
            out.append(tuple(runs[:3]))
    return out


def moved(blue: str, twin: str, green: str) -> dict[str, float]:
    """The excess of every signal."""
    first, second, own = distances(blue, green), distances(twin, green), distances(blue, twin)
    return {name: (first[name] + second[name]) / 2 - own[name] for name in SIGNALS}


def main() -> None:
    """Print a row a fault and share."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=f"{os.environ.get('SHADOWDIFF_SAMPLES', '../shared')}/datasets")
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    made = triples(Path(given.folder))
    print(f"{len(made)} triples of answers that all differ\n")
    print(
        "| planted | share of greens | pairs flagged | own noise | found by | pairs (median) | rounds |\n|---|---|---|---|---|---|---|"
    )
    for name, plant in PLANTS.items():
        for share in (0.0,) if name == "nothing" else (1.0, 0.3, 0.1):
            _row(name, plant, share, made, given.rounds)


def _row(name: str, plant, share: float, made: list, rounds: int) -> None:
    reached: dict[str, list[int]] = defaultdict(list)
    flagged = own = judged = 0
    for number in range(rounds):
        rng = random.Random(number)
        bins: dict[str, dict[int, int]] = {signal: defaultdict(int) for signal in SIGNALS}
        open_ = set(SIGNALS)
        for n in range(MOST):
            roles = list(made[rng.randrange(len(made))])
            rng.shuffle(roles)
            blue, twin, green = roles
            if rng.random() < share:
                green = plant(green, rng)
            if number == 0 and n < 300:
                judged += 1
                flagged += judge(blue, green, "sampled").flag
                own += judge(blue, twin, "sampled").flag
            for signal, far in moved(blue, twin, green).items():
                bins[signal][bin_of((1 + far) / 2)] += 1
            if (n + 1) % EVERY == 0:
                for signal in list(open_):
                    if Evidence(bins[signal]).log_fail(0.5) >= -math.log(ALPHA / len(SIGNALS)):
                        reached[signal].append(n + 1)
                        open_.discard(signal)
            if not open_:
                break
    best = sorted(reached, key=lambda s: (-len(reached[s]), statistics.median(reached[s])))[:2]
    shown = "; ".join(best) or "no signal"
    pairs = "; ".join(f"{statistics.median(reached[s]):.0f}" for s in best) or "-"
    times = "; ".join(f"{len(reached[s])} of {rounds}" for s in best) or f"0 of {rounds}"
    print(
        f"| {name} | {share:.0%} | {flagged / judged:.0%} | {own / judged:.0%} | {shown} | {pairs} | {times} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
