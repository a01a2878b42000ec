"""No input makes a pattern of ours slow: each is tried on strings made of its own pieces, long and three times as long."""

from __future__ import annotations

import importlib
import itertools
import pkgutil
import re
import signal
import string
import time
from collections.abc import Iterator

import pytest

import shadowdiff
from shadowdiff.score.phrases import Phrases
from tests.conftest import ROOT

LONG = 1500
MAX_S = 2.0
MANY = ("search", "finditer", "findall", "sub", "subn", "split")
COMMON = ["a", "A", "0", " ", "\n", '"', "\\", "-", "_", ".", "/", ":", "=", "<", "[", "(", "一"]
ELSEWHERE = {
    # patterns whose input is short by how they are used
    "shadowdiff.capture.jsonstream._NEXT": "asked for one piece of a buffer at a time; an open string ends the asking",
}
SOURCES = {path: path.read_text("utf-8") for path in sorted((ROOT / "shadowdiff").rglob("*.py"))}


def patterns() -> dict[str, re.Pattern]:
    """Every pattern that a module of ours holds, also in tables."""
    found: dict[str, re.Pattern] = {}
    known = set()

    def add(name: str, value: object) -> None:
        if isinstance(value, re.Pattern) and (value.pattern, value.flags) not in known:
            known.add((value.pattern, value.flags))
            found[name] = value
        elif isinstance(value, Phrases):
            add(name, [pattern for _, pattern in value._rules])
        elif isinstance(value, dict):
            add(name, list(value.values()))
        elif isinstance(value, list | tuple):
            for number, one in enumerate(value):
                add(f"{name}[{number}]", one)

    for module in pkgutil.walk_packages(shadowdiff.__path__, "shadowdiff."):
        if not module.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(module.name)).items():
                add(f"{module.name}.{name}", value)
    return found


def pieces(pattern: re.Pattern) -> list[str]:
    """Literal runs and signs of a pattern: what it is hung up on, if anything."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    runs = [run for run in re.findall(r"[\w<!&%@-]{2,12}", text) if not run.isdigit()]
    signs = [sign for sign in dict.fromkeys(text) if sign in string.punctuation or ord(sign) > 127]
    return list(dict.fromkeys([*COMMON, *signs[:20], *runs[:14]]))


def attacks(pattern: re.Pattern, length: int) -> Iterator[tuple[str, str | bytes]]:
    made = pieces(pattern)
    for one, two in itertools.product(made, ["", *made]):
        text = (one + two) * (length // len(one + two))
        yield one + two, text if isinstance(pattern.pattern, str) else text.encode("utf-8")


class Slow(Exception):
    pass


def cost(pattern: re.Pattern, text: str | bytes, anywhere: bool) -> float:
    """Seconds of CPU, at most `MAX_S`."""

    def ring(*_: object) -> None:
        raise Slow

    old = signal.signal(signal.SIGVTALRM, ring)
    begun = time.process_time()
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, MAX_S)
        pattern.match(text)
        pattern.fullmatch(text)
        if anywhere:
            for _ in pattern.finditer(text):
                pass
    except Slow:
        return MAX_S
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, old)
    return time.process_time() - begun


FOUND = patterns()


@pytest.mark.parametrize("name", sorted(FOUND.keys() - ELSEWHERE.keys()))
def test_a_pattern_takes_time_in_proportion_to_its_input(name: str) -> None:
    pattern = FOUND[name]
    module, _, short = name.partition("[")[0].rpartition(".")
    own = ROOT / (module.replace(".", "/") + ".py")
    places = [own] if short.startswith("_") else SOURCES
    called = re.compile(rf"\b{re.escape(short)}\.(?:{'|'.join(MANY)})\b")
    anywhere = "[" in name or any(called.search(SOURCES[place]) for place in places)
    for what, text in attacks(pattern, LONG):
        if cost(pattern, text, anywhere) < 0.001:
            continue
        for _ in range(3):  # a machine that is busy elsewhere may be slow at any one of them
            one, three = (min(cost(pattern, each, anywhere) for _ in range(2)) for each in (text, text * 3))
            if three < 0.01 or three < 5 * one:
                break
        else:
            pytest.fail(f"{what!r} × {len(text)}: {one:.4f} s, three times that: {three:.4f} s")
