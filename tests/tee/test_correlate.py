"""Correlation: each target gets its own ids back, and nothing else is ever replaced."""

from __future__ import annotations

import json
import re
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowdiff.errors import UsageError
from shadowdiff.model.exchange import Exchange, Request, Role
from shadowdiff.tee.correlate import Correlator, rule
from shadowdiff.testing import exchange_of, observed, request_of, response_of

ROLES = (Role.BLUE, Role.GREEN)


def correlator(*rules: tuple[str, list[str]], **options) -> Correlator:
    made = [rule(source, to, "correlate[0]") for source, to in rules]
    return Correlator(made, unpack=lambda response: response.body, **options)


def turn(request: Request | None = None, answer: str | None = None, session: str = "s", **headers: str) -> Exchange:
    recorded = None if answer is None else response_of(answer, **headers)
    return exchange_of(request or request_of("POST", "/threads"), session=session, recorded=recorded)


def learn(made: Correlator, exchange: Exchange, blue: str, green: str, **headers: tuple[str, str]) -> None:
    sides = [{k: v[i] for k, v in headers.items()} for i in (0, 1)]
    answers = (response_of(blue, **sides[0]), response_of(green, **sides[1]))
    made.learn(exchange, [observed(role, answer) for role, answer in zip(ROLES, answers, strict=True)])


def sent(made: Correlator, request: Request, role: Role, session: str = "s") -> Request:
    exchange = exchange_of(request, session=session)
    target, headers, body, _ = made.apply(exchange, role, request.headers)
    return Request(request.method, target, headers, body)


def test_a_minted_id_is_replaced_in_path_query_header_and_body_for_each_target() -> None:
    made, (r, b, g) = correlator(), (str(uuid.uuid4()) for _ in range(3))
    learn(made, turn(answer=f'{{"id":"{r}"}}'), f'{{"id":"{b}"}}', f'{{"id":"{g}"}}')
    request = request_of("POST", f"/threads/{r}/x?t={r}&u=1", f'{{"t": "{r}", "n":1.50}}'.encode(), X_T=f"id={r};q")
    for role, live in zip(ROLES, (b, g), strict=True):
        out = sent(made, request, role)
        assert out.target == f"/threads/{live}/x?t={live}&u=1"
        assert out.headers == (("X-T", f"id={live};q"),)
        assert out.body == f'{{"t": "{live}", "n":1.50}}'.encode()
    assert sent(made, request, Role.BLUE, session="other") == request
    (found,) = made.found.values()
    assert found.replaced == {Role.BLUE: 4, Role.GREEN: 4} and "json:/id" in found.source


def test_a_value_with_signs_is_found_and_written_in_its_escaped_form() -> None:
    made = correlator()
    r, b = "aB3+dE6/gH9jK2mN5pQ8==", "zY9+xW6/vU3tS0rQ7pO4=="
    learn(made, turn(answer=json.dumps({"token": r})), json.dumps({"token": b}), json.dumps({"token": b}))
    request = request_of("POST", "/x?t=aB3%2BdE6%2FgH9jK2mN5pQ8%3D%3D", b'{"t":"aB3+dE6\\/gH9jK2mN5pQ8=="}')
    out = sent(made, request, Role.BLUE)
    assert out.target == "/x?t=zY9%2BxW6%2FvU3tS0rQ7pO4%3D%3D" and json.loads(out.body) == {"t": b}


def test_a_chain_of_values_is_replaced_in_one_pass() -> None:
    made, (r1, r2, b2) = correlator(), (uuid.uuid4().hex for _ in range(3))
    answer = lambda one, two: json.dumps({"a_id": one, "b_id": two})  # noqa: E731
    learn(made, turn(answer=answer(r1, r2)), answer(r2, b2), answer(r2, b2))
    assert sent(made, request_of("GET", f"/{r1}/{r2}"), Role.BLUE).target == f"/{r2}/{b2}"


def test_what_the_client_brought_is_never_replaced() -> None:
    made, mine = correlator(), uuid.uuid4().hex
    learn(
        made,
        turn(request_of("POST", "/x", f'{{"request_id":"{mine}"}}'.encode()), answer=f'{{"request_id":"{mine}"}}'),
        f'{{"request_id":"{uuid.uuid4().hex}"}}',
        f'{{"request_id":"{uuid.uuid4().hex}"}}',
    )
    request = request_of("GET", f"/x/{mine}")
    assert sent(made, request, Role.BLUE) == request


def test_a_value_that_several_sessions_share_is_nobodys_own() -> None:
    made, build, other = correlator(), "b7f3a09c1d2e4f56", "c8e4b1ad2e3f5a67"
    for session in ("one", "two"):
        learn(made, turn(answer=f'{{"build":"{build}"}}', session=session), f'{{"build":"{other}"}}', "{}")
    request = request_of("GET", f"/assets/{build}")
    assert sent(made, request, Role.BLUE, "one") == sent(made, request, Role.BLUE, "two") == request


def test_repeats_of_a_log_are_the_same_session_again_not_strangers() -> None:
    made, r = correlator(), uuid.uuid4().hex
    for session in ("s", "s~2"):
        live = uuid.uuid4().hex
        learn(made, turn(answer=f'{{"id":"{r}"}}', session=session), f'{{"id":"{live}"}}', f'{{"id":"{live}"}}')
        assert sent(made, request_of("GET", f"/{r}"), Role.BLUE, session).target == f"/{live}"


