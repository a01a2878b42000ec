"""The same sentences in every language, and every one of them on one line."""

from __future__ import annotations

import inspect
import re
from types import FunctionType

import pytest

from shadowdiff.gate import say
from shadowdiff.gate.criteria import Reading
from shadowdiff.gate.limits import SWITCHES, Limits
from shadowdiff.gate.rules import EvidenceGate
from shadowdiff.gate.words import LANGUAGES, words
from tests.gate.test_criteria import tally


def functions(module: object) -> dict[str, str]:
    own = {
        name: one for name, one in vars(module).items() if isinstance(one, FunctionType) and not name.startswith("_")
    }
    return {name: str(inspect.signature(one)) for name, one in own.items() if one.__module__ == module.__name__}  # type: ignore[attr-defined]


@pytest.mark.parametrize("lang", sorted(LANGUAGES))
def test_every_language_says_everything(lang: str) -> None:
    assert functions(words(lang)) == functions(say)
    for name in SWITCHES:
        said = words(lang).criterion_fail(Reading(name, 0.02, 500, 0.1, 0.05, 0.2, 5.0, -1.0))
        assert "\n" not in said and "2%" in said and "{" not in said


def test_a_verdict_in_chinese_has_chinese_sentences() -> None:
    for routes in (
        {"GET /": (40, 200)},
        {"GET /": (0, 200)},
        {"GET /": (1, 30)},
        {"GET /a": (0, 900), "GET /b": (30, 30)},
        {},
    ):
        verdict = EvidenceGate(Limits(lang="zh")).judge(tally(routes))
        for text in (verdict.reason, verdict.explanation, *verdict.notes):
            plain = re.sub(r"GET /\w*|blue|green|--[\w-]+|gate\.\w+|shadowdiff \w+|token|alpha", "", text)
            assert not re.search(r"[A-Za-z]{3,}", plain), text
            assert not text or re.search("[\u4e00-\u9fff]", text)


def test_the_story_of_a_stop_says_why_and_what_cannot_be_said() -> None:
    verdict = EvidenceGate(Limits()).judge(tally({"GET /": (9, 37)}))
    for part in ("You allow 5%", "Of 37, 24.3% differed", "started with 1 coin", "reach 100", "cannot say"):
        assert part in verdict.explanation, verdict.explanation
