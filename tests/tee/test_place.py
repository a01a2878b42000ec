"""Places: read and changed without touching what stands around them."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowdiff.errors import UsageError
from shadowdiff.model.exchange import Request
from shadowdiff.tee.place import Places, cookies, place, read
from shadowdiff.testing import request_of

FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


@pytest.mark.parametrize(
    ("where", "request_", "value"),
    [
        ("header:X-S", request_of(X_S="1"), "1"),
        ("cookie:sid", request_of(Cookie="a=b; sid=42=x"), "42=x"),
        ("query:q", request_of("GET", "/?a=1&q=%E4%BD%A0"), "你"),
        ("path:/threads/*/runs/+", request_of("GET", "/threads/t1/runs/r1"), "t1"),
        ("path:/+/runs/*", request_of("GET", "/threads/runs/r1/steps"), "r1"),
        ("form:csrf", Request("POST", "/", FORM, b"a=1&csrf=x%2By+z"), "x+y z"),
        ("json:/a/0/b", request_of("POST", "/", b'{"a":[{"b":7}]}'), "7"),
        ("json:/a~1b", request_of("POST", "/", b'{"a/b":"v"}'), "v"),
        ("header:X-S", request_of(), ""),
        ("path:/threads/*", request_of("GET", "/users/1"), ""),
        ("form:csrf", request_of("POST", "/", b"csrf=1"), ""),
        ("json:/a", request_of("POST", "/", b"\xff{"), ""),
    ],
)
def test_a_value_is_read_where_it_stands(where: str, request_: Request, value: str) -> None:
    assert read(place(where, ""), request_) == value


@pytest.mark.parametrize("text", ["body:/x", "json:x", "path:/x", "header:", "x", ""])
def test_what_is_no_place_is_refused_with_the_spelling(text: str) -> None:
    with pytest.raises(UsageError, match=r"isolate.path: .* is no place; write header:Name"):
        place(text, "isolate.path")


def test_only_the_value_changes_in_a_cookie_header() -> None:
    swap = Places([place("cookie:sid", "")])
    headers = swap.headers((("cookie", "a=1;  sid=x;b"), ("X", "sid=x")), lambda old, _: old + "!")
    assert headers == (("cookie", "a=1;  sid=x!;b"), ("X", "sid=x"))
    assert list(cookies(headers)) == [("a", "1"), ("sid", "x!")]


@given(
    before=st.text(alphabet="abc/%7E:", max_size=5),
    old=st.text(min_size=1, max_size=8),
    new=st.text(min_size=1, max_size=8),
    rest=st.text(alphabet="xyz=%20", max_size=6),
)
def test_a_query_value_changes_and_its_neighbours_stay_byte_for_byte(
    before: str, old: str, new: str, rest: str
) -> None:
    target = f"/p?a={before}&id={quote(old.encode('utf-8', 'replace'), safe='')}&z={rest}"
    changed = Places([place("query:id", "")]).target(
        target, lambda _old, _label: new.encode("utf-8", "replace").decode()
    )
    assert changed.startswith(f"/p?a={before}&id=") and changed.endswith(f"&z={rest}")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), json_values, max_size=4), st.text(min_size=1, max_size=6), st.booleans())
def test_a_json_value_changes_and_the_document_around_it_stays(rest: dict, new: str, spaced: bool) -> None:
    document = {**rest, "id": "old-value"}
    body = json.dumps(document, ensure_ascii=not spaced, indent=2 if spaced else None).encode(
        "utf-8", "surrogatepass"
    )
    changed = Places([place("json:/id", "")]).body(body, (), lambda old, _: new if old == "old-value" else old)
    try:
        assert json.loads(changed) == {**document, "id": new}
    except UnicodeDecodeError:
        assert changed == body  # a lone surrogate is no JSON text: nothing is touched