def test_cookies_go_back_to_the_target_that_set_them() -> None:
    made = correlator()
    learn(
        made,
        turn(answer="", Set_Cookie="sid=rec; Path=/"),
        "",
        "",
        Set_Cookie=("sid=blue; Path=/", "sid=green; Path=/"),
    )
    request = request_of("GET", "/chat", Cookie="sid=rec; theme=dark")
    exchange = exchange_of(request, session="s")
    assert made.apply(exchange, Role.GREEN, ())[1] == (("Cookie", "sid=green"),)
    forwarded = (("A", "1"), ("Cookie", "sid=rec; theme=dark"), ("B", "2"))
    assert made.apply(exchange, Role.BLUE, forwarded)[1] == (
        ("A", "1"),
        ("Cookie", "sid=blue; theme=dark"),
        ("B", "2"),
    )
    bare = exchange_of(request_of("GET", "/chat"), session="s")
    assert made.apply(bare, Role.BLUE, ())[1] == ()  # this client was given a cookie and sent none back


def test_a_sanitized_capture_still_gets_its_cookies() -> None:
    made = correlator()
    learn(made, turn(answer=""), "", "", Set_Cookie=("sid=blue; Path=/", "sid=green; Path=/"))
    assert sent(made, request_of("GET", "/chat"), Role.BLUE).headers == (("Cookie", "sid=blue"),)
    redacted = exchange_of(request_of("GET", "/chat", Cookie="[redacted]"), session="s")
    assert made.apply(redacted, Role.GREEN, ())[1] == (("Cookie", "sid=green"),)


def test_an_explicit_rule_takes_a_short_value_only_to_its_places() -> None:
    made = correlator(("POST /orders json:/id", ["path:/orders/*", "json:/order"]), automatic=False)
    learn(made, turn(request_of("POST", "/orders"), answer='{"id": 7}'), '{"id": 41}', '{"id": 52}')
    request = request_of("POST", "/orders/7/items/7", b'{"order": 7, "n": 7}')
    out = sent(made, request, Role.GREEN)
    assert out.target == "/orders/52/items/7" and out.body == b'{"order": 52, "n": 7}'


def test_an_explicit_rule_works_without_recorded_answers_and_says_when_a_target_minted_none() -> None:
    made = correlator(("POST /login header:X-Token", ["header:X-Token"]))
    learn(made, turn(request_of("POST", "/login")), "", "", X_Token=("tok-blue", ""))
    assert sent(made, request_of("GET", "/", X_Token="whatever"), Role.BLUE).headers == (("X-Token", "tok-blue"),)
    assert made.found["POST /login header:x-token"].absent == {Role.GREEN: 1}


@pytest.mark.parametrize("source", ["POST /x", "POST /x body:/y", "/x json:/y", "POST /x json:"])
def test_a_bad_rule_says_how_to_write_one(source: str) -> None:
    with pytest.raises(UsageError, match=r"correlate\[0\].from: .*write 'METHOD /path PLACE'"):
        rule(source, [], "correlate[0]")


def test_only_what_blue_minted_too_is_taken_as_the_same() -> None:
    made, (r, g) = correlator(), (uuid.uuid4().hex for _ in range(2))
    exchange = turn(answer=f'{{"id":"{r}"}}')
    learn(made, exchange, f'{{"id":"{r}"}}', f'{{"id":"{g}"}}')
    assert made.same(exchange) == {}  # blue answers as recorded: green's id is a difference
    hit = turn(request_of("POST", "/search"), answer=f'{{"results":[{{"id":"{uuid.uuid4().hex}"}}]}}')
    other = lambda: f'{{"results":[{{"id":"{uuid.uuid4().hex}"}}]}}'  # noqa: E731
    learn(made, hit, other(), other())
    assert made.same(hit) == {}  # ids of search hits are content until the client uses one


word = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-_.", min_size=1, max_size=24)
ident = st.one_of(st.uuids().map(str), word, st.sampled_from(["id", "true", "gpt-4o-mini", "2024-07-18", "12345678"]))
answers = st.dictionaries(st.sampled_from(["id", "token", "model", "text", "name", "thread_id"]), ident, max_size=4)


@settings(max_examples=200)
@given(recorded=answers, blue=answers, ask=st.lists(ident, max_size=3), later=st.lists(ident, min_size=1, max_size=5))
def test_nothing_short_common_or_brought_by_the_client_is_ever_replaced(
    recorded: dict, blue: dict, ask: list[str], later: list[str]
) -> None:
    made = correlator()
    first = turn(request_of("POST", "/x", json.dumps(ask).encode()), answer=json.dumps(recorded))
    learn(made, first, json.dumps(blue), json.dumps(blue))
    words = later + [value for value in recorded.values()]
    request = request_of("POST", "/y/" + "/".join(words), json.dumps(words).encode())
    out = sent(made, request, Role.BLUE)
    plain = re.compile(r"\d{4}-\d\d-\d\d|\d{1,14}|[a-z]+|.{0,7}")
    may = {
        recorded[k]: blue[k]
        for k in recorded.keys() & blue.keys()
        if recorded[k] != blue[k] and not plain.fullmatch(recorded[k]) and recorded[k] not in ask
    }
    for old, new in zip(words, json.loads(out.body), strict=True):
        if old != new:  # a part of a dotted value may be a value of its own
            assert any(one in old and old.replace(one, may[one]) == new for one in may)
