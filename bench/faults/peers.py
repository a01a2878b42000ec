"""What people use today to tell two answers apart, each as a judge of one pair: (flagged, score).

`deepdiff`, `jsondiff` and `traffic-diff` run where they are installed. traffic-diff's import package is called
shadowdiff too, so it lives in an environment of its own, named by its interpreter:

    python -m venv /tmp/td && /tmp/td/bin/pip install traffic-diff
    python -m bench.faults.run --traffic-diff /tmp/td/bin/python
"""

from __future__ import annotations

import difflib
import importlib.util
import json
import subprocess
from collections.abc import Callable

from rapidfuzz import fuzz

Judge = Callable[[dict], tuple[bool, float]]

_TRAFFIC_DIFF = """
import json, sys, time
from shadowdiff.config import Config
from shadowdiff.diff import compare
config = Config(ignore_values=("uuid", "iso_timestamp"))
for line in sys.stdin:
    blue, green = (text.encode("utf-8", "surrogatepass") for text in json.loads(line))
    begun = time.perf_counter()
    found = compare(200, blue, 200, green, config)
    print(json.dumps([len(found), (time.perf_counter() - begun) * 1e6]), flush=True)
"""


def plain_rule(pair: dict) -> tuple[bool, float]:
    """The shell loop's rule: length changed by over 30 %, or one of blue's five longest words is gone."""
    a, b = pair["blue"], pair["green"]
    change = abs(len(a) - len(b)) / max(len(a), len(b), 1)
    words = sorted(set(a.split()), key=len, reverse=True)[:5]
    return change > 0.3 or any(word not in b for word in words), change


def difflib_ratio(pair: dict) -> tuple[bool, float]:
    """difflib under 0.95."""
    ratio = difflib.SequenceMatcher(None, pair["blue"], pair["green"], autojunk=False).ratio()
    return ratio < 0.95, 1 - ratio


def rapidfuzz_ratio(pair: dict) -> tuple[bool, float]:
    """rapidfuzz under 95."""
    ratio = fuzz.ratio(pair["blue"], pair["green"])
    return ratio < 95, 1 - ratio / 100


def exact(pair: dict) -> tuple[bool, float]:
    """Any byte."""
    return pair["blue"] != pair["green"], float(pair["blue"] != pair["green"])


def json_peer(name: str) -> Judge | None:
    """deepdiff or jsondiff where installed; they judge JSON only."""
    if importlib.util.find_spec(name) is None:
        return None
    module = importlib.import_module(name)

    def judge(pair: dict) -> tuple[bool, float]:
        try:
            one, two = json.loads(pair["blue"]), json.loads(pair["green"])
        except ValueError:
            return True, 1.0
        found = module.DeepDiff(one, two, ignore_order=True) if name == "deepdiff" else module.diff(one, two)
        return bool(found), float(bool(found))

    return judge


def traffic_diff(python: str) -> Judge:
    """traffic-diff told to ignore ids and times by their shape, in the environment of `python`; it times itself."""
    peer = subprocess.Popen(
        [python, "-I", "-c", _TRAFFIC_DIFF], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )

    def judge(pair: dict) -> tuple[bool, float]:
        peer.stdin.write(json.dumps([pair["blue"], pair["green"]]) + "\n")
        answer = peer.stdout.readline()
        if not answer:
            raise SystemExit(f"{python}: no traffic-diff there; pip install traffic-diff in that environment")
        found, pair["us"] = json.loads(answer)
        return bool(found), 1 - 1 / (1 + found)

    return judge
