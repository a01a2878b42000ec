"""CPU per pair by what the answers are: `python bench/answers.py [--pairs 4000] [--rounds 3] [--only JSON]`.

JSON of 1 KB to 1 MB (of large ones fewer pairs, never under 40), chat answers in Chinese and English, and streamed ones; equal, with one edit, and different.
Whole replays against two nginx servers, start-up subtracted; one process, 64 in flight, every result written.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.faults.corpus import answers
from bench.pair_cost import cpu
from shadowdiff.demo.corpus import Reply, chunks, completion
from tests.servers.nginx import nginx

SIZES = {
    "JSON 1 KB": 7,
    "JSON 4 KB": 32,
    "JSON 11 KB": 105,
    "JSON 32 KB": 260,
    "JSON 256 KB": 2_450,
    "JSON 1 MB": 9_700,
}
SMALL = 32 << 10
"""Bytes of an answer up to which a case has all its pairs."""
HOWS = ("equal", "one edit", "different")


def tree(items: int, how: str) -> bytes:
    """A JSON answer; an edit changes one price, different ones have other articles."""
    rng = random.Random(5 if how == "different" else 3)
    made = [
        {"id": k, "sku": f"SKU-{rng.randrange(10**5):05d}", "name": f"article {rng.randrange(999)}", "tags": ["a", "b"],
         "price": round(rng.uniform(1, 99), 2), "stock": rng.randrange(60)} for k in range(items)
    ]  # fmt: skip
    if how == "one edit":
        made[items // 2]["price"] = 1234.5
    return json.dumps({"items": made, "total": items}).encode()


def said(lang: str, how: str) -> Reply:
    """A chat answer of some 600 characters; an edit changes one number."""
    texts = [one.text for one in answers(lang)]
    text = "\n\n".join(texts[7:10] if how == "different" else texts[:3])
    if how == "one edit":
        text = text.replace("24", "42", 1)
    return Reply(text, "plain", "handbook", lang)


def cases() -> dict[str, tuple[str, Callable[[str], bytes]]]:
    """By name, the content type and what an answer is."""
    made: dict[str, tuple[str, Callable[[str], bytes]]] = {
        name: ("application/json", lambda how, items=items: tree(items, how)) for name, items in SIZES.items()
    }
    for lang in ("en", "zh"):
        made[f"chat {lang}"] = (
            "application/json", lambda how, lang=lang: json.dumps(completion(said(lang, how), "m", "n", 1)).encode()
        )  # fmt: skip
        made[f"stream {lang}"] = (
            "text/event-stream",
            lambda how, lang=lang: "".join(chunks(said(lang, how), "m", "n", 1, "stop", random.Random(1))).encode(),
        )
    return made


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        known = cases()
        locations = ""
        for number, (kind, body) in enumerate(known.values()):
            for how in HOWS:
                file = folder / f"{number}-{how.replace(' ', '-')}"
                file.write_bytes(body(how))
                file.chmod(0o644)
            locations += f"location /{number}- {{ root {folder}; default_type {kind}; }} "
        server = f"server {{ listen 127.0.0.1:{{port}} backlog=4096; {locations} }}"
        costs: dict[tuple[str, str], list[float]] = {}
        with nginx(server) as blue, nginx(server) as green:

            def replay(number: int, how: str, count: int) -> float:
                log = folder / "log.jsonl"
                ask = {"v": 1, "target": f"/{number}-equal", "headers": [["Accept", "*/*"]]}
                log.write_text("".join(json.dumps({**ask, "id": f"r{n}"}) + "\n" for n in range(count)))
                config = folder / "c.toml"
                other = f"/{number}-{how.replace(' ', '-')}"
                config.write_text(
                    f'[[rewrite]]\ntarget = "green"\nreplace_prefix = {{ "/{number}-equal" = "{other}" }}\n'
                )
                seconds, _ = cpu(
                    [sys.executable, "-m", "shadowdiff", "replay", str(log), "-c", str(config), "--blue",
                     f"http://127.0.0.1:{blue}", "--green", f"http://127.0.0.1:{green}", "--max-in-flight", "64", "--stop-on",
                     "none", "--no-control", "-q", "-o", str(folder / "run")], ends=(0, 1, 3),
                )  # fmt: skip
                return seconds

            for _ in range(given.rounds):
                for number, (name, (_, body)) in enumerate(known.items()):
                    pairs = max(40, min(given.pairs, given.pairs * SMALL // len(body("equal"))))
                    for how in HOWS if given.only in name else ():
                        start = replay(number, how, 1)
                        spent = replay(number, how, pairs) - start
                        costs.setdefault((name, how), []).append(1e6 * spent / (pairs - 1))
    print(
        f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    print(
        f"{given.pairs} pairs a case, {given.rounds} rounds; µs of CPU per pair, min / median, start-up subtracted\n"
    )
    print(f"| answers | bytes | {' | '.join(HOWS)} |\n|---|---|---|---|---|")
    for name, (_, body) in known.items():
        if (name, "equal") not in costs:
            continue
        shown = [f"{min(costs[name, how]):.0f} / {statistics.median(costs[name, how]):.0f}" for how in HOWS]
        print(f"| {name} | {len(body('equal')):,} | {' | '.join(shown)} |")


if __name__ == "__main__":
    main()
