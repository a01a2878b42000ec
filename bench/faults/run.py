"""Judge the planted faults: ours, the plain rule, and peers that are installed.

    python -m bench.faults.run [--seed 7] [--each 2] [--traffic-diff PYTHON]
    pip install deepdiff jsondiff      # optional: two more peers for JSON; traffic-diff: see peers.py

Prints precision, recall, false alarms and AUC a judge, recall a fault class, false alarms a harmless change, and µs a
pair. The faults are ours as are the rules: read the comparison between judges, not the height of ours.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.faults.bodies import bodies, controls
from bench.faults.corpus import answers
from bench.faults.peers import Judge, difflib_ratio, exact, json_peer, plain_rule, rapidfuzz_ratio, traffic_diff
from bench.faults.plant import BENIGN, FAULTS
from shadowdiff.config import load
from shadowdiff.run.compare import Comparer, Row


def pairs(seed: int, each: int) -> list[dict]:
    """Every pair, with what was done to it."""
    rng = random.Random(seed)
    written = [*answers("en"), *answers("zh")]
    made: list[dict] = []
    for plants, bad in ((FAULTS, True), (BENIGN, False)):
        for fault, plant in plants.items():
            for lang in ("en", "zh"):
                chosen = rng.sample([a for a in written if a.lang == lang], 12 * each)
                for answer in chosen:
                    green = plant(answer, written, rng)
                    if green is not None and (green != answer.text or fault == "identical"):
                        made.append(
                            {
                                "kind": "text",
                                "lang": lang,
                                "fault": fault,
                                "bad": bad,
                                "blue": answer.text,
                                "green": green,
                            }
                        )
    for kind, endpoint, fault, blue, green, bad in bodies(written, rng):
        made.append(
            {"kind": kind, "lang": "-", "fault": f"{kind}: {fault}", "bad": bad, "blue": blue, "green": green,
             "endpoint": endpoint}
        )  # fmt: skip
    return [{"id": n, **one} for n, one in enumerate(made)]


def ours() -> Judge:
    """shadowdiff compare; with ten control pairs an endpoint whose answers have fresh fields, as `--control` gives them."""
    comparer = Comparer(load(None, {}, {}))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "control.jsonl"
        lines = [
            {
                "id": n,
                "kind": "text" if endpoint == "footer" else "json",
                "endpoint": endpoint,
                "blue": blue,
                "green": green,
            }
            for n, (endpoint, blue, green) in enumerate(controls(random.Random(1)))
        ]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        comparer.learn(path)

    def judge(pair: dict) -> tuple[bool, float]:
        row = Row(
            id=pair["id"],
            kind=pair["kind"],
            endpoint=pair.get("endpoint", ""),
            blue=pair["blue"],
            green=pair["green"],
        )
        line = comparer.judge(row)
        pair["us"] = line["us"]
        return line["flag"], line["score"]

    return judge


def auc(good: list[float], bad: list[float]) -> float:
    """The chance that a faulty pair scores above a harmless one."""
    wins = sum((b > g) + 0.5 * (b == g) for b in bad for g in good)
    return wins / max(1, len(good) * len(bad))


def main() -> None:
    """Print the tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--each", type=int, default=2)
    parser.add_argument("--traffic-diff", metavar="PYTHON", help="interpreter of the environment that has it")
    given = parser.parse_args()
    made = pairs(given.seed, given.each)
    judges: dict[str, tuple[Judge, str]] = {"shadowdiff": (ours(), ""), "plain rule": (plain_rule, ""), "difflib < 0.95": (difflib_ratio, ""),
                                            "rapidfuzz < 95": (rapidfuzz_ratio, ""), "any byte": (exact, "")}  # fmt: skip
    for name in ("deepdiff", "jsondiff"):
        peer = json_peer(name)
        if peer is not None:
            judges[name] = (peer, "json")
    if given.traffic_diff:
        judges["traffic-diff"] = (traffic_diff(given.traffic_diff), "")
    print(f"{len(made)} pairs: {sum(p['bad'] for p in made)} faults, {sum(not p['bad'] for p in made)} harmless\n")
    print(
        "| judge | on | precision | recall | F1 | false alarms | AUC | µs p50 | p95 |\n|---|---|---|---|---|---|---|---|---|"
    )
    flags: dict[str, dict[int, bool]] = {}
    for name, (judge, only) in judges.items():
        for kind in ("text", "json", "html"):
            if only and kind != only:
                continue
            mine = [p for p in made if p["kind"] == kind]
            found, scores, spent = {}, {}, []
            for pair in mine:
                begun = time.perf_counter()
                found[pair["id"]], scores[pair["id"]] = judge(pair)
                spent.append(pair.pop("us", (time.perf_counter() - begun) * 1e6))
            flags.setdefault(name, {}).update(found)
            tp = sum(found[p["id"]] for p in mine if p["bad"])
            fp = sum(found[p["id"]] for p in mine if not p["bad"])
            bad, good = sum(p["bad"] for p in mine), sum(not p["bad"] for p in mine)
            precision, recall = tp / max(1, tp + fp), tp / max(1, bad)
            f1 = 2 * precision * recall / max(1e-9, precision + recall)
            area = auc([scores[p["id"]] for p in mine if not p["bad"]], [scores[p["id"]] for p in mine if p["bad"]])
            spent.sort()
            print(f"| {name} | {kind} | {precision:.3f} | {recall:.3f} | {f1:.3f} | {fp / max(1, good):.3f} | {area:.3f} "
                  f"| {spent[len(spent) // 2]:.0f} | {spent[int(len(spent) * 0.95)]:.0f} |")  # fmt: skip
    columns = ("shadowdiff", "plain rule", "rapidfuzz < 95")
    for title, bad in (("fault, share found", True), ("harmless change, share flagged", False)):
        print(f"\n| {title} | n | {' | '.join(columns)} |\n|---|---|{'---|' * len(columns)}")
        classes: dict[str, list[dict]] = defaultdict(list)
        for pair in made:
            if pair["bad"] is bad:
                classes[f"{pair['fault']} {pair['lang'] if pair['lang'] != '-' else ''}".strip()].append(pair)
        for name, members in classes.items():
            shares = [f"{sum(flags[column][p['id']] for p in members) / len(members):.2f}" for column in columns]
            print(f"| {name} | {len(members)} | {' | '.join(shares)} |")


if __name__ == "__main__":
    main()
