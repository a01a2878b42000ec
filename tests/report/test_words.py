"""Chinese: every sentence of reports has its own, and what a target said stays as it is."""

from __future__ import annotations

import ast
import re
import string

import pytest

from shadowdiff.report import zh, zh_data
from shadowdiff.report.html.page import _STRINGS
from shadowdiff.report.kinds import titles
from shadowdiff.report.verdicts import HEADLINE, SIGN
from shadowdiff.report.words import Words
from tests.conftest import ROOT

CHINESE = Words("zh")
PACKAGE = ROOT / "shadowdiff"
_CJK = re.compile("[\u4e00-\u9fff]")


def said_in_templates() -> set[str]:
    found: set[str] = set()
    for path in PACKAGE.rglob("*.j2"):
        text = path.read_text("utf-8")
        found |= set(re.findall(r'\bt\(\s*"([^"]*)"', text)) | set(re.findall(r"\bt\(\s*'([^']*)'", text))
    return found


def said_in_code() -> set[str]:
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
                if name in ("words", "_words", "ENGLISH"):
                    found.add(node.args[0].value)
    return found


def test_every_sentence_of_page_terminal_and_summary_is_there_in_chinese() -> None:
    said = said_in_templates() | said_in_code() | {*_STRINGS, *titles(), *HEADLINE.values(), *SIGN.values()}
    assert len(said) > 200
    assert not sorted(text for text in said if text not in zh.SAID)


@pytest.mark.parametrize("table", [zh.SAID, zh_data.FILLED], ids=["said", "filled"])
def test_a_translation_fills_the_same_fields(table: dict[str, str]) -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    wrong = {english for english, chinese in table.items() if not fields(chinese) <= fields(english)}
    lost = {english for english, chinese in table.items() if fields(english) - fields(chinese) - {"bars"}}
    assert not wrong and not lost


def test_a_finished_sentence_is_known_by_its_pattern() -> None:
    note = "Blue was asked twice for 75 exchanges to learn its noise: 4 paths vary."
    assert CHINESE.said(note) == "为了解 blue 的噪声，有 75 个请求问了 blue 两次：4 处会变化。"
    assert Words("en").said(note) == note
    assert CHINESE.said("skipped: POST is not sent unless allowed: --allow-method POST").startswith(
        "暂不发送：POST 未经允许"
    )
    assert CHINESE.said("a plugin's own words {x}") == "a plugin's own words {x}"


def test_the_sentences_of_notes_are_known() -> None:
    """Every note of a run, made from its source with a number in each field."""
    tree = ast.parse((PACKAGE / "run" / "notes.py").read_text("utf-8"))
    notes = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Yield) or (isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "append"):
            value = node.value if isinstance(node, ast.Yield) else node.args[0]
            if isinstance(value, ast.JoinedStr):
                notes.add("".join(p.value if isinstance(p, ast.Constant) else "7" for p in value.values))
    assert len(notes) > 10
    unknown = {
        note for note in notes if note.endswith(".") and not _CJK.search(CHINESE.said(note.replace("77.", "7.")))
    }
    assert not unknown


def test_only_our_own_words_in_a_finding_are_translated() -> None:
    assert CHINESE.excerpt("value", "length") == "length" and CHINESE.excerpt("text", "json") == "json"
    assert CHINESE.excerpt("kind", "json") == "JSON" and CHINESE.excerpt("disclaimer", "(gone)") == "（没有了）"
    assert CHINESE.excerpt("words", "text, green and 15 more") == "text, green 等另外 15 个"
    why = "truncated at /text: to the → to; value at /finish: stop → length and 3 more"
    assert CHINESE.why(why) == "截断（/text）：to the → to；值（/finish）：stop → length，另有 3 处"
    assert CHINESE.why("blue answered 503") == "blue 回答 503"
