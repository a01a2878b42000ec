"""The page: self-contained, strict policy, everything escaped, bounded."""

from __future__ import annotations

import base64
import hashlib
import re

import orjson
import pytest

from shadowdiff.model.comparison import Finding, Outcome, Score
from shadowdiff.model.verdict import Divergence, RouteResult, Status, Verdict
from shadowdiff.report.html.page import page
from shadowdiff.report.material import Material
from shadowdiff.testing import comparison_of, pair_of

HOSTILE = [
    "<script>alert(1)</script>", "</pre><img src=x onerror=alert(1)>", "{{ 7*7 }}{% raw %}", "javascript:alert(1)",
    "\x1b]8;;http://evil\x07", "]]><svg onload=alert(1)>", "&lt;script&gt;", "' onmouseover='x", "\u202eexe.gpj", "</style><script>x",
]  # fmt: skip


def verdict(**more) -> Verdict:
    made = {
        "verdict": Status.FAIL, "reason": "green differs in 9% of 300 requests", "exit_code": 1, "fidelity": 1.0,
        "ledger": {"read": 300, "sent": 300, "matched": 273, "mismatched": 27},
        "divergence": Divergence(n=300, mismatched=27, rate=0.09, low=0.06, high=0.13),
        "routes": (RouteResult("GET /a", 300, 27, 0, 0, 0.09, 0.06, 0.13, ("structure",), "x1", 1.0, 2.0),),
    } | more  # fmt: skip
    return Verdict(**made)


def examples(texts: list[str]) -> Material:
    found = Material()
    for number, text in enumerate(texts):
        finding = Finding(f"/{text}", "value", blue=text, green=text[::-1])
        made = comparison_of(
            Outcome.MISMATCHED, number, id=f"x{number}{text}", route=f"GET /{number}{text}", rules=("structure",),
            scores=(Score("structure", 0.5, (finding,)),), why=text,
        )  # fmt: skip
        found.add(made, pair_of(text, text + " other"))
    return found


def test_hostile_answers_are_data_everywhere() -> None:
    text = page(verdict(reason=HOSTILE[0], notes=tuple(HOSTILE), reasons={HOSTILE[1]: 1}), examples(HOSTILE)).decode()
    body, script = text.split("</style>", 1)[1].split('<script type="application/json" id="data">')
    assert not re.search(r"<(script|img|svg (?!class)|iframe|link|object)", body)
    assert "7*7" in body and "{{ 7*7 }}" in body, "shown, not run"
    assert script.count("</script>") == 2 and script.count("<script>") == 1, "the data ends no script"
    assert "\x1b" not in text and "\u202e" not in text
    data = orjson.loads(script.split("</script>")[0])
    assert len(data["rows"]) == len(HOSTILE) and "<" not in script.split("</script>")[0]


def test_the_policy_allows_nothing_but_the_pages_own_style_and_script() -> None:
    text = page(verdict(), examples(["a"])).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    assert policy and style and script

    def digest(found: re.Match[str]) -> str:
        return base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()

    assert policy[1] == (
        f"default-src 'none'; style-src 'sha256-{digest(style)}'; script-src 'sha256-{digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    links = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert links == ["#causes"] and " style=" not in text and " onclick=" not in text


def test_two_hundred_large_examples_stay_under_two_megabytes() -> None:
    found = Material()
    for number in range(200):
        finding = Finding(f"/field{number}", "value", blue="1", green="2")
        score = Score("structure", 0.5, (finding,))
        made = comparison_of(Outcome.MISMATCHED, number, id=f"p{number}", route=f"GET /{number}", scores=(score,))
        found.add(made, pair_of(f"{number}字" * 30_000, f"{number}词" * 30_000))
    text = page(verdict(), found)
    assert len(text) < 2_000_000 and text.count(b'<details class="pair"') == 200
    assert b"more characters" in text


def test_thousands_of_pairs_fit_too() -> None:
    found = Material()
    for number in range(7000):
        score = Score("structure", 0.5, (Finding(f"/f{number % 40}", "value", blue="1", green=str(number)),))
        made = comparison_of(
            Outcome.MISMATCHED, number, id=f"{number:032x}", route=f"GET /{number % 300}", scores=(score,),
            why=f"value at /f{number % 40}: 1 → {number}", rules=("structure",),
        )  # fmt: skip
        found.add(made, pair_of("x" * 5000, "y" * 5000))
    text = page(verdict(), found)
    data = orjson.loads(text.split(b'id="data">')[1].split(b"</script>")[0])
    assert len(text) < 2_000_000 and len(data["rows"]) >= 4_000 and data["all"] == 7000


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("status", list(Status))
def test_every_verdict_renders_with_and_without_evidence(status: Status, lang: str) -> None:
    assert b"</html>" in page(verdict(verdict=status), Material(lang))
    empty = verdict(verdict=status, divergence=Divergence(), routes=(), fidelity=None, ledger={})
    said = {"en": "No pair could be judged", "zh": "没有一对可以判定"}[lang]
    assert said in page(empty, Material(lang)).decode()
