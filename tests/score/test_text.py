"""Texts: what readers do not see does not count; CJK has words too."""

from __future__ import annotations

from shadowdiff.score.judge import topic
from shadowdiff.score.text import excerpt, is_prose, normal, prose, tokens, worded
from shadowdiff.testing import decoding, response_of


def test_normal_form_drops_width_quotes_case_and_spacing() -> None:
    assert normal("“Ｈｅｌｌｏ”\u200b  WORLD…") == normal('"hello" world...')
    assert normal("你 好，世界") == normal("你好,世界")


def test_chinese_gives_bigrams_and_latin_gives_words() -> None:
    assert tokens("退款需要3.5天 ok") == ["退款", "款需", "需要", "3.5", "天", "ok"]


def test_topic_distance_tells_other_answers_apart_in_both_languages() -> None:
    assert topic("退款将在三个工作日内到账", "退款会在三个工作日到账") < 0.6
    assert topic("退款将在三个工作日内到账", "营业厅早上九点开门") > 0.9
    assert topic("", "") == 0.0 and topic("a b", "") == 1.0


def test_prose_is_found_inside_json_and_identifiers_are_not() -> None:
    text = "This sentence is long enough to count as prose, because it has words in it."
    document = decoding().document(response_of(f'{{"id":"abc","answer":"{text}","n":[{{"t":"{text}"}}]}}'))
    assert prose(document) == f"{text}\n{text}"
    assert not is_prose("x" * 100) and is_prose("字" * 61)
    assert worded("a b") and not worded("a-b")


def test_excerpts_are_bounded() -> None:
    assert len(excerpt("x" * 1000)) == 160 and excerpt({"a": [1]}) == '{"a":[1]}'
