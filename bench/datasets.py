"""The sampled profile on real answers: does the gate pass a service against itself, and stop a changed one?

    python bench/datasets.py [FOLDER]     # default: $SHADOWDIFF_SAMPLES/datasets, or ../shared/datasets

A row a scenario: pairs, share of pairs flagged, share of blue against blue flagged, the gate's verdict at a limit of
5 % with a twin, and after how many pairs it was reached. Limits are learnt from repeats that are not judged.
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from shadowdiff.contracts import TextNoise
from shadowdiff.gate.count import Counter
from shadowdiff.gate.limits import Limits
from shadowdiff.gate.rules import EvidenceGate
from shadowdiff.model.comparison import Comparison, Outcome
from shadowdiff.model.tally import DIVERGENCE, Ledger
from shadowdiff.score.calibrate import learn_texts
from shadowdiff.score.judge import judge

Triple = tuple[str, str, str | None]


def flagged(one: str, two: str, noise: TextNoise | None) -> bool:
    """Whether the judge calls the pair different under the sampled profile."""
    return judge(one, two, "sampled", noise).flag


def row(name: str, triples: Iterable[Triple], noise: TextNoise | None) -> str:
    """One line of the table; triples are (blue, green, twin)."""
    rows = list(triples)
    paired = all(twin is not None for _, _, twin in rows)
    counter = Counter("r/0", Ledger(), paired=paired)
    gate = EvidenceGate(Limits())
    hits = own = 0
    reached = ""
    for number, (blue, green, twin) in enumerate(rows, 1):
        hit = flagged(blue, green, noise)
        hits += hit
        bet = float(hit)
        if twin is not None:
            control = flagged(blue, twin, noise)
            own += control
            bet = (1 + (hit + flagged(twin, green, noise)) / 2 - control) / 2
        counter.opened(f"x{number}", True, "r")
        counter.shard.ledger.sent += 1
        counter.shard.ledger.read += 1
        counter.add(
            Comparison(
                id=f"x{number}", seq=number, route="r", unit=f"x{number}", blue_status=200, green_status=200,
                outcome=Outcome.MISMATCHED if hit else Outcome.MATCHED, bets={DIVERGENCE: bet},
            )
        )  # fmt: skip
        if not reached and number >= 20:
            status = gate.judge(counter.tally).verdict
            reached = f" after {number}" if status in ("pass", "fail") else ""
    counter.tally.complete = True
    verdict = gate.judge(counter.tally).verdict
    n = len(rows)
    against = f"{own / n:.0%}" if paired and n else "-"
    return f"| {name} | {n} | {hits / max(1, n):.0%} | {against} | {verdict}{reached} |"


def stability(folder: Path) -> list[str]:
    """gpt-4o and gpt-3.5 at temperature 0: repeats against repeats, and changed prompts."""
    groups: dict[tuple[str, str, str], list[dict]] = defaultdict(list)
    for line in (folder / "llm_stability_aa_en.jsonl").read_text("utf-8").splitlines():
        item = json.loads(line)
        groups[(item["model"], item["task"], item["variant"])].append(item)
    out, every, taught = [], [], []
    for (model, task, variant), items in groups.items():
        whole = [item["runs"] for item in items if len(item["runs"]) >= 5]
        if len(whole) >= 20:
            control = [(runs[3], runs[4]) for runs in whole]
            triples = [(runs[0], runs[1], runs[2]) for runs in whole]
            noise = learn_texts(control, "sampled")
            out.append(row(f"same model again: {model} {task} {variant}", triples, noise))
            every += triples
            taught += control
    out.append(row("same model again: all of the above", every, learn_texts(taught, "sampled")))
    base = {item["question_id"]: item["runs"] for item in groups[("gpt-4o_OAI", "college_mathematics", "base")]}
    noise = learn_texts([(runs[-2], runs[-1]) for runs in base.values() if len(runs) >= 4], "sampled")
    same = [(runs[0], runs[1], runs[2]) for runs in base.values() if len(runs) >= 4]
    out.append(row("same model again: gpt-4o mathematics", same, noise))
    for (_, task, variant), items in groups.items():
        if variant.startswith("prompt-variant"):
            triples = [
                (base[item["question_id"]][0], item["runs"][0], base[item["question_id"]][1])
                for item in items
                if item["question_id"] in base
            ]
            out.append(row(f"changed prompt: gpt-4o {task} {variant.split()[-1]}", triples, noise))
    return out


def drift(folder: Path) -> list[str]:
    """Real silent upgrades of GPT-4 and GPT-3.5, by task; one answer each, so there is no twin."""
    tasks: dict[str, list[dict]] = defaultdict(list)
    for line in (folder / "llmdrift_en.jsonl").read_text("utf-8").splitlines():
        item = json.loads(line)
        tasks[item["task"]].append(item["answers"])
    out = []
    for task, answers in tasks.items():
        for one, two in (("gpt-4-0314", "gpt-4-0613"), ("gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613")):
            pairs = [(a[one]["text"], a[two]["text"], None) for a in answers if one in a and two in a]
            out.append(row(f"upgrade: {task} {one} to {two}", pairs, None))
    return out


def halluqa(folder: Path) -> list[str]:
    """Chinese: a model against a smaller one, and wordings that people call equally right."""
    items = [json.loads(line) for line in (folder / "halluqa_zh.jsonl").read_text("utf-8").splitlines()]
    out = []
    for one, two in (
        ("gpt-4-0613", "gpt-3.5-turbo-0613"),
        ("qwen-14b-chat", "qwen-7b-chat"),
        ("baichuan2-13b-chat", "baichuan2-7b-chat"),
    ):
        pairs = [
            (item["answers"][one]["text"], item["answers"][two]["text"], None)
            for item in items
            if one in item["answers"] and two in item["answers"]
        ]
        if pairs:
            out.append(row(f"downgrade: halluqa {one} to {two}", pairs, None))
    both = [
        (item["answers"]["gpt-4-0613"]["text"], item["answers"]["gpt-3.5-turbo-0613"]["text"], None)
        for item in items
        if not any(
            item["answers"].get(m, {"hallucinated": True})["hallucinated"]
            for m in ("gpt-4-0613", "gpt-3.5-turbo-0613")
        )
    ]
    out.append(row("two models, both right (halluqa)", both, None))
    return out


def main() -> None:
    """Print the table as Markdown."""
    given = sys.argv[1] if len(sys.argv) > 1 else f"{os.environ.get('SHADOWDIFF_SAMPLES', '../shared')}/datasets"
    folder = Path(given)
    print("| scenario | pairs | flagged | blue against itself | gate at 5 % |\n|---|---|---|---|---|")
    for line in (*stability(folder), *drift(folder), *halluqa(folder)):
        print(line)


if __name__ == "__main__":
    main()
