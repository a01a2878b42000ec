"""Status, headers, length, keywords, fuzzy: each sees one thing."""

from __future__ import annotations

import pytest

from shadowdiff.contracts import Baseline
from shadowdiff.model.exchange import Expect
from shadowdiff.score.fuzzy import Fuzzy
from shadowdiff.score.keywords import Keywords
from shadowdiff.score.length import Length
from shadowdiff.score.status import Headers, Status
from shadowdiff.testing import check_scorer, exchange_of, pair_of, response_of

LONG = "根据您的保单，住院费用可以在出院后九十天内申请报销，请准备好发票、病历和身份证复印件。以上内容仅供参考。"


def fires(scorer, one, two, exchange=None) -> bool:
    return any(f.fires for f in scorer.score(pair_of(one, two, exchange=exchange), Baseline()).findings)


@pytest.mark.parametrize("scorer", [Status(), Headers(), Length(), Keywords(), Fuzzy()], ids=lambda s: s.name)
def test_conforms(scorer) -> None:
    check_scorer(scorer)


def test_status_class_fails_and_another_code_of_the_class_is_reported() -> None:
    assert fires(Status(), response_of("x", 200), response_of("x", 404))
    assert not fires(Status(), response_of("x", 200), response_of("x", 201))


def test_media_type_location_and_chosen_headers() -> None:
    html, json_ = (
        response_of("x", content_type="text/html; charset=utf-8"),
        response_of("x", content_type="application/json"),
    )
    assert fires(Headers(), html, json_)
    assert not fires(Headers(), html, response_of("x", content_type="text/html"))
    here, there = (
        response_of("", 302, Location="http://blue/a?x=1"),
        response_of("", 302, Location="http://green/a?x=1"),
    )
    assert not fires(Headers(), here, there)
    assert fires(Headers(), here, response_of("", 302, Location="/b"))
    one, two = response_of("x", Cache_Control="a"), response_of("x", Cache_Control="b")
    assert not fires(Headers(), one, two)
    assert fires(Headers(["cache-control"]), one, two)
    assert not fires(Headers(["cache-control"], ["header:Cache-Control"]), one, two)


def test_an_encoding_that_only_green_declares_without_sending_it_fails() -> None:
    body = '{"a": 1}'
    kind = "application/json"
    plain, broken = (
        response_of(body, content_type=kind),
        response_of(body, content_type=kind, Content_Encoding="gzip"),
    )
    (finding,) = Headers().score(pair_of(plain, broken), Baseline()).findings
    assert finding.fires and (finding.path, finding.green) == ("header:content-encoding", "gzip, which it is not")
    assert not Headers().score(pair_of(broken, broken), Baseline()).findings
    assert not Headers().score(pair_of(broken, plain), Baseline()).findings


def test_length_counts_what_is_read_and_spares_short_answers() -> None:
    assert fires(Length(0.3), LONG, LONG[:30])
    assert not fires(Length(0.3), LONG, LONG[:-6])
    assert not fires(Length(0.3), "yes", "certainly")
    assert not fires(Length(), LONG, LONG[:30])
    assert Length().score(pair_of(LONG, LONG[:30]), Baseline()).divergence > 0.3
    assert not fires(Length(0.9), LONG, LONG[:30])


def test_a_required_phrase_fails_only_where_blue_says_it() -> None:
    rule = Keywords(required=["仅供参考"])
    assert fires(rule, LONG, LONG.replace("以上内容仅供参考。", ""))
    assert not fires(rule, "短答", "短答二")
    assert not fires(rule, LONG, LONG.replace("仅供参考", "仅 供 参 考"))


def test_a_forbidden_phrase_always_fails_also_in_short_json() -> None:
    rule = Keywords(forbidden=["内部机密"])
    assert rule.on_equal and fires(rule, "内部机密", "内部机密")
    assert fires(rule, '{"a":"ok"}', '{"a":"内部机密"}')
    assert not fires(rule, LONG, LONG)


def test_lost_words_are_reported_without_failing() -> None:
    score = Keywords().score(pair_of("The fee is 25 yuan for overseas transfers", "The fee is high"), Baseline())
    (finding,) = score.findings
    assert "25" in finding.blue and not finding.fires


def test_a_prepared_question_is_checked_against_green_alone() -> None:
    exchange = exchange_of(expect=Expect(contains=("九十天",), forbids=("不可以",), citations=("[1]",)))
    assert fires(Keywords(), LONG, LONG, exchange)
    assert not fires(Keywords(), LONG, LONG + "[1]", exchange)
    assert fires(Keywords(), LONG, LONG.replace("可以", "不可以") + "[1]", exchange)


def test_fuzzy_reports_always_and_fails_only_where_a_limit_is_set() -> None:
    two = LONG.replace("九十天", "三十天")
    score = Fuzzy().score(pair_of(LONG, two), Baseline())
    assert 0 < score.divergence < 0.1 and not score.findings
    assert fires(Fuzzy(0.99), LONG, two) and not fires(Fuzzy(0.9), LONG, two)


def test_long_texts_are_compared_by_words_and_say_so() -> None:
    one = " ".join(f"word{n}" for n in range(3000))
    score = Fuzzy().score(pair_of(one, one.replace("word7 ", "other ")), Baseline())
    assert "compared by words" in score.skipped and 0 < score.divergence < 0.01


def test_full_width_and_case_do_not_count_as_change() -> None:
    score = Fuzzy().score(pair_of("ＡＢＣ１２３ is here, and more", "abc123 is here, and more"), Baseline())
    assert score.divergence == 0


def test_an_expected_pattern_must_be_found_and_a_broken_one_is_told() -> None:
    def outcome(pattern: str, green: str) -> bool:
        return fires(Keywords(), LONG, green, exchange=exchange_of(expect=Expect(regex=(pattern,))))

    assert outcome(r"\d+ days", LONG) and not outcome(r"\d+ days", LONG + " in 90 days")
    assert not outcome("(", LONG)
