"""What judging a pair costs, by class, and how long the event loop is held while large answers are judged.

    python bench/judge_cost.py [--rounds 5]

Wall time of `score.judge.judge` on texts of the corpus in bench/faults: p50 and p95 over pairs, each pair's minimum over the
rounds. The second table runs whole pairs through `run.judging` beside a ticker on the same loop: its worst delay.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.faults.corpus import answers
from bench.faults.plant import FAULTS
from shadowdiff.decode.body import Decoding
from shadowdiff.model.exchange import Exchange, Observation, Pair, Request, Response, Role
from shadowdiff.run.judging import Judging
from shadowdiff.run.scoring import decoders, panel
from shadowdiff.score.forms import form
from shadowdiff.score.judge import judge
from shadowdiff.score.noise import Learner
from shadowdiff.score.text import vocabulary
from shadowdiff.settings import Config

EDITS = ("number", "negation", "name", "unit")
TARGET = {"equal": (2, 2), "one edit": (150, 250), "different": (800, 1100)}
"""µs at p50, English and Chinese."""
SIZE = {"en": 2000, "zh": 700}
"""Characters that make about 2 KB."""


def long_answer(lang: str, size: int, rng: random.Random) -> str:
    """Answers one after another until `size` characters."""
    texts = [answer.text for answer in answers(lang)]
    out = ""
    while len(out) < size:
        out += rng.choice(texts) + "\n\n"
    return out[:size]


def classes(lang: str, rng: random.Random) -> dict[str, list[tuple[str, str]]]:
    """Pairs of about 2 KB by class."""
    written = answers(lang)
    size = SIZE[lang]
    edited = []
    for name in EDITS:
        for answer in rng.sample(written, 10):
            struck = FAULTS[name](answer, written, rng)
            if struck is not None:
                rest = long_answer(lang, size - len(answer.text), rng)
                edited.append((f"{rest}\n\n{answer.text}", f"{rest}\n\n{struck}"))
    return {
        "equal": [(text, str(text)) for text in (long_answer(lang, size, rng) for _ in range(40))],
        "one edit": edited,
        "different": [(long_answer(lang, size, rng), long_answer(lang, size, rng)) for _ in range(40)],
    }


def spent(one: str, two: str, profile: str) -> float:
    """µs for one pair with nothing remembered."""
    form.cache_clear()
    vocabulary.cache_clear()
    begun = time.perf_counter()
    judge(one, two, profile)
    return (time.perf_counter() - begun) * 1e6


def pair_of(number: int, one: str, two: str) -> Pair:
    """A pair as the tee yields it."""
    exchange = Exchange(
        id=str(number), seq=number, request=Request("GET", "/"), route="GET /", unit=str(number), recorded_status=200
    )
    sides = []
    for role, text in ((Role.BLUE, one), (Role.GREEN, two)):
        body = text.encode()
        response = Response(200, (("Content-Type", "text/plain; charset=utf-8"),), body, len(body))
        sides.append(Observation(role=role, response=response))
    return Pair(exchange, *sides)


async def held(pairs: list[Pair]) -> tuple[float, float]:
    """(worst delay of a 1 ms ticker, seconds a pair) while `pairs` are judged, in ms."""
    config = Config()
    judging = Judging(Decoding(decoders(config)), panel(config), Learner())
    await judging.compare(pairs[0])  # the scoring process starts
    worst = 0.0
    done = asyncio.Event()

    async def tick() -> None:
        nonlocal worst
        while not done.is_set():
            begun = time.perf_counter()
            await asyncio.sleep(0.001)
            worst = max(worst, time.perf_counter() - begun - 0.001)

    async with asyncio.TaskGroup() as group:
        group.create_task(tick())
        await asyncio.sleep(0.05)
        worst, begun = 0.0, time.perf_counter()
        for pair in pairs:
            await judging.compare(pair)
        took = time.perf_counter() - begun
        done.set()
    judging.close()
    return worst * 1e3, took / len(pairs) * 1e3


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    rng = random.Random(5)
    print("| class | language | profile | p50 µs | p95 µs | asked (p50) |\n|---|---|---|---|---|---|")
    for column, lang in enumerate(("en", "zh")):
        for name, members in classes(lang, rng).items():
            for profile in ("stable", "sampled"):
                best = sorted(min(spent(*pair, profile) for _ in range(given.rounds)) for pair in members)
                middle, high = best[len(best) // 2], best[int(len(best) * 0.95)]
                print(f"| {name} | {lang} | {profile} | {middle:.1f} | {high:.1f} | {TARGET[name][column]} |")
    print("\n| answers | worst delay of the event loop, ms | ms a pair |\n|---|---|---|")
    for label, size in (("2 KB", 2_000), ("32 KB", 32_000), ("1 MB", 1_000_000)):
        for what in ("one edit", "different"):
            made = []
            for number in range(10):
                one = long_answer("en", size, rng)
                two = one.replace("days", "weeks", 1) if what == "one edit" else long_answer("en", size, rng)
                made.append(pair_of(number, one, two))
            delay, each = asyncio.run(held(made))
            print(f"| {label}, {what} | {delay:.1f} | {each:.1f} |")


if __name__ == "__main__":
    main()
