"""Structure: typed values, aligned arrays, accepted paths, and laws that hold for any two values."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.contracts import Baseline
from shadowdiff.model.comparison import Finding, Severity
from shadowdiff.score.jsonvalue import canonical, same
from shadowdiff.score.structure import Structure, learnable
from shadowdiff.testing import check_scorer, pair_of, response_of


def found(one: object, two: object, **options: object) -> list[Finding]:
    return list(Structure(**options).score(pair_of(json.dumps(one), json.dumps(two)), Baseline()).findings)  # type: ignore[arg-type]


def brief(findings: list[Finding]) -> list[str]:
    return sorted(f"{f.path}:{f.kind}" for f in findings if not f.noisy)


def test_objects_align_on_their_key_whatever_their_place() -> None:
    one = [{"id": 1, "p": 5}, {"id": 2, "p": 6}, {"id": 3, "p": 7}]
    two = [{"id": 3, "p": 7}, {"id": 1, "p": 5}]
    assert brief(found(one, two)) == ["/1:missing", ":length", ":order"]
    assert brief(found(one, two, unordered=["/items"])) == brief(found(one, two))
    assert brief(found({"items": one}, {"items": one[::-1]}, unordered=["/items"])) == []
    assert brief(found(one, [one[0], {"id": 2, "p": 9}, one[2]])) == ["/1/p:value"]


@pytest.mark.parametrize(
    ("one", "two", "kinds"),
    [
        ({"a": True}, {"a": 1}, ["/a:type"]), ({"a": 1}, {"a": 1.0000000000001}, []), ({"a": None}, {"a": 0}, ["/a:type"]),
        ({"a": 2**53}, {"a": 2**53 + 1}, ["/a:value"]), ({"a/b": 1}, {"a/b": 2}, ["/a~1b:value"]),
        ({"a": "x y"}, {"a": "x  y"}, []), ({"a": "on"}, {"a": "off"}, ["/a:value"]),
    ],
)  # fmt: skip
def test_typed_leaves(one: object, two: object, kinds: list[str]) -> None:
    assert brief(found(one, two)) == kinds


def test_tolerance_ignore_and_learnt_noise_accept_by_path() -> None:
    one, two = (
        {"price": 10.0, "meta": {"id": "a"}, "list": [{"t": 1}]},
        {"price": 10.4, "meta": {"id": "b"}, "list": [{"t": 2}]},
    )
    assert brief(found(one, two)) == ["/list/0/t:value", "/meta/id:value", "/price:value"]
    assert brief(found(one, two, tolerance={"/price": 0.5}, ignore=["/meta", "/**/t"])) == []
    baseline = Baseline(1, {"GET /": frozenset({("/list/*/t", "value")})})
    accepted = Structure().score(pair_of(json.dumps(one), json.dumps(two)), baseline).findings
    assert [f.noisy for f in accepted if f.path == "/list/0/t"] == ["learnt from blue"]


def test_an_added_field_is_reported_and_does_not_fail() -> None:
    (finding,) = found({"a": 1}, {"a": 1, "b": 2})
    assert finding.kind == "extra" and not finding.fires


def test_long_prose_may_be_reworded_but_not_speak_of_something_else() -> None:
    one = "The refund is paid back within three business days to the card you used for the order. " * 2
    near = one.replace("you used", "you took")
    other = "Our branch in the old town opens at nine and closes at six, with free parking behind it. " * 2
    assert not any(f.fires for f in found({"a": one}, {"a": near}))
    assert any(f.fires for f in found({"a": one}, {"a": other}))
    assert [f.kind for f in found({"a": one}, {"a": one.replace("three", "nine")}) if f.fires] == ["number"]
    assert any(f.fires for f in found({"a": one}, {"a": near}, profile="strict"))
    assert any(f.fires for f in found({"a": one}, {"a": ""}))


def test_times_of_the_answer_and_request_ids_are_fresh_each_time() -> None:
    def side(moment: str, request_id: str) -> object:
        body = json.dumps({"at": moment, "request_id": request_id, "day": "2020-01-01T00:00:00Z"})
        return response_of(body, Date="Mon, 01 Jun 2026 08:00:00 GMT")

    score = Structure().score(
        pair_of(side("2026-06-01T08:00:00Z", "req-aaaa1"), side("2026-06-01T08:00:02Z", "req-bbbb2")), Baseline()
    )
    assert all(f.noisy for f in score.findings) and len(score.findings) == 2
    other = found({"created": "2020-01-01T00:00:00Z"}, {"created": "2020-01-02T00:00:00Z"})
    assert [f.fires for f in other] == [True]


def test_kinds_of_document_that_differ_are_one_finding() -> None:
    score = Structure().score(pair_of('{"a":1}', "<!doctype html><p>Error"), Baseline())
    assert [(f.kind, f.severity) for f in score.findings] == [("kind", Severity.MAJOR)]


def test_prose_and_endings_are_never_learnt() -> None:
    assert not learnable(Finding("/text", "text", Severity.MAJOR, "x" * 80, "y"))
    assert not learnable(Finding("/finish", "value"))
    assert learnable(Finding("/id", "value", Severity.MAJOR, "a", "b"))


def test_deep_nesting_is_survived() -> None:
    one = two = "1"
    for _ in range(400):
        one, two = f"[{one}]", f"[{two}]"
    Structure().score(pair_of(one, two.replace("1", "2")), Baseline())


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_a_value_equals_itself(value: object) -> None:
    assert same(value, value) and found(value, value) == []


@given(values, values)
def test_differing_is_symmetric_and_agrees_with_same(one: object, two: object) -> None:
    assert same(one, two) == same(two, one)
    if same(one, two):
        assert found(one, two) == []
    else:
        assert bool(found(one, two)) == bool(found(two, one))


@given(st.lists(values, max_size=5))
def test_reordering_never_changes_canonical_content(items: list[object]) -> None:
    assert sorted(map(canonical, items)) == sorted(map(canonical, items[::-1]))


def test_conforms() -> None:
    check_scorer(Structure())
