"""The page: self-contained, strict policy, everything escaped, bounded."""

from __future__ import annotations

import base64
import hashlib
import re

import orjson
import pytest

from shadowdiff import tape
from shadowdiff.model.comparison import Finding, Outcome, Score
from shadowdiff.model.verdict import Divergence, RouteResult, Status, Verdict
from shadowdiff.report.examples import Examples
from shadowdiff.report.html.marks import marked
from shadowdiff.report.html.page import page
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


def examples(texts: list[str]) -> Examples:
    found = Examples()
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
    body = text.split("</style>", 1)[1]
    assert not re.search(r"<(script|img|svg (?!viewBox)|iframe|link|object)", body)
    assert "onerror=alert" not in re.sub(r"&lt;.*?&gt;", "", body.replace("&#39;", "'")) or "<img" not in body
    assert "49" not in re.findall(r"<summary>.*?</summary>", body)[2]
    assert "\x1b" not in text and "\u202e" not in text


def test_the_policy_allows_nothing_but_the_pages_own_style() -> None:
    text = page(verdict(), examples(["a"])).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert policy and style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1] == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert not re.search(r"(src|href)=", text) and "style=" not in text


def test_two_hundred_large_examples_stay_under_two_megabytes() -> None:
    found = Examples()
    for number in range(200):
        line = orjson.loads(
            tape.encode(
                comparison_of(Outcome.MISMATCHED, number, route=f"GET /{number}"),
                pair_of("字" * 40_000, "词" * 40_000),
            )
        )
        found.lines.append(line)
    made = page(verdict(), found)
    assert len(made) < 2_000_000 and b"more examples are left out" in made


@pytest.mark.parametrize("status", list(Status))
def test_every_verdict_renders_with_and_without_evidence(status: Status) -> None:
    assert b"</html>" in page(verdict(verdict=status), Examples())
    empty = verdict(verdict=status, divergence=Divergence(), routes=(), fidelity=None, ledger={})
    assert b"No pair could be judged" in page(empty, Examples())


def test_highlights_work_without_blanks_between_words() -> None:
    left, right = marked("退款需要七天", "退款需要三十天")
    assert [p for p in left if p[1]] == [("七", "gone")]
    assert [p for p in right if p[1]] == [("三十", "new")]
    for side, text in ((left, "退款需要七天"), (right, "退款需要三十天")):
        assert "".join(piece for piece, _ in side) == text
